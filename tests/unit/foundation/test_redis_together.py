"""Several commands in one trip: answers in order, errors in their place, nothing left for the next caller (SC-20)."""

import asyncio
import contextlib

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from hsp.foundation.redis import connect, together
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.anyio


async def test_answers_come_in_order_and_an_error_stands_in_its_place(redis: Redis) -> None:
    await redis.set("a", b"1")
    await redis.lpush("list", "x")
    answers = await together(redis, [("GET", "a"), ("GET", "list"), ("GET", "none"), ("GETEX", "a", "EX", 7)])
    assert answers[0] == answers[3] == b"1"
    assert isinstance(answers[1], ResponseError)
    assert answers[2] is None
    assert 0 < await redis.ttl("a") <= 7


@pytest.mark.parametrize("turns", range(12))
async def test_sc20_a_cancelled_trip_leaves_no_answer_behind(redis_server: RedisServer, turns: int) -> None:
    client = connect(redis_server.url, max_connections=1)
    await client.mset({"mine": b"1" * 100_000, "yours": b"2"})
    trip = asyncio.create_task(together(client, [("GET", "mine")] * 50))
    for _ in range(turns):
        await asyncio.sleep(0)
    trip.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await trip
    assert await together(client, [("GET", "yours")]) == [b"2"]
    assert await client.get("yours") == b"2"
    await client.aclose()


async def test_a_connection_that_broke_meanwhile_is_replaced(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url)
    assert await together(client, [("GET", "key")]) == [None]
    own_redis_server.restart()
    assert await together(client, [("GET", "key"), ("GET", "other")]) == [None, None]
    own_redis_server.kill()
    with pytest.raises((RedisConnectionError, OSError)):
        await together(client, [("GET", "key")])
    own_redis_server.start()
    assert await together(client, [("GET", "key")]) == [None]
    await client.aclose()
