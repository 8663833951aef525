"""What sessions need of a store. It sees names and sealed bytes, never a secret and never an account.

Everything of one session lies together (in a cluster: in one slot), so each step below is atomic. The account's
index lies elsewhere; the order of the steps makes that safe: listed before it lives, ended before it is unlisted.
Each method raises StoreUnavailable when the store does not answer in time: callers fail closed.
"""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Ending(StrEnum):
    """How a session ended. Only TIME leaves an interrupted POST to be offered again."""

    TIME = "t"
    KILL = "k"
    LOGOUT = "o"


@dataclass(frozen=True, slots=True)
class Listed:
    """A session as the index leads to it. `remaining` is the life left in seconds, None without an idle limit."""

    uuid: str
    card: bytes
    remaining: float | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A session ended on some node: `origin` names the node's sessions, `card` is the sealed card."""

    origin: str
    uuid: str
    card: bytes


@dataclass(frozen=True, slots=True)
class KeptPost:
    """A kept POST as it was sealed, and the sealed card of the session it is kept with."""

    sealed: bytes
    card: bytes


class SessionStore(Protocol):
    """The store of sessions. Times are seconds, 0 for no limit."""

    async def enlist(
        self, index: str, member: str, *, now: float, limit: int, keep: int, dead: Collection[str] = ()
    ) -> bool:
        """Adds `member` (surface:uuid) to an account's index; False when `limit` members of its surface are there.

        The members `dead` are known to live no longer: they take no place.
        """
        ...

    async def delist(self, index: str, *members: str) -> None:
        """Takes members out of an account's index."""
        ...

    async def members(self, index: str) -> list[tuple[str, float]]:
        """The members of an account's index with the time each was added."""
        ...

    async def create(self, uuid: str, name: str, record: bytes, card: bytes, *, idle: int, keep: int) -> bool:
        """Writes a new session: record for `idle`, card for `keep`. False when the uuid was ended already."""
        ...

    async def read(self, uuid: str, name: str, *, renew: int) -> bytes | None:
        """The record of that name; with `renew` > 0 its life starts anew. One command."""
        ...

    async def replace(self, uuid: str, old: str, new: str, record: bytes, *, idle: int) -> bool:
        """Puts the record under a new name; the old name is dead. False when the session ended meanwhile."""
        ...

    async def expire(self, uuid: str, name: str) -> None:
        """Drops a record whose time is over; the session counts as ended by time."""
        ...

    async def end(self, uuid: str, ending: Ending, *, keep: int, origin: str) -> bytes | None:
        """Ends the session, leaves a tombstone for `keep`, tells all nodes. Its card, or None when none was live."""
        ...

    async def look(self, uuid: str) -> Listed | None:
        """The session if it lives."""
        ...

    async def forget(self, uuid: str, *, keep: int) -> bool:
        """Whether nothing of the session is left to list; what is left of one ended by time goes within `keep`."""
        ...

    async def count_error(self, uuid: str, *, life: int) -> int:
        """Counts one wrong request of a session; how many there were within `life` of the first."""
        ...

    async def grant(self, uuid: str, name: str, grant: str, sealed: bytes, *, life: int, now: float) -> bool:
        """Keeps a capability's sealed record while the session lives; False when it no longer does."""
        ...

    async def redeem(self, uuid: str, grant: str) -> bytes | None:
        """The sealed record of a capability, while its session lives."""
        ...

    async def keep_post(self, uuid: str, name: str, sealed: bytes, *, life: int) -> bool:
        """Keeps one POST of a session that ended by time and whose last record had that name; False for any other."""
        ...

    async def put_post(self, uuid: str, name: str, sealed: bytes, *, life: int) -> bool:
        """Keeps one POST with a live session; False when it no longer lives."""
        ...

    async def post(self, uuid: str, *, take: bool) -> KeptPost | None:
        """The kept POST of a session that was not killed or logged out; with `take` it is gone afterwards."""
        ...

    def notices(self) -> AsyncGenerator[Notice | None]:
        """Notices of ended sessions from all nodes; None each time that listening has begun (again)."""
        ...
