"""Redis away, silent, or in trouble: StoreUnavailable, soon, and nothing private opens (fails closed)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.asyncio import Redis

from hsp.foundation.redis import StoreUnavailable, connect
from hsp.foundation.sealing import KeyRing
from hsp.sessions import Issued, RedisSessionStore, Sessions
from tests.support.clock import ManualClock
from tests.support.redis_server import RedisServer
from tests.support.sessions import ALICE, HOST, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio

PATIENCE = 30
Verb = Callable[[Sessions, Issued], Awaitable[object]]

VERBS: dict[str, Verb] = {
    "open": enter,
    "open in the background": lambda sessions, issued: enter(sessions, issued, background=True),
    "peek": lambda sessions, issued: sessions.peek_cookie(issued.cookie, surface="webmail", virtual_host=HOST),
    "resume": lambda sessions, issued: sessions.resume(issued.cookie, surface="webmail", virtual_host=HOST),
    "start": lambda sessions, _: log_in(sessions),
    "rotate": lambda sessions, issued: sessions.rotate(issued.session),
    "end": lambda sessions, issued: sessions.end(issued.session),
    "end by uuid": lambda sessions, issued: sessions.end_by_uuid(ALICE, issued.session.uuid),
    "end all": lambda sessions, _: sessions.end_all(ALICE),
    "list": lambda sessions, _: sessions.list(ALICE),
    "grant": lambda sessions, issued: sessions.grant(issued.session, message="m"),
    "offer": lambda sessions, issued: sessions.offer_interrupted_post(issued.session),
    "keep": lambda sessions, issued: sessions.keep_interrupted_post(
        issued.session_key, issued.cookie, page="compose", content_type="text/plain", body=b"x"
    ),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_every_verb_raises_when_the_store_is_away(redis: Redis, own_redis_server: RedisServer, verb: str) -> None:
    ring, clock = KeyRing.generate(), ManualClock()
    issued = await log_in(make_sessions(redis, ring=ring, clock=clock))
    own_redis_server.kill()
    client = connect(own_redis_server.url, timeout=0.5)
    away = make_sessions(client, ring=ring, clock=clock)
    with pytest.raises(StoreUnavailable):
        await VERBS[verb](away, issued)
    await client.aclose()


async def test_a_silent_store_is_waited_for_within_bounds_and_comes_back(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, timeout=60)
    sessions = Sessions(RedisSessionStore(client, timeout=0.3), KeyRing.generate(), ManualClock())
    issued = await log_in(sessions)
    own_redis_server.pause()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(StoreUnavailable):
            await enter(sessions, issued)
    own_redis_server.resume()
    async with asyncio.timeout(PATIENCE):
        assert await enter(sessions, issued) is not None
    await client.aclose()


async def test_a_restarted_store_answers_the_next_request(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, max_connections=3)
    sessions = make_sessions(client)
    issued = await log_in(sessions)
    await asyncio.gather(*(enter(sessions, issued) for _ in range(6)))
    own_redis_server.restart()
    # The old connections are broken and the scripts are gone: neither is the visitor's trouble.
    assert await enter(sessions, issued) is None
    again = await log_in(sessions)
    assert await enter(sessions, again) is not None
    await client.aclose()


async def test_a_full_or_read_only_store_opens_nothing_new(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url)
    sessions = make_sessions(client)
    await client.config_set("maxmemory", "1mb")
    await client.config_set("maxmemory-policy", "noeviction")
    with pytest.raises(StoreUnavailable):
        await log_in(sessions)
    await client.config_set("maxmemory", "0")
    assert await enter(sessions, await log_in(sessions)) is not None
    await client.aclose()


async def test_a_listener_on_a_silent_connection_notices_and_returns(own_redis_server: RedisServer) -> None:
    client, ring = connect(own_redis_server.url, timeout=0.5), KeyRing.generate()
    store = RedisSessionStore(client, timeout=0.3, silence=0.2)
    sessions, gaps = Sessions(store, ring, ManualClock()), asyncio.Event()

    async def gap() -> None:
        gaps.set()

    sessions.on_gap(gap)
    listener = asyncio.create_task(sessions.run())
    async with asyncio.timeout(PATIENCE):
        while not await client.pubsub_numsub("hsp:ended") or (await client.pubsub_numsub("hsp:ended"))[0][1] == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        # A living connection survives its silences.
        assert not gaps.is_set()
        own_redis_server.pause()
        await asyncio.sleep(1)
        own_redis_server.resume()
        await gaps.wait()
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    await client.aclose()
