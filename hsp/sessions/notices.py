"""Endings, told to whoever holds something of the session: here at once, on other nodes by pub/sub.

A notice lost while the store was away is not repeated: the session itself is dead all the same, because every open
asks the store. Holders of streams are told by `on_gap` to ask again.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass

from hsp.foundation.logs import get_logger
from hsp.foundation.redis import StoreUnavailable
from hsp.foundation.sealing import KeyRing, SealError
from hsp.sessions.records import unseal_card
from hsp.sessions.store import Notice, SessionStore

_log = get_logger(__name__)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A session of the account was ended (not: ran out of time)."""

    uuid: str
    account: str


OnEnded = Callable[[Ended], Awaitable[None]]
Gap = Callable[[], Awaitable[None]]


class Notices:
    """The callbacks of one process and the listener that serves them."""

    def __init__(self, store: SessionStore, ring: KeyRing, *, origin: str) -> None:
        self.origin = origin
        self._store = store
        self._ring = ring
        self._on_ended: list[OnEnded] = []
        self._on_gap: list[Gap] = []

    def on_ended(self, callback: OnEnded) -> None:
        """Adds a callback for endings."""
        self._on_ended.append(callback)

    def on_gap(self, callback: Gap) -> None:
        """Adds a callback for the end of a time without notices."""
        self._on_gap.append(callback)

    async def tell(self, uuid: str, card: bytes) -> None:
        """Tells this process that a session ended; its account is on the sealed card."""
        try:
            ended = Ended(uuid, unseal_card(self._ring, card, uuid).account)
        except SealError:
            # Fails closed: nobody acts on a notice that the ring did not seal.
            _log.warning("a notice of an ended session was not sealed by this ring", session=uuid)
            return
        for callback in self._on_ended:
            await self._call(callback(ended))

    async def run(self) -> None:
        """Listens until cancelled. Reconnects with a growing pause, spread so that nodes do not come all at once."""
        pause = _FIRST_PAUSE
        listened = False
        while True:
            try:
                async with aclosing(self._store.notices()) as notices:
                    async for notice in notices:
                        pause = _FIRST_PAUSE
                        if notice is not None:
                            await self._hear(notice)
                        else:
                            if listened:
                                await self._tell_gap()
                            listened = True
            except StoreUnavailable as error:
                # Fails closed: no session opens while the store is away; only the news waits.
                _log.warning("the session store is away, listening again soon", error=str(error), pause=pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # spreads load, guards nothing
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _hear(self, notice: Notice) -> None:
        if notice.origin != self.origin:
            await self.tell(notice.uuid, notice.card)

    async def _tell_gap(self) -> None:
        for callback in self._on_gap:
            await self._call(callback())

    async def _call(self, answer: Awaitable[None]) -> None:
        try:
            await answer
        except Exception:
            # Fails open for the others: one holder's defect must not keep the rest from hearing of it.
            _log.exception("a holder of an ended session failed to let go")
