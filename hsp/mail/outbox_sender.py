"""The outbox's engine: claims rows that are due, sends each once, and puts what a crash left behind where it belongs.

What may be concluded from a crash is decided by the row's `stage` alone: "" was not sent, "content" may have been.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from hsp.foundation.clock import Clock
from hsp.foundation.logs import get_logger
from hsp.mail.errors import MailError
from hsp.mail.outbox_delivery import RETRY_DELAYS, Attempt, LeaseLost, SendMail, attempt
from hsp.mail.outbox_rows import OutboxRows, Outcome, Row
from hsp.mail.outbox_saving import save_copy
from hsp.mail.routes import OUTBOX_HOLDER, Principal
from hsp.mail.service import MailService
from hsp.mail.tables import outbox

__all__ = ["OutboxLimits", "Sender"]

_log = get_logger("hsp.mail.outbox")


@dataclass(frozen=True, slots=True)
class OutboxLimits:
    """Seconds. `handshake` and `content` bound the two halves of sending, `grace` is what a lease lasts beyond them.

    Sent and called-back rows are removed after `keep_sent` and `keep_gone`; `at_once` mails are sent side by side.
    """

    handshake: float = 120.0
    content: float = 360.0
    grace: float = 60.0
    keep_sent: float = 86_400.0
    keep_gone: float = 7 * 86_400.0
    purge_every: float = 3_600.0
    resume_every: float = 10.0
    poll: float = 15.0
    at_once: int = 8


class Sender:
    """`name` is this process's: it stands in the rows it holds. `wake` is set when something may have become due."""

    def __init__(
        self, rows: OutboxRows, mail: MailService, clock: Clock, limits: OutboxLimits, send: SendMail, name: str
    ) -> None:
        self.name = name
        self.wake = asyncio.Event()
        self._rows = rows
        self._mail = mail
        self._clock = clock
        self._limits = limits
        self._send = send
        self._held: dict[str, Principal] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(limits.at_once)
        self._purged = 0.0
        self._holds = 0

    def hold(self, row_id: str, principal: Principal) -> None:
        """Keep the credential in memory until the row is settled; it outlives a logout for as long."""
        self._holds += 1
        self._held[row_id] = replace(principal, session_uuid=f"{OUTBOX_HOLDER}{row_id} {self._holds}")

    async def let_go(self, row_id: str) -> None:
        principal = self._held.pop(row_id, None)
        if principal is not None:
            await self._mail.forget(principal.account, principal.session_uuid)

    async def start_due(self) -> float:
        """Start what is due now; seconds until the next is."""
        now = self._clock.time()
        await self.recover()
        await self._purge(now)
        mine = sa.or_(outbox.c.lease_owner == self.name, sa.and_(outbox.c.background == "relay", _expired(now)))
        soonest = now + self._limits.poll
        for row_id, send_at in await self._rows.ids(outbox.c.state == "queued", mine):
            if send_at > now:
                soonest = min(soonest, send_at)
                break
            self._spawn(row_id, self._deliver(row_id))
        return max(soonest - now, 0.05)

    async def recover(self) -> None:
        """Put rows whose process died where they belong: not sent, waiting for their owner, or unknown."""
        now = self._clock.time()
        expired = await self._rows.ids(outbox.c.state.in_(("queued", "sending")), _expired(now))
        # What this process still has in hand is not stranded, only late (a suspended machine).
        stranded = [row_id for row_id, _ in expired if row_id not in self._held and row_id not in self._tasks]
        if not stranded:
            return
        which = (outbox.c.id.in_(stranded), _expired(now))
        sending, relayed = outbox.c.state == "sending", outbox.c.background == "relay"
        await self._rows.change(*which, sending, outbox.c.stage == "content", state="unknown", reason="crashed")
        await self._rows.change(*which, sending, relayed, outbox.c.stage == "", state="queued")
        unsent = outbox.c.state.in_(("queued", "sending"))
        await self._rows.change(*which, unsent, ~relayed, outbox.c.stage == "", state="waiting", reason="needs_owner")

    async def save_missing(self, principal: Principal) -> None:
        """Start saving the copies that sent mails of this account still lack."""
        now = self._clock.time()
        unsaved = sa.and_(outbox.c.account == principal.account, outbox.c.state == "sent", outbox.c.saved.is_(False))
        for row_id, _ in await self._rows.ids(unsaved, _expired(now)):
            self._spawn(row_id, self._save_again(principal, row_id))

    async def settled(self) -> None:
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def close(self, grace: float) -> None:
        """Let running deliveries finish within `grace` seconds, then stop them."""
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=grace)
        unfinished = list(self._tasks.values())
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        mine = (outbox.c.lease_owner == self.name, outbox.c.state == "queued", outbox.c.background == "none")
        await self._rows.change(*mine, state="waiting", reason="needs_owner")
        for row_id in list(self._held):
            await self.let_go(row_id)

    def _spawn(self, row_id: str, work: Coroutine[Any, Any, None]) -> None:
        if row_id in self._tasks:
            work.close()
        else:
            self._tasks[row_id] = asyncio.get_running_loop().create_task(self._guarded(row_id, work))

    async def _guarded(self, row_id: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            async with self._slots:
                await work
        except LeaseLost:
            _log.warning("outbox_lease_lost", row=row_id)
        except Exception as error:  # Fails safe: the row stays as it is on disk until its lease runs out.
            _log.error("outbox_failed", row=row_id, error=repr(error))
            await self.let_go(row_id)
        finally:
            work.close()
            self._tasks.pop(row_id, None)
            self.wake.set()

    async def _deliver(self, row_id: str) -> None:
        row = await self._claim(row_id)
        if row is None:
            return
        principal = self._held.get(row_id)
        if row.background == "none" and principal is None:
            await self._settle(row, Attempt("waiting", "needs_owner", Outcome()))
            return
        message = await self._rows.message(row)
        result = await self._attempt(row, principal, message)
        await self._settle(row, result)
        if result.state == "sent" and principal is not None:
            await self._save(principal, row, message, search=False)
        if result.state != "queued":
            await self.let_go(row_id)

    async def _claim(self, row_id: str) -> Row | None:
        """One statement: of all who try, one gets the row."""
        now = self._clock.time()
        rows = await self._rows.change(
            outbox.c.id == row_id,
            outbox.c.state == "queued",
            outbox.c.send_at <= now,
            sa.or_(outbox.c.lease_owner == self.name, _expired(now)),
            state="sending",
            stage="",
            attempts=outbox.c.attempts + 1,
            lease_owner=self.name,
            lease_until=now + self._limits.handshake + self._limits.grace,
        )
        return rows[0] if rows else None

    async def _attempt(self, row: Row, principal: Principal | None, message: bytes) -> Attempt:
        route = self._mail.domains.route(row.account)
        relayed = row.background == "relay"
        result = await attempt(
            self._send,
            (route.relay or route.smtp) if relayed else route.smtp,
            None if relayed or principal is None else principal.credential,
            row,
            message,
            mark_content=lambda: self._mark_content(row),
            handshake=self._limits.handshake,
            content=self._limits.content,
        )
        if result.state == "queued" and row.attempts > len(RETRY_DELAYS):
            return replace(result, state="failed")
        return result

    async def _mark_content(self, row: Row) -> None:
        """From here on the mail may have been sent, and disk says so before the server does."""
        until = self._clock.time() + self._limits.content + self._limits.grace
        held = (outbox.c.id == row.id, outbox.c.lease_owner == self.name, outbox.c.state == "sending")
        if not await self._rows.change(*held, stage="content", lease_until=until):
            raise LeaseLost(row.id)

    async def _settle(self, row: Row, result: Attempt) -> None:
        now = self._clock.time()
        changes: dict[str, object] = {"state": result.state, "reason": result.reason, "stage": "", "lease_until": now}
        if result.state == "queued":
            changes["send_at"] = now + RETRY_DELAYS[row.attempts - 1]
            changes["lease_until"] = now + RETRY_DELAYS[row.attempts - 1] + self._limits.grace
        elif result.state == "sent" and row.id in self._held:
            changes["lease_until"] = now + self._limits.grace  # The copy is being saved here, nobody else need.
        await self._rows.settle(row, owner=self.name, outcome=result.outcome, **changes)

    async def _save(self, principal: Principal, row: Row, message: bytes, *, search: bool) -> None:
        try:
            await save_copy(self._mail.mailbox(principal), row, message, search=search)
        except MailError as error:
            # Fails open: the mail is sent, which is what counts; the copy is tried again at the owner's next request.
            _log.warning("outbox_copy_not_saved", row=row.id, reason=error.key)
        else:
            await self._rows.change(outbox.c.id == row.id, outbox.c.state == "sent", saved=True, message=b"")
            return
        await self._rows.change(outbox.c.id == row.id, lease_until=self._clock.time())

    async def _save_again(self, principal: Principal, row_id: str) -> None:
        now = self._clock.time()
        rows = await self._rows.change(
            outbox.c.id == row_id,
            outbox.c.state == "sent",
            outbox.c.saved.is_(False),
            _expired(now),
            lease_owner=self.name,
            lease_until=now + self._limits.content,
        )
        if rows:
            await self._save(principal, rows[0], await self._rows.message(rows[0]), search=True)

    async def _purge(self, now: float) -> None:
        if now - self._purged < self._limits.purge_every:
            return
        self._purged = now
        done = sa.and_(outbox.c.state == "sent", outbox.c.saved.is_(True), outbox.c.reason == "")
        await self._rows.delete(done, outbox.c.created < now - self._limits.keep_sent)
        gone = outbox.c.state.in_(("discarded", "cancelled"))
        await self._rows.delete(gone, outbox.c.created < now - self._limits.keep_gone)


def _expired(now: float) -> sa.ColumnElement[bool]:
    return outbox.c.lease_until <= now
