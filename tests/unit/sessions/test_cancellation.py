"""Wherever a request is cancelled, no answer reaches another user (SC-20) and no connection is lost (RC-03)."""

import asyncio
import random

import pytest

from hsp.foundation.redis import connect
from hsp.sessions import Issued, Sessions
from tests.support.redis_server import RedisServer
from tests.support.sessions import enter, log_in, make_sessions

pytestmark = pytest.mark.anyio


async def requests(sessions: Sessions, issued: Issued, count: int) -> int:
    """One user's requests, one after the other. Every answer must be the user's own."""
    answered = 0
    for _ in range(count):
        session = await enter(sessions, issued)
        assert session is not None, "a live session was not found"
        assert session.account == issued.session.account
        answered += 1
    return answered


@pytest.mark.parametrize("connections", [1, 2])
@pytest.mark.parametrize("seed", range(3))
async def test_sc20_cancelled_requests_never_cross_answers(redis_url: str, connections: int, seed: int) -> None:
    chance = random.Random(seed)
    client = connect(redis_url, max_connections=connections, timeout=10)
    await client.flushdb()
    sessions = make_sessions(client)
    sessions._store._timeout = 10  # type: ignore[attr-defined]  # a loaded machine must not look like a dead store
    users = [await log_in(sessions, f"user{number}@demo.test") for number in range(6)]
    for _ in range(120):
        tasks = [asyncio.create_task(requests(sessions, user, 3)) for user in users]
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        for task in tasks:
            if chance.random() < 0.5:
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result == 3 or isinstance(result, asyncio.CancelledError), result
    # The pool is whole: every user is still answered, with all connections back.
    assert [await requests(sessions, user, 1) for user in users] == [1] * len(users)
    assert not client.connection_pool._in_use_connections  # type: ignore[attr-defined]  # redis-py keeps it private
    await client.aclose()


async def test_sc20_an_answer_that_was_not_waited_for_is_not_the_next_ones(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, max_connections=1, timeout=10)
    sessions = make_sessions(client)
    alice, bob = await log_in(sessions, "alice@demo.test"), await log_in(sessions, "bob@demo.test")
    for _ in range(5):
        own_redis_server.pause()
        waiting = asyncio.create_task(enter(sessions, alice))
        while not client.connection_pool._in_use_connections:  # type: ignore[attr-defined]  # private in redis-py
            await asyncio.sleep(0)
        for _ in range(20):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        own_redis_server.resume()
        session = await enter(sessions, bob)
        assert session is not None
        assert session.account == "bob@demo.test"
    await client.aclose()


async def test_rc03_a_thousand_failures_do_not_use_up_the_pool(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, max_connections=2, timeout=2)
    sessions = make_sessions(client)
    issued = await log_in(sessions)
    own_redis_server.kill()
    failures = await asyncio.gather(*(enter(sessions, issued) for _ in range(1000)), return_exceptions=True)
    assert {type(failure).__name__ for failure in failures} == {"StoreUnavailable"}
    own_redis_server.start()
    again = await log_in(sessions)
    assert await enter(sessions, again) is not None
    await client.aclose()
