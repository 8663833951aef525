"""The door to Redis (or Valkey). Fails closed: when it cannot be reached in time, callers get StoreUnavailable."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeAlias

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

# redis-py types its answers as unions of everything: who asks says what the answer is.
Answer: TypeAlias = Any


class StoreUnavailable(Exception):  # reads as what happened, in the words of the design
    """Redis did not answer in time, or refused. Nothing private may be served; the right answer is 503."""


def connect(url: str, *, max_connections: int = 50, timeout: float = 2.0) -> aioredis.Redis:
    """A client over one bounded pool. Waiting for a free connection beats failing; `timeout` is in seconds.

    Nothing is connected yet. A connection that broke while it lay idle is replaced and the command sent once more.
    """
    options: dict[str, Any] = {} if url.startswith("unix:") else {"socket_keepalive": True}
    pool = aioredis.BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        **options,
        retry=Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.2), 2, (RedisConnectionError,)),
    )
    return aioredis.Redis.from_pool(pool)


async def within(seconds: float, answer: Awaitable[Answer]) -> Answer:
    """The answer of Redis within `seconds`, waiting and retrying included. Raises StoreUnavailable: fails closed."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except (RedisError, OSError, TimeoutError) as error:
        raise StoreUnavailable(type(error).__name__) from error
