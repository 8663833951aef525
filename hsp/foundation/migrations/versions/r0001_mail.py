"""Numbers of accounts and folders, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Accounts, folders and the outbox."""
    op.create_table(
        "accounts",
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("account", sa.String(320), nullable=False),
        sa.PrimaryKeyConstraint("no", name="pk_accounts"),
        sa.UniqueConstraint("account", name="uq_accounts_account"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "folders",
        sa.Column("no", sa.Integer, nullable=False),
        sa.Column("account_no", sa.Integer, nullable=False),
        sa.Column("name", sa.String(1024), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger, nullable=False),
        sa.Column("mailboxid", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("no", name="pk_folders"),
        sa.ForeignKeyConstraint(["account_no"], ["accounts.no"], name="fk_folders_account_no_accounts"),
        sa.UniqueConstraint("account_no", "name", "uidvalidity", name="uq_folders_account_no_name_uidvalidity"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("account", sa.String(320), nullable=False),
        sa.Column("form_key", sa.String(64), nullable=False),
        sa.Column("background", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("send_at", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease_owner", sa.String(32), nullable=False),
        sa.Column("lease_until", sa.Float, nullable=False),
        sa.Column("saved", sa.Boolean, nullable=False),
        sa.Column("details", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.LargeBinary, nullable=False),
        sa.Column("message", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("account", "form_key", name="uq_outbox_account_form_key"),
    )
    op.create_index("ix_outbox_state_send_at", "outbox", ["state", "send_at"])
