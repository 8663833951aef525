"""The outbox: a mail that was accepted from its writer is sent once, or its writer is told.

Promises:

- The row is on disk before SMTP is spoken to; a crash at any moment loses no mail.
- After the server accepted the content it is never sent again by itself. When the connection breaks between content and
  answer the outcome is unknown: the row says so and waits for its owner's decision.
- A form that arrives twice (double click, replay) makes one mail; the same form with other content makes another.
- Without a background credential only the accepting process can send, from memory. If it dies, the row waits visibly
  until its owner's next request (`resume_waiting`).
- A copy that could not be saved in Sent is saved later, by its Message-ID at most once, and never leads to sending.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from hsp.foundation.clock import Clock
from hsp.foundation.logs import get_logger
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import Database, DatabaseError
from hsp.mail.compose import Composed
from hsp.mail.errors import MessageGone
from hsp.mail.outbox_delivery import SendMail
from hsp.mail.outbox_rows import Details, OutboxRows, Row
from hsp.mail.outbox_sender import OutboxLimits, Sender
from hsp.mail.routes import Principal
from hsp.mail.service import MailService
from hsp.mail.tables import outbox
from hsp.protocols import smtp
from hsp.protocols.smtp import Refused

__all__ = ["Outbox", "OutboxItem", "OutboxLimits"]

_log = get_logger("hsp.mail.outbox")
_UNSENT = ("failed", "unknown", "waiting", "cancelled")
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A row as its owner sees it.

    `state`: queued, sending, sent, unknown, failed, cancelled, waiting, discarded. `reason` is a stable key ("" when
    there is nothing to say), `text` the server's own words, `saved` whether the copy is in Sent.
    """

    id: str
    state: str
    reason: str
    text: str
    subject: str
    recipients: tuple[str, ...]
    refused: tuple[Refused, ...]
    created: float
    send_at: float
    attempts: int
    saved: bool


class Outbox:
    """One per worker process; `run` is its loop."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        mail: MailService,
        clock: Clock,
        *,
        limits: OutboxLimits | None = None,
        send: SendMail = smtp.send,
        token: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        """`token` makes row ids and this process's name: 32 unguessable hexadecimal digits."""
        self._limits = limits or OutboxLimits()
        self._rows = OutboxRows(database, ring)
        self._sender = Sender(self._rows, mail, clock, self._limits, send, token())
        self._mail = mail
        self._clock = clock
        self._token = token
        self._resumed: OrderedDict[str, float] = OrderedDict()

    async def submit(self, principal: Principal, composed: Composed, *, delay: float = 0) -> OutboxItem:
        """Accept a mail; it is sent after `delay` seconds unless cancelled. On disk when this returns."""
        row = self._new_row(principal, composed, delay)
        self._sender.hold(row.id, principal)
        inserted = False
        try:
            inserted = await self._rows.insert(row, composed.message)
        finally:
            if not inserted:
                await self._sender.let_go(row.id)
        if inserted:
            self._sender.wake.set()
            return _item(row)
        return await self._known(principal, row.form_key)

    def _new_row(self, principal: Principal, composed: Composed, delay: float) -> Row:
        row_id, now = self._token(), self._clock.time()
        details = Details(
            sender=composed.sender,
            recipients=composed.recipients,
            subject=composed.subject,
            message_id=composed.message_id,
            bcc=composed.bcc_field.decode(),
            answers=composed.answers,
            forwards=composed.forwards,
        )
        return Row(
            id=row_id,
            account=principal.account,
            form_key=_form_key(composed) or row_id,
            background=self._mail.domains.route(principal.account).background,
            state="queued",
            stage="",
            reason="",
            created=now,
            send_at=now + delay,
            attempts=0,
            lease_owner=self._sender.name,
            lease_until=now + delay + self._limits.grace,
            saved=False,
            details=details,
        )

    async def _known(self, principal: Principal, form_key: str) -> OutboxItem:
        """The mail this form made before; one its writer had called back is taken up again."""
        row = await self._rows.by_form_key(principal.account, form_key)
        if row is None:
            raise MessageGone("the row went away meanwhile")
        return await self.retry(principal, row.id) if row.state == "cancelled" else _item(row)

    async def items(self, account: str) -> list[OutboxItem]:
        """What the account has in its outbox, newest first."""
        await self._sender.recover()
        return [_item(row) for row in await self._rows.of_account(account)]

    async def item(self, account: str, item_id: str) -> OutboxItem:
        """Raises MessageGone for an id that is not this account's, whether it exists or not."""
        return _item(await self._row(account, item_id))

    async def content(self, account: str, item_id: str) -> bytes:
        """The message as it would be saved (to edit after an undo); b"" once sent and saved. Raises MessageGone."""
        row = await self._row(account, item_id)
        message = await self._rows.message(row)
        return row.details.bcc.encode() + message if message else b""

    async def _row(self, account: str, item_id: str) -> Row:
        row = await self._rows.get(account, item_id)
        if row is None:
            raise MessageGone("no such row")
        return row

    async def cancel(self, account: str, item_id: str) -> bool:
        """Undo: True when the mail had not been given to SMTP yet, and now will not be."""
        changed = await self._rows.change(
            *_mine(account, item_id), outbox.c.state.in_(("queued", "waiting")), state="cancelled", reason=""
        )
        if changed:
            await self._sender.let_go(item_id)
        return bool(changed)

    async def retry(self, principal: Principal, item_id: str) -> OutboxItem:
        """Send (again) by the owner's decision; the only way a mail with unknown outcome is sent once more."""
        taken = await self._take_up(principal, outbox.c.id == item_id, outbox.c.state.in_(_UNSENT))
        return _item(taken[0]) if taken else await self.item(principal.account, item_id)

    async def discard(self, account: str, item_id: str) -> bool:
        """Drop a mail that is not on its way. The row stays for a while without content, to know the form again."""
        changed = await self._rows.change(
            *_mine(account, item_id),
            sa.or_(outbox.c.state.in_(_UNSENT), sa.and_(outbox.c.state == "sent", outbox.c.saved.is_(True))),
            state="discarded",
            message=b"",
        )
        return bool(changed)

    async def acknowledge(self, account: str, item_id: str) -> bool:
        """The owner has read what became of the mail; it is shown no more. A copy still to be saved is kept."""
        return await self.discard(account, item_id)

    async def resume_waiting(self, principal: Principal) -> None:
        """At a request of the owner: send what waits for a credential, save the copies that are missing in Sent."""
        now = self._clock.time()
        if now - self._resumed.get(principal.account, -self._limits.resume_every) < self._limits.resume_every:
            return
        self._resumed[principal.account] = now
        self._resumed.move_to_end(principal.account)
        if len(self._resumed) > _REMEMBERED:
            self._resumed.popitem(last=False)
        await self._sender.recover()
        await self._take_up(principal, outbox.c.state == "waiting")
        await self._sender.save_missing(principal)

    async def _take_up(self, principal: Principal, *which: sa.ColumnElement[bool]) -> list[Row]:
        """Queue rows of the principal for sending by this process, now."""
        now = self._clock.time()
        rows = await self._rows.change(
            outbox.c.account == principal.account,
            *which,
            state="queued",
            stage="",
            reason="",
            send_at=now,
            attempts=0,
            lease_owner=self._sender.name,
            lease_until=now + self._limits.grace,
        )
        for row in rows:
            self._sender.hold(row.id, principal)
        if rows:
            self._sender.wake.set()
        return rows

    async def run(self) -> None:
        """Send what is due, for ever. A failing database is logged and tried again: the rows are safe meanwhile."""
        while True:
            self._sender.wake.clear()
            try:
                pause = await self.run_once()
            except DatabaseError as error:
                _log.error("outbox_database", error=str(error))
                pause = self._limits.poll
            try:
                async with asyncio.timeout(pause):
                    await self._sender.wake.wait()
            except TimeoutError:
                continue

    async def run_once(self) -> float:
        """Start what is due now; seconds until the next is."""
        return await self._sender.start_due()

    async def settled(self) -> None:
        """Wait until nothing is being sent or saved by this process."""
        await self._sender.settled()

    async def close(self, grace: float = 10.0) -> None:
        """Let what is being sent finish for `grace` seconds; what has not begun waits for its owner's next request."""
        await self._sender.close(grace)


def _mine(account: str, item_id: str) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return outbox.c.account == account, outbox.c.id == item_id


def _form_key(composed: Composed) -> str:
    """The same for the same form with the same content; the form's random part keeps the content unguessable."""
    if not composed.form_key:
        return ""
    return hashlib.sha256(f"{composed.form_key}\0{composed.digest}".encode()).hexdigest()


def _item(row: Row) -> OutboxItem:
    return OutboxItem(
        id=row.id,
        state=row.state,
        reason=row.reason,
        text=row.outcome.text,
        subject=row.details.subject,
        recipients=row.details.recipients,
        refused=row.outcome.refused,
        created=row.created,
        send_at=row.send_at,
        attempts=row.attempts,
        saved=row.saved,
    )
