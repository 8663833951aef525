"""The SQL tables of mail. Folder and message ids are made of their numbers; outbox contents are sealed."""

import sqlalchemy as sa

from hsp.foundation.sql import metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("account", sa.String(320), nullable=False, unique=True),
    sqlite_autoincrement=True,
)

folders = sa.Table(
    "folders",
    metadata,
    sa.Column("no", sa.Integer, primary_key=True),
    sa.Column("account_no", sa.ForeignKey(accounts.c.no), nullable=False),
    sa.Column("name", sa.String(1024), nullable=False),
    sa.Column("uidvalidity", sa.BigInteger, nullable=False),
    sa.Column("mailboxid", sa.String(255), nullable=False),  # RFC 8474; empty when the server has none
    sa.UniqueConstraint("account_no", "name", "uidvalidity"),
    sqlite_autoincrement=True,
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
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
    sa.UniqueConstraint("account", "form_key"),
    sa.Index("ix_outbox_state_send_at", "state", "send_at"),
)
