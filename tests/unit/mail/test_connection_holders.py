"""Who uses the kept connections: asked by a node that missed news of endings."""

from hsp.mail.pool_state import Accounts, Key
from hsp.mail.routes import OUTBOX_HOLDER


def test_sessions_are_told_by_account_and_a_mail_on_its_way_is_none() -> None:
    accounts = Accounts()
    old, new = Key("imap", "alice@demo.test", b"old"), Key("imap", "alice@demo.test", b"new")
    accounts.get("alice@demo.test").sessions |= {old: {"a1", f"{OUTBOX_HOLDER}7 1"}, new: {"a2"}}
    accounts.get("bob@demo.test").sessions[Key("imap", "bob@demo.test", b"x")] = {f"{OUTBOX_HOLDER}8 1"}
    accounts.get("carol@demo.test")
    assert accounts.holders() == {"alice@demo.test": {"a1", "a2"}, "bob@demo.test": frozenset()}
