"""What the pool knows of each account: its connections, who uses them, and what the server was heard to allow."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from hsp.mail.connection import Connection, Key
from hsp.mail.errors import LoginRejected
from hsp.mail.routes import OUTBOX_HOLDER

__all__ = ["AccountState", "Accounts", "Key", "Refusals", "Waiter"]


class Waiter:
    """A caller in line; `future` is set when it should try again."""

    __slots__ = ("fresh", "future", "key", "limit", "went_on")

    def __init__(self, key: Key, limit: int, fresh: bool) -> None:
        self.key = key
        self.limit = limit
        self.fresh = fresh
        self.went_on = False  # Otherwise its turn belongs to the next in line.
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class AccountState:
    """`count` is connections open, being opened and lent; `idle` those waiting to be lent."""

    count: int = 0
    idle: list[Connection] = field(default_factory=list)
    open: set[Connection] = field(default_factory=set)
    sessions: dict[Key, set[str]] = field(default_factory=dict)
    learned: int = 0
    learned_until: float = 0.0

    def holders(self) -> frozenset[str]:
        """The sessions that use a connection; a mail on its way is none."""
        every = frozenset[str]().union(*self.sessions.values())
        return frozenset(uuid for uuid in every if not uuid.startswith(OUTBOX_HOLDER))

    def limit(self, configured: int, now: float) -> int:
        return min(configured, self.learned) if now < self.learned_until else configured

    def learn(self, count: int, *, until: float) -> None:
        self.learned = count
        self.learned_until = until

    def take_idle(self, key: Key, folder: str) -> Connection | None:
        """The last used connection with `folder` selected, else the last used one; only of exactly this key."""
        mine = [one for one in self.idle if one.key == key]
        if not mine:
            return None
        chosen = next((one for one in reversed(mine) if one.selected == folder), mine[-1])
        self.idle.remove(chosen)
        return chosen

    def oldest_idle(self) -> Connection | None:
        return min(self.idle, key=lambda one: one.last_used, default=None)


class Accounts:
    """All accounts with open connections; an account without any is forgotten."""

    def __init__(self) -> None:
        self._states: dict[str, AccountState] = {}
        self.total = 0

    def find(self, account: str) -> AccountState | None:
        return self._states.get(account)

    def get(self, account: str) -> AccountState:
        return self._states.setdefault(account, AccountState())

    def idle(self) -> Iterator[Connection]:
        return (connection for state in self._states.values() for connection in state.idle)

    def all(self) -> Iterator[Connection]:
        return (connection for state in self._states.values() for connection in state.open)

    def holders(self) -> dict[str, frozenset[str]]:
        return {account: state.holders() for account, state in self._states.items() if state.sessions}

    def opening(self, account: str) -> None:
        self.get(account).count += 1
        self.total += 1

    def opening_failed(self, account: str) -> None:
        self.get(account).count -= 1
        self.total -= 1

    def opened(self, connection: Connection) -> None:
        self.get(connection.key.account).open.add(connection)

    def remove(self, connection: Connection) -> None:
        """Forget a connection that was closed."""
        state = self.get(connection.key.account)
        state.open.discard(connection)
        if connection in state.idle:
            state.idle.remove(connection)
        state.count -= 1
        self.total -= 1

    def forget_unused(self) -> None:
        """Drop accounts without connections; who uses what is noted anew at the next use."""
        for account, state in list(self._states.items()):
            if state.count == 0:
                del self._states[account]

    def release_session(self, account: str, session_uuid: str) -> list[Connection]:
        """Take the session from its credentials; the connections of those that now have none."""
        state = self._states.get(account)
        if state is None:
            return []
        orphans: list[Connection] = []
        for key, sessions in list(state.sessions.items()):
            held = session_uuid in sessions
            sessions.discard(session_uuid)
            if held and not sessions:
                del state.sessions[key]
                orphans += [one for one in state.open if one.key == key]
        return orphans


class Refusals:
    """Credentials the upstream has just refused: not shown again for a while, so that open tabs lock nobody out."""

    def __init__(self, *, first: float = 5.0, longest: float = 300.0, capacity: int = 10_000) -> None:
        self._first = first
        self._longest = longest
        self._capacity = capacity
        self._until: OrderedDict[Key, tuple[float, float]] = OrderedDict()

    def check(self, key: Key, now: float) -> None:
        """Raises LoginRejected while `key` rests."""
        until, _ = self._until.get(key, (0.0, 0.0))
        if now < until:
            raise LoginRejected("refused a moment ago", retry_after=until - now)

    def add(self, key: Key, now: float) -> None:
        _, delay = self._until.pop(key, (0.0, 0.0))
        delay = min(delay * 2, self._longest) or self._first
        self._until[key] = (now + delay, delay)
        if len(self._until) > self._capacity:
            self._until.popitem(last=False)

    def remove(self, key: Key) -> None:
        """Forget a connection that was closed."""
        self._until.pop(key, None)
