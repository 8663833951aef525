"""The sessions of an account: listed without their twins, ended one by one or all at once.

An account's index is named by a MAC under each ring key in turn, so that a rotated ring loses no session.
"""

from dataclasses import dataclass

from hsp.foundation.clock import Clock
from hsp.foundation.sealing import KeyRing, SealError
from hsp.sessions.notices import Notices
from hsp.sessions.policy import Limits, Policy
from hsp.sessions.records import Card, Session, unseal_card
from hsp.sessions.store import Ending, Listed, SessionStore

# A session is listed a moment before it lives; within this time a listed one that does not live is not cleaned away.
_GRACE = 60.0
# A login tidies up behind so many former sessions of its account: more would slow a program that logs in all the time.
_TIDIED = 16


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A line of the session list. Times are epoch seconds; `last_seen` is `created` where no idle limit tells it.

    `current` is for the page to fill in.
    """

    uuid: str
    surface: str
    device: str
    address: str
    created: float
    last_seen: float
    current: bool = False


class Registry:
    """The index of every account, and the endings."""

    def __init__(self, store: SessionStore, ring: KeyRing, clock: Clock, policy: Policy, notices: Notices) -> None:
        self._store = store
        self._ring = ring
        self._clock = clock
        self._policy = policy
        self._notices = notices

    async def enlist(self, session: Session, limits: Limits) -> bool:
        """Lists a session that is about to be created; False when its account has too many already."""
        own, account, limit = session.pair.ring_key, session.account, limits.max_sessions
        _, dead = await self._find(account, own, oldest=0 if limit else _TIDIED)
        if limit:
            # What lives under older ring keys is listed elsewhere, and leaves less room here.
            older = [known for known in self._ring.key_ids if known != own]
            found = [card for known in older for _, card in (await self._find(account, known))[0]]
            limit -= sum(card.surface == session.surface for card in found)
            if limit <= 0:
                return False
        return await self._store.enlist(
            self._index(account, own),
            f"{session.surface}:{session.uuid}",
            now=self._clock.time(),
            limit=limit,
            keep=limits.absolute + limits.idle + self._policy.tombstone if limits.absolute else 0,
            dead=dead,
        )

    async def live(self, account: str) -> list[SessionInfo]:
        """The live sessions, the latest started first."""
        now = self._clock.time()
        found = [pair for key_id in self._ring.key_ids for pair in (await self._find(account, key_id))[0]]
        infos = [_info(listed.uuid, card, listed.remaining, now) for listed, card in found]
        return sorted(infos, key=lambda info: info.created, reverse=True)

    async def end(self, account: str, uuid: str, ending: Ending) -> bool:
        """Ends one session and takes it off the list."""
        ended = await self.end_known(uuid, ending)
        for key_id in self._ring.key_ids:
            index = self._index(account, key_id)
            gone = [member for member, _ in await self._store.members(index) if _uuid(member) == uuid]
            await self._store.delist(index, *gone)
        return ended

    async def end_known(self, uuid: str, ending: Ending) -> bool:
        """Ends one session; the list forgets it when it is next read."""
        card = await self._store.end(uuid, ending, keep=self._policy.tombstone, origin=self._notices.origin)
        if card is None:
            return False
        await self._notices.tell(uuid, card)
        return True

    async def end_listed(self, account: str, uuid: str) -> bool:
        """Kills a session of this account; False for one that the account does not have."""
        if uuid not in {_uuid(member) for member, _ in await self._members(account)}:
            return False
        return await self.end(account, uuid, Ending.KILL)

    async def end_all(self, account: str, keep: str | None) -> int:
        """Kills every session of this account but `keep`; how many lived."""
        ended = 0
        for key_id in self._ring.key_ids:
            index = self._index(account, key_id)
            members = [member for member, _ in await self._store.members(index) if _uuid(member) != keep]
            for member in members:
                ended += await self.end_known(_uuid(member), Ending.KILL)
            await self._store.delist(index, *members)
        return ended

    async def _members(self, account: str) -> list[tuple[str, float]]:
        return [
            pair for key_id in self._ring.key_ids for pair in await self._store.members(self._index(account, key_id))
        ]

    async def _find(self, account: str, key_id: str, *, oldest: int = 0) -> tuple[list[tuple[Listed, Card]], list[str]]:
        """The live sessions under one ring key, and the members that live no longer. What left nothing is delisted.

        With `oldest` only so many members are looked at, from the oldest on.
        """
        index = self._index(account, key_id)
        live, dead, gone = [], [], []
        for member, added in (await self._store.members(index))[: oldest or None]:
            listed = await self._store.look(_uuid(member))
            card = self._card(listed, account)
            if listed is not None and card is not None:
                live.append((listed, card))
            elif added <= self._clock.time() - _GRACE:
                dead.append(member)
                if await self._store.forget(_uuid(member), keep=self._policy.tombstone):
                    gone.append(member)
        await self._store.delist(index, *gone)
        return live, dead

    def _card(self, listed: Listed | None, account: str) -> Card | None:
        if listed is None:
            return None
        try:
            card = unseal_card(self._ring, listed.card, listed.uuid)
        except SealError:
            # Fails closed: a card that the ring did not seal for this session is not shown.
            return None
        return card if card.account == account else None

    def _index(self, account: str, key_id: str) -> str:
        return self._ring.mac("account index", account.encode("utf-8", "surrogatepass"), key_id)[:16].hex()


def _uuid(member: str) -> str:
    return member.partition(":")[2]


def _info(uuid: str, card: Card, remaining: float | None, now: float) -> SessionInfo:
    idle_for = card.idle - remaining if card.idle and remaining is not None else None
    last_seen = card.created if idle_for is None else min(now, max(card.created, now - idle_for))
    return SessionInfo(uuid, card.surface, card.device, card.address, card.created, last_seen)
