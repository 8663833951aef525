"""The door to Redis (or Valkey).

Promises:
- Fails closed: when Redis does not answer in time, callers get StoreUnavailable.
- A cancelled request never leaves its answer to the next one, and never takes its connection with it.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any, TypeAlias

import redis.asyncio as aioredis
from redis.asyncio.connection import AbstractConnection, Connection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

# redis-py types its answers as unions of everything: who asks says what the answer is.
Answer: TypeAlias = Any


class StoreUnavailable(Exception):  # reads as what happened, in the words of the design
    """Redis did not answer in time, or refused. Nothing private may be served; the right answer is 503."""


def connect(url: str, *, max_connections: int = 50, timeout: float = 2.0) -> aioredis.Redis:
    """A client over one bounded pool. Waiting for one beats failing; `timeout` bounds a command in seconds.

    Nothing is connected yet. A connection that broke while it lay idle is replaced and the command sent once more.
    """
    # A Unix socket has nothing to keep alive, and redis-py refuses the option there.
    options: dict[str, Any] = {} if url.startswith("unix:") else {"socket_keepalive": True}
    pool = _Pool.from_url(
        url,
        max_connections=max_connections,
        # A limit per socket would cost a task per command; the client sets one per command instead.
        socket_timeout=None,
        socket_connect_timeout=timeout,
        **options,
        retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 2, (RedisConnectionError,)),
    )
    client = _Client.from_pool(pool)
    assert isinstance(client, _Client)
    client.timeout = timeout
    return client


async def within(seconds: float, answer: Awaitable[Answer]) -> Answer:
    """The answer of Redis within `seconds`, waiting and retrying included. Raises StoreUnavailable: fails closed."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(type(error).__name__) from error


async def together(client: aioredis.Redis, commands: Sequence[tuple[str | int, ...]]) -> list[Answer]:
    """The answers of several commands in one trip, in order; an error that Redis answers stands in its place.

    Half the time of redis-py's pipeline. Only for commands that may be sent twice: a connection that broke is replaced
    and all of them asked once more. Cancelled half-way, the connection is closed, so no answer reaches another caller.
    """
    pool: Answer = client.connection_pool
    connection = await pool.get_connection()
    try:
        return await _converse(connection, commands)
    except RedisConnectionError:
        await connection.connect()
        return await _converse(connection, commands)
    finally:
        await pool.release(connection)


async def _converse(connection: Answer, commands: Sequence[tuple[str | int, ...]]) -> list[Answer]:
    answers: list[Answer] = []
    try:
        await connection.send_packed_command(connection.pack_commands(commands))
        while len(answers) < len(commands):
            try:
                answers.append(await connection.read_response())
            except ResponseError as error:
                answers.append(error)
    except BaseException:
        connection._close()
        raise
    return answers


class _Client(aioredis.Redis):
    timeout: float

    async def execute_command(self, *args: Answer, **options: Answer) -> Answer:
        try:
            async with asyncio.timeout(self.timeout):
                return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # untyped there
        except TimeoutError as error:
            raise RedisTimeoutError("no answer in time") from error


class _Careful(AbstractConnection):
    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        """Connects wholly or not at all: after a greeting cut short, answers and questions would no longer match."""
        try:
            await super().connect_check_health(check_health, retry_socket_connect)
        except BaseException:
            self._close()  # type: ignore[no-untyped-call]  # untyped there
            raise


class _Pool(aioredis.ConnectionPool):
    """Like redis-py's blocking pool, but giving a connection back never waits.

    There a request that is cancelled while it waits for the pool's lock keeps its connection for ever; after
    `max_connections` such requests the pool is empty (compare redis-py issue 4110).
    """

    def __init__(
        self, connection_class: type[AbstractConnection] = Connection, max_connections: int = 50, **options: Answer
    ) -> None:
        careful = type(f"Careful{connection_class.__name__}", (_Careful, connection_class), {})
        self._free = asyncio.Semaphore(max_connections)
        super().__init__(connection_class=careful, max_connections=max_connections, **options)

    async def get_connection(
        self, command_name: str | None = None, *keys: Answer, **options: Answer
    ) -> AbstractConnection:
        """A connected connection, as soon as one is free. The caller bounds the wait."""
        await self._free.acquire()
        connection: AbstractConnection | None = None
        try:
            connection = self.get_available_connection()  # type: ignore[no-untyped-call]  # untyped there
            await self.ensure_connection(connection)
        except BaseException:
            self._give_back(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Gives a connection back, without a moment in which the giver could be cancelled."""
        self._give_back(connection)

    def _give_back(self, connection: AbstractConnection | None) -> None:
        if connection is not None:
            if connection not in self._in_use_connections:
                return
            self._in_use_connections.discard(connection)
            _renew(connection)
            self._available_connections.append(connection)
        self._free.release()


def _renew(connection: Answer) -> None:
    if connection.should_reconnect():
        connection._close()
        connection.reset_should_reconnect()
