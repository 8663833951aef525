"""Kept IMAP connections, lent to one caller at a time.

Promises:

- A connection is lent only to the account and credential it logged in with: the key holds a MAC of the credential, so
  an old or wrong password never gets a warm connection, and every connection carries its key, compared when lent.
- A connection whose use was cancelled, broken off or left half-read is closed, never lent again.
- At most `per_account` connections of one account and `total` of all; a caller waits its turn, first come first served,
  and is told `UpstreamBusy` only after `wait` seconds.
- When the last session of a credential ends, its connections close at once, in use or not.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from hsp.foundation.clock import Clock
from hsp.mail.connection import Connection
from hsp.mail.errors import LoginRejected, UpstreamBusy
from hsp.mail.pool_state import Accounts, Key, Refusals, Waiter
from hsp.mail.routes import MailRoute, Principal
from hsp.mail.translate import translated
from hsp.protocols.credentials import Credential
from hsp.protocols.imap import AuthenticationRejected, Endpoint, ImapClient, ImapError, Rejected, ServerBusy

__all__ = ["Pool", "PoolLimits"]

Connect = Callable[[Endpoint], Awaitable[ImapClient]]


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """`wait`, `check_after`, `close_after` and `busy_backoff` are seconds.

    A connection unused for `check_after` is asked whether it lives before it is lent, one unused for `close_after` is
    closed. `learned_for` is how long a server's "too many connections" keeps an account below its own limit.
    """

    total: int = 500
    wait: float = 20.0
    check_after: float = 30.0
    close_after: float = 240.0
    busy_backoff: float = 0.25
    learned_for: float = 60.0


class Pool:
    """One per worker process."""

    def __init__(
        self,
        mac_key: bytes,
        clock: Clock,
        *,
        limits: PoolLimits | None = None,
        connect: Connect | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`mac_key` is any secret of this process: it keeps credentials out of the keys, nothing else."""
        self._sleep = sleep
        self._mac_key = mac_key
        self._clock = clock
        self._limits = limits or PoolLimits()
        self._connect = connect or ImapClient.connect
        self._accounts = Accounts()
        self._waiters: deque[Waiter] = deque()
        self._ended: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._refused = Refusals()
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def open_connections(self) -> int:
        return self._accounts.total

    def key(self, route: MailRoute, account: str, credential: Credential) -> Key:
        upstream = f"{route.imap.host}:{route.imap.port}"
        return Key(upstream, account, credential.fingerprint(self._mac_key))

    @contextlib.asynccontextmanager
    async def lend(
        self, route: MailRoute, principal: Principal, *, folder: str = "", fresh: bool = False, sure: bool = False
    ) -> AsyncIterator[Connection]:
        """A logged-in connection for the length of the block, preferably one that has `folder` selected.

        `fresh`: a new connection, after a kept one broke. `sure`: a kept one is asked first whether it lives, for work
        that must not be repeated. Raises UpstreamAway, UpstreamBusy, LoginRejected, UpstreamNonsense.
        """
        key = self.key(route, principal.account, principal.credential)
        self._hold(key, principal)
        self._refused.check(key, self._clock.monotonic())
        with translated():
            connection = await self._acquire(route, key, principal.credential, folder, fresh=fresh, sure=sure)
        if connection.key != key:  # Fails closed: SC-20, nothing may ever be lent across owners.
            self._drop(connection)
            raise RuntimeError("a connection of another owner was about to be lent")
        unhurt = False
        try:
            yield connection
            unhurt = True
        except Exception as error:
            # An orderly refusal leaves the conversation in step; the client says when it does not. A server that
            # confesses a fault of its own (RFC 5530) may stand in a folder that is gone: a new connection finds out.
            confessed = isinstance(error, Rejected) and error.code.upper() == "SERVERBUG"
            unhurt = connection.client.is_usable and not confessed
            raise
        finally:
            self._give_back(connection, keep=unhurt)

    async def log_in(self, route: MailRoute, account: str, credential: Credential) -> None:
        """Prove `credential` by a login of its own, never by a kept connection; what it opened stays for use."""
        key = self.key(route, account, credential)
        with translated():
            connection = await self._acquire(route, key, credential, "", fresh=True, sure=False)
        self._refused.remove(key)
        self._give_back(connection, keep=True)

    async def forget(self, account: str, session_uuid: str) -> None:
        """The session ended: close every connection of a credential no other session of this account still uses."""
        self._ended[account, session_uuid] = None
        if len(self._ended) > 10_000:
            self._ended.popitem(last=False)
        for connection in self._accounts.release_session(account, session_uuid):
            self._drop(connection)

    def holders(self) -> dict[str, frozenset[str]]:
        """For each account with connections here, the sessions that use them."""
        return self._accounts.holders()

    async def sweep(self) -> None:
        """Close what has been idle too long; called now and then by `run`."""
        limit = self._clock.monotonic() - self._limits.close_after
        for connection in [one for one in self._accounts.idle() if one.last_used < limit]:
            self._drop(connection)
        self._accounts.forget_unused()

    async def run(self, every: float = 30.0) -> None:
        while True:
            await asyncio.sleep(every)
            await self.sweep()

    async def close(self) -> None:
        for connection in list(self._accounts.all()):
            self._drop(connection)
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _hold(self, key: Key, principal: Principal) -> None:
        if (principal.account, principal.session_uuid) in self._ended:
            # Fails closed: a request that began before its session was killed must not open the mailbox again.
            raise LoginRejected("the session has ended")
        self._accounts.get(key.account).sessions.setdefault(key, set()).add(principal.session_uuid)

    async def _acquire(
        self, route: MailRoute, key: Key, credential: Credential, folder: str, *, fresh: bool, sure: bool
    ) -> Connection:
        deadline = self._clock.monotonic() + self._limits.wait
        backoff = self._limits.busy_backoff
        first_in_line = False
        while True:
            kept = None if fresh else self._take_idle(key, folder)
            if kept is not None:
                if await self._lives(kept, sure=sure):
                    return kept
                continue
            if self._make_room(route, key):
                try:
                    return await self._open(route, key, credential)
                except (ServerBusy, AuthenticationRejected) as error:
                    backoff = await self._turned_away(key, backoff, deadline, error)
                    continue
            await self._wait_turn(route, key, deadline, fresh=fresh, in_front=first_in_line)
            first_in_line = True

    def _take_idle(self, key: Key, folder: str) -> Connection | None:
        account = self._accounts.find(key.account)
        connection = account.take_idle(key, folder) if account else None
        if connection is not None and not connection.client.is_usable:
            self._drop(connection)
            return self._take_idle(key, folder)
        return connection

    async def _lives(self, connection: Connection, *, sure: bool) -> bool:
        idle = self._clock.monotonic() - connection.last_used
        if idle < (1.0 if sure else self._limits.check_after):
            return True
        try:
            await connection.client.noop()
        except ImapError:
            self._drop(connection)
            return False
        except BaseException:
            self._drop(connection)
            raise
        return True

    def _make_room(self, route: MailRoute, key: Key) -> bool:
        """Whether one more connection may be opened; an idle one that nobody needs more gives way."""
        account = self._accounts.get(key.account)
        limit = account.limit(route.connections_per_account, self._clock.monotonic())
        if account.count >= limit:
            other = account.oldest_idle()
            if other is None:
                return False
            self._drop(other)
        elif self._accounts.total >= self._limits.total:
            other = min(self._accounts.idle(), key=lambda one: one.last_used, default=None)
            if other is None:
                return False
            self._drop(other)
        return True

    async def _open(self, route: MailRoute, key: Key, credential: Credential) -> Connection:
        self._accounts.opening(key.account)
        client: ImapClient | None = None
        try:
            client = await self._connect(route.imap)
            await client.authenticate(credential)
            connection = await Connection.prepare(client, key, self._clock)
        except BaseException:
            self._accounts.opening_failed(key.account)
            if client is not None:
                self._close_soon(client)
            self._wake()
            raise
        self._accounts.opened(connection)
        return connection

    async def _turned_away(
        self, key: Key, backoff: float, deadline: float, error: ServerBusy | AuthenticationRejected
    ) -> float:
        """Too many connections or logins for the server's taste: come back later, and stay below what it allows."""
        now = self._clock.monotonic()
        if isinstance(error, AuthenticationRejected) and not error.temporary:
            self._refused.add(key, now)
            raise error
        account = self._accounts.get(key.account)
        if isinstance(error, ServerBusy) and account.count:
            account.learn(account.count, until=now + self._limits.learned_for)
            return backoff
        if now + backoff > deadline:
            raise UpstreamBusy(str(error), retry_after=self._limits.wait) from error
        await self._sleep(backoff)
        return min(backoff * 2, 5.0)

    async def _wait_turn(self, route: MailRoute, key: Key, deadline: float, *, fresh: bool, in_front: bool) -> None:
        waiter = Waiter(key, route.connections_per_account, fresh)
        if in_front:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        try:
            async with asyncio.timeout(max(deadline - self._clock.monotonic(), 0)):
                await waiter.future
            waiter.went_on = True
        except TimeoutError:
            raise UpstreamBusy("no connection became free in time", retry_after=self._limits.wait) from None
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif not waiter.went_on:
                self._wake()

    def _wake(self) -> None:
        """Let the first waiter who can now go on try again."""
        now = self._clock.monotonic()
        for waiter in self._waiters:
            if waiter.future.done():
                continue  # Cancelled, and about to leave the line.
            account = self._accounts.get(waiter.key.account)
            may_open = account.count < account.limit(waiter.limit, now) and self._room_in_total()
            if may_open or account.idle:
                self._waiters.remove(waiter)
                waiter.future.set_result(None)
                return

    def _room_in_total(self) -> bool:
        return self._accounts.total < self._limits.total or any(True for _ in self._accounts.idle())

    def _give_back(self, connection: Connection, *, keep: bool) -> None:
        connection.last_used = self._clock.monotonic()
        if keep and connection.client.is_usable and not connection.dropped:
            self._accounts.get(connection.key.account).idle.append(connection)
            self._wake()
        else:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        if connection.dropped:
            return
        connection.dropped = True
        self._accounts.remove(connection)
        self._close_soon(connection.client)
        self._wake()

    def _close_soon(self, client: ImapClient) -> None:
        task = asyncio.get_running_loop().create_task(_close(client))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(client: ImapClient) -> None:
    with contextlib.suppress(ImapError, OSError):  # Fails open: the connection is out of the pool either way.
        await client.close()
