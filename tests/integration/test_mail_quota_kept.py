"""Use and limit of a mailbox are asked once in a while, and again after every change of ours."""

from pathlib import Path

import pytest

from hsp.protocols.imap import ImapClient, Quota
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer
from tests.support.mail_world import mail_world

pytestmark = pytest.mark.anyio


async def test_quota_is_asked_again_after_a_while_and_after_a_change(
    dovecot: DovecotServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = ImapClient.quota

    async def count(client: ImapClient, root: str = "INBOX") -> Quota | None:
        asked.append(root)
        return await ask(client, root)

    monkeypatch.setattr(ImapClient, "quota", count)
    clock, account, other = ManualClock(), dovecot.new_user(), dovecot.new_user()
    async with mail_world(tmp_path, dovecot.imap_port, clock=clock) as world:
        first = await world.mailbox(account).quota()
        assert first is not None
        assert await world.mailbox(account).quota() == first
        assert len(asked) == 1
        clock.advance(11)
        await world.mailbox(account).quota()
        assert len(asked) == 2
        await world.mailbox(account).append("sent", b"Subject: x\r\n\r\n" + b"x" * 5000, ())
        later = await world.mailbox(account).quota()
        assert later is not None
        assert (later.storage_used or 0) > (first.storage_used or 0)
        await world.mailbox(other).quota()
        assert len(asked) == 4
