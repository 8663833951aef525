"""The outbox against a real IMAP server and an SMTP sink that counts: sent once, or the writer is told."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from hsp.foundation.sealing import SealError
from hsp.mail import Composed, Draft, MessageGone, Outbox, OutboxLimits, compose
from hsp.mail.tables import outbox as table
from hsp.protocols import smtp
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer
from tests.support.mail_world import MailWorld, contents, fill, fresh_user, mail_world, simple_mail
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio


@pytest.fixture
def user(dovecot: DovecotServer) -> str:
    return fresh_user(dovecot)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def world(
    tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink, clock: ManualClock
) -> AsyncIterator[MailWorld]:
    async with mail_world(tmp_path, dovecot.imap_port, smtp_port=smtp_sink.port, clock=clock) as made:
        yield made


def mail(user: str, clock: ManualClock, **fields: str) -> Composed:
    values = {"to": "bob@demo.test", "subject": "Hello", "text": "Hi Bob", "form_key": "form-1"} | fields
    return compose(Draft(sender=user, **values), now=clock.time())


async def settle(box: Outbox) -> None:
    await box.run_once()
    await box.settled()


async def state(box: Outbox, account: str, item_id: str) -> str:
    return (await box.item(account, item_id)).state


async def test_a_mail_is_sent_once_and_its_copy_is_in_sent(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink, dovecot: DovecotServer
) -> None:
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock, bcc="carol@demo.test"))
    assert item.state == "queued"
    await settle(box)
    done = await box.item(user, item.id)
    assert (done.state, done.saved, done.refused) == ("sent", True, ())
    (received,) = smtp_sink.messages
    assert received.recipients == ("bob@demo.test", "carol@demo.test")
    assert b"carol" not in received.content
    ((flags, copy),) = await asyncio.to_thread(contents, dovecot.imap_port, user, "Sent")
    assert b"\\Seen" in flags
    assert b"Bcc: carol@demo.test" in copy
    assert b"Hi Bob" in copy
    await settle(box)
    assert len(smtp_sink.messages) == 1


async def test_undo_within_the_delay_sends_nothing(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock), delay=10)
    clock.advance(9)
    await settle(box)
    assert smtp_sink.messages == []
    assert await box.cancel(user, item.id)
    clock.advance(60)
    await settle(box)
    assert smtp_sink.messages == []
    assert await state(box, user, item.id) == "cancelled"
    assert b"Hi Bob" in await box.content(user, item.id)


async def test_undo_after_sending_says_no(world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink) -> None:
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock), delay=10)
    clock.advance(11)
    await settle(box)
    assert not await box.cancel(user, item.id)
    assert len(smtp_sink.messages) == 1


async def test_a_double_click_makes_one_mail(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    box, other_worker = world.outbox(), world.outbox()
    principal = world.principal(user)
    items = await asyncio.gather(
        *(worker.submit(principal, mail(user, clock)) for worker in (box, other_worker, box, other_worker))
    )
    assert len({item.id for item in items}) == 1
    await asyncio.gather(settle(box), settle(other_worker))
    replayed = await box.submit(principal, mail(user, clock))
    assert replayed.state == "sent"
    await settle(box)
    assert len(smtp_sink.messages) == 1


async def test_the_same_form_with_other_content_is_another_mail(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    box = world.outbox()
    first = await box.submit(world.principal(user), mail(user, clock))
    second = await box.submit(world.principal(user), mail(user, clock, text="Hi Bob, one more thing"))
    assert first.id != second.id
    await settle(box)
    assert len(smtp_sink.messages) == 2


async def test_sending_again_after_an_undo_sends(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock), delay=10)
    await box.cancel(user, item.id)
    again = await box.submit(world.principal(user), mail(user, clock), delay=0)
    assert (again.id, again.state) == (item.id, "queued")
    await settle(box)
    assert len(smtp_sink.messages) == 1


# A crash: the process is gone with its memory, its row is what it last wrote. Another process comes to the same table.


class _Crash(BaseException):
    """Not an Exception: nothing in the code under test may tidy up after it."""


async def crash_during(world: MailWorld, user: str, composed: Composed, step: str) -> str:
    """A process that dies at `step`; the id of its row."""

    async def dying_send(endpoint, credential, sender, recipients, data, *, before_content):  # type: ignore[no-untyped-def]
        async def dying_before_content() -> None:
            if step == "before content":
                raise _Crash
            await before_content()
            if step == "content marked":
                raise _Crash

        result = await smtp.send(endpoint, credential, sender, recipients, data, before_content=dying_before_content)
        if step == "accepted":
            raise _Crash
        return result

    async def dies(*_: object, **__: object) -> None:
        raise _Crash

    box = world.outbox(send=dying_send)
    if step == "copy not saved":
        box._sender._save = dies  # type: ignore[method-assign]
    item = await box.submit(world.principal(user), composed)
    if step != "accepted by us":
        await box.run_once()
        tasks = list(box._sender._tasks.values())
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(result, _Crash) for result in results)
    return item.id


@pytest.mark.parametrize("step", ["accepted by us", "before content"])
async def test_a_crash_before_the_content_waits_for_its_owner_and_is_sent_once(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink, step: str
) -> None:
    item_id = await crash_during(world, user, mail(user, clock), step)
    assert smtp_sink.messages == []
    clock.advance(600)
    survivor = world.outbox()
    await settle(survivor)
    (shown,) = await survivor.items(user)
    assert (shown.id, shown.state, shown.reason) == (item_id, "waiting", "needs_owner")
    assert smtp_sink.messages == []  # Nobody has the credential.
    await survivor.resume_waiting(world.principal(user, "session-2"))
    await settle(survivor)
    assert await state(survivor, user, item_id) == "sent"
    assert len(smtp_sink.messages) == 1


@pytest.mark.parametrize("step", ["content marked", "accepted"])
async def test_a_crash_around_the_content_is_unknown_and_never_sent_again_by_itself(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink, step: str
) -> None:
    item_id = await crash_during(world, user, mail(user, clock), step)
    before = len(smtp_sink.messages)
    assert before == (1 if step == "accepted" else 0)
    clock.advance(3600)
    survivor = world.outbox()
    for _ in range(3):
        await survivor.resume_waiting(world.principal(user, "session-2"))
        await settle(survivor)
        clock.advance(3600)
    (shown,) = await survivor.items(user)
    assert (shown.state, shown.reason) == ("unknown", "crashed")
    assert len(smtp_sink.messages) == before
    # Only its owner's word sends it again.
    await survivor.retry(world.principal(user, "session-2"), item_id)
    await settle(survivor)
    assert len(smtp_sink.messages) == before + 1


async def test_a_crash_after_sending_saves_the_copy_later_and_sends_nothing(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink, dovecot: DovecotServer
) -> None:
    await crash_during(world, user, mail(user, clock), "copy not saved")
    clock.advance(3600)
    survivor = world.outbox()
    await survivor.resume_waiting(world.principal(user, "session-2"))
    await settle(survivor)
    assert len(smtp_sink.messages) == 1
    assert len(await asyncio.to_thread(contents, dovecot.imap_port, user, "Sent")) == 1
    assert (await survivor.items(user))[0].saved


async def test_a_copy_saved_by_a_process_that_then_died_is_not_doubled(
    world: MailWorld, user: str, clock: ManualClock, dovecot: DovecotServer
) -> None:
    composed = mail(user, clock)
    await crash_during(world, user, composed, "copy not saved")
    await asyncio.to_thread(fill, dovecot.imap_port, user, [composed.saved_copy], "Sent")
    clock.advance(3600)
    survivor = world.outbox()
    await survivor.resume_waiting(world.principal(user, "session-2"))
    await settle(survivor)
    assert len(await asyncio.to_thread(contents, dovecot.imap_port, user, "Sent")) == 1
    assert (await survivor.items(user))[0].saved


async def test_a_process_that_lost_its_lease_sends_nothing(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    """A process stalls (suspended machine) before the content, another takes its row over, then it wakes up."""
    rival = world.outbox()

    async def stalled_send(endpoint, credential, sender, recipients, data, *, before_content):  # type: ignore[no-untyped-def]
        async def late() -> None:
            clock.advance(3600)
            await rival.resume_waiting(world.principal(user, "session-2"))
            await settle(rival)
            await before_content()

        return await smtp.send(endpoint, credential, sender, recipients, data, before_content=late)

    box = world.outbox(send=stalled_send)
    item = await box.submit(world.principal(user), mail(user, clock))
    await settle(box)
    assert len(smtp_sink.messages) == 1
    assert await state(rival, user, item.id) == "sent"


async def test_two_workers_send_a_relayed_mail_once(
    tmp_path: Path, dovecot: DovecotServer, smtp_sink: SmtpSink, clock: ManualClock, user: str
) -> None:
    options = {"smtp_port": smtp_sink.port, "clock": clock, "background": "relay"}
    async with mail_world(tmp_path, dovecot.imap_port, **options) as world:
        dead = world.outbox()
        await dead.submit(world.principal(user), mail(user, clock))
        clock.advance(600)
        workers = [world.outbox() for _ in range(4)]
        await asyncio.gather(*(settle(worker) for worker in workers))
        (received,) = smtp_sink.messages
        assert received.user == ""  # The relay knows us by other means.
        await workers[0].resume_waiting(world.principal(user))
        await settle(workers[0])
        assert (await workers[0].items(user))[0].saved


# What the server says


async def test_an_unknown_outcome_is_shown_and_not_sent_again(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    smtp_sink.faults["content"] = "drop"
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock))
    await settle(box)
    smtp_sink.faults.clear()
    for _ in range(3):
        clock.advance(3600)
        await box.resume_waiting(world.principal(user))
        await settle(box)
    shown = await box.item(user, item.id)
    assert (shown.state, shown.reason) == ("unknown", "no_answer")
    assert len(smtp_sink.messages) == 1
    assert await box.acknowledge(user, item.id)
    assert await box.items(user) == []
    assert (await box.submit(world.principal(user), mail(user, clock))).state == "discarded"


@pytest.mark.parametrize("stage", ["connect", "auth", "mail", "rcpt", "data", "content"])
async def test_a_temporary_failure_is_tried_again_and_sent_once(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink, stage: str
) -> None:
    smtp_sink.faults[stage] = "451 4.3.0 come back later"
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock))
    await settle(box)
    shown = await box.item(user, item.id)
    assert (shown.state, shown.reason, shown.attempts) == ("queued", "smtp_temporary", 1)
    assert "come back later" in shown.text
    await settle(box)
    assert (await box.item(user, item.id)).attempts == 1  # Not before its time.
    smtp_sink.faults.clear()
    clock.advance(31)
    await settle(box)
    assert await state(box, user, item.id) == "sent"
    assert len(smtp_sink.messages) == 1


async def test_temporary_failures_end_in_a_failure_the_owner_can_retry(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    smtp_sink.faults["mail"] = "451 later"
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock))
    for _ in range(10):
        await settle(box)
        clock.advance(1201)
    assert await state(box, user, item.id) == "failed"
    smtp_sink.faults.clear()
    await box.retry(world.principal(user), item.id)
    await settle(box)
    assert await state(box, user, item.id) == "sent"
    assert (await box.item(user, item.id)).saved  # The credential held for it works again, too.


async def test_a_permanent_refusal_keeps_the_mail_and_the_reason(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    smtp_sink.faults["content"] = "554 5.7.1 looks like spam"
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock))
    await settle(box)
    shown = await box.item(user, item.id)
    assert (shown.state, shown.reason) == ("failed", "smtp_refused")
    assert "looks like spam" in shown.text
    assert b"Hi Bob" in await box.content(user, item.id)
    assert await box.discard(user, item.id)
    assert await box.items(user) == []


async def test_refused_recipients_are_named_with_reasons(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    smtp_sink.refused["nobody@demo.test"] = "550 5.1.1 no such user"
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock, to="bob@demo.test, nobody@demo.test"))
    await settle(box)
    shown = await box.item(user, item.id)
    assert (shown.state, shown.reason, shown.saved) == ("sent", "recipients_refused", True)
    assert [(one.recipient, one.code) for one in shown.refused] == [("nobody@demo.test", 550)]
    assert smtp_sink.messages[0].recipients == ("bob@demo.test",)


async def test_an_answered_mail_is_marked(
    world: MailWorld, user: str, clock: ManualClock, dovecot: DovecotServer
) -> None:
    await asyncio.to_thread(fill, dovecot.imap_port, user, [simple_mail(1), simple_mail(2)])
    mailbox = world.mailbox(user)
    newest, oldest = (await mailbox.page(None)).rows
    box = world.outbox()
    await box.submit(world.principal(user), mail(user, clock, answers=newest.id))
    await box.submit(world.principal(user), mail(user, clock, forwards=oldest.id, form_key="form-2"))
    await settle(box)
    newest, oldest = (await mailbox.page(None)).rows
    assert (newest.answered, newest.forwarded) == (True, False)
    assert (oldest.answered, oldest.forwarded) == (False, True)


async def test_a_mailbox_that_is_full_does_not_keep_a_mail_from_being_sent_nor_send_it_twice(
    world: MailWorld, clock: ManualClock, smtp_sink: SmtpSink, dovecot: DovecotServer
) -> None:
    user = dovecot.quota_user
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock, text="x " * 60_000))
    await settle(box)
    for _ in range(3):
        clock.advance(3600)
        await box.resume_waiting(world.principal(user))
        await settle(box)
    shown = await box.item(user, item.id)
    assert (shown.state, shown.saved) == ("sent", False)
    assert len(smtp_sink.messages) == 1


async def test_a_stopping_process_lets_its_rows_wait(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink
) -> None:
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock), delay=30)
    await box.close()
    survivor = world.outbox()
    assert await state(survivor, user, item.id) == "waiting"
    await survivor.resume_waiting(world.principal(user))
    await settle(survivor)
    assert len(smtp_sink.messages) == 1


async def test_the_loop_sends_by_itself(world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink) -> None:
    box = world.outbox()
    loop = asyncio.create_task(box.run())
    try:
        item = await box.submit(world.principal(user), mail(user, clock))
        async with asyncio.timeout(20):
            while not (await box.item(user, item.id)).saved:
                await asyncio.sleep(0.01)
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await box.close()
    assert len(smtp_sink.messages) == 1


# Whose mail it is


async def test_sc37_another_users_rows_are_as_absent_ones(
    world: MailWorld, user: str, clock: ManualClock, smtp_sink: SmtpSink, dovecot: DovecotServer
) -> None:
    box = world.outbox()
    item = await box.submit(world.principal(user), mail(user, clock), delay=60)
    thief = fresh_user(dovecot)
    for item_id in (item.id, "0" * 32):
        with pytest.raises(MessageGone):
            await box.item(thief, item_id)
        with pytest.raises(MessageGone):
            await box.content(thief, item_id)
        with pytest.raises(MessageGone):
            await box.retry(world.principal(thief), item_id)
        assert not await box.cancel(thief, item_id)
        assert not await box.discard(thief, item_id)
    assert await box.items(thief) == []
    await box.resume_waiting(world.principal(thief))
    assert await state(box, user, item.id) == "queued"


async def test_rows_are_sealed_and_bound_to_their_owner(world: MailWorld, user: str, clock: ManualClock) -> None:
    box = world.outbox()
    secret = "the-secret-word"
    item = await box.submit(world.principal(user), mail(user, clock, subject=secret, text=secret), delay=60)
    await box.cancel(user, item.id)
    blob = await asyncio.to_thread(_whole_database, Path(world.url.partition("///")[2]))
    assert secret.encode() not in blob
    async with world.database.session() as session:
        await session.execute(sa.update(table).values(account="mallory@demo.test"))
    with pytest.raises(SealError):
        await box.items("mallory@demo.test")


def _whole_database(path: Path) -> bytes:
    return b"".join(one.read_bytes() for one in path.parent.iterdir() if one.name.startswith(path.name))


async def test_sent_rows_are_removed_after_their_time(world: MailWorld, user: str, clock: ManualClock) -> None:
    box = world.outbox(limits=OutboxLimits(keep_sent=100, purge_every=10))
    await box.submit(world.principal(user), mail(user, clock))
    await settle(box)
    assert len(await box.items(user)) == 1
    clock.advance(200)
    await settle(box)
    assert await box.items(user) == []
