"""Logout, kill, kill all: dead on every node at once, and told to all (class SC-29)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from hsp.foundation.redis import connect
from hsp.foundation.sealing import KeyRing
from hsp.sessions import Ended, Limits, Policy, Sessions, TooManySessions
from tests.support.clock import ManualClock
from tests.support.redis_server import RedisServer
from tests.support.sessions import ALICE, BOB, HOST, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio

PATIENCE = 20


@asynccontextmanager
async def listening(sessions: Sessions) -> AsyncIterator[asyncio.Queue[Ended]]:
    """What a node hears while its listener runs."""
    heard: asyncio.Queue[Ended] = asyncio.Queue()
    sessions.on_ended(heard.put)
    task = asyncio.create_task(sessions.run())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_subscribed(redis: Redis, count: int = 1) -> None:
    """Waits for the listeners; asking the server itself, so that no notice can be missed afterwards."""
    async with asyncio.timeout(PATIENCE):
        while dict(await redis.pubsub_numsub("hsp:ended")).get(b"hsp:ended", 0) < count:
            await asyncio.sleep(0.01)


async def test_sc29_a_logout_is_immediate_on_every_node(sessions: Sessions, other_node: Sessions) -> None:
    issued = await log_in(sessions)
    assert await enter(other_node, issued) is not None
    assert await sessions.end(issued.session) is True
    assert await enter(other_node, issued) is None
    assert await enter(sessions, issued) is None
    assert await sessions.end(issued.session) is False


async def test_sc29_a_kill_on_one_node_is_immediate_on_the_other(sessions: Sessions, other_node: Sessions) -> None:
    issued = await log_in(sessions)
    assert await other_node.end_by_uuid(ALICE, issued.session.uuid) is True
    assert await enter(sessions, issued) is None
    assert await sessions.resume(issued.cookie, surface="webmail", virtual_host=HOST) is None
    assert await other_node.end_by_uuid(ALICE, issued.session.uuid) is False


async def test_nobody_kills_the_sessions_of_another_account(sessions: Sessions) -> None:
    alice = await log_in(sessions)
    await log_in(sessions, BOB)
    assert await sessions.end_by_uuid(BOB, alice.session.uuid) is False
    assert await sessions.end_by_uuid(ALICE, "0" * 32) is False
    assert await sessions.end_by_uuid(ALICE, "*") is False
    assert await enter(sessions, alice) is not None


async def test_sc29_kill_all_takes_every_session_but_the_one_kept(sessions: Sessions, other_node: Sessions) -> None:
    mine = [await log_in(sessions) for _ in range(3)]
    mine += [await log_in(sessions, surface="api"), await log_in(sessions, cookieless=True)]
    bobs = await log_in(sessions, BOB)
    assert await other_node.end_all(ALICE, keep=mine[0].session.uuid) == 4
    assert await enter(sessions, mine[0]) is not None
    assert [info.uuid for info in await sessions.list(ALICE)] == [mine[0].session.uuid]
    assert await enter(sessions, bobs) is not None
    assert await other_node.end_all(ALICE) == 1
    assert await other_node.end_all(ALICE) == 0
    assert await enter(sessions, mine[0]) is None


async def test_sc29_an_ended_session_leaves_only_a_tombstone(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    await sessions.grant(issued.session, message="m")
    await sessions.hold_post(issued.session, page="compose", content_type="text/plain", body=b"x")
    await sessions.end(issued.session)
    (tombstone,) = await redis.keys("*")
    assert tombstone.endswith(b":h")
    assert (await redis.get(tombstone)).startswith(b"o")
    assert 86_000 < await redis.ttl(tombstone) <= 86_400


async def test_sc29_a_record_brought_back_after_a_kill_is_not_listed_and_kills_again(
    redis: Redis, sessions: Sessions
) -> None:
    issued = await log_in(sessions)
    await sessions.end(issued.session)
    assert await sessions.grant(issued.session, message="m") is None
    assert await sessions.rotate(issued.session) is None
    assert await sessions.list(ALICE) == []


async def test_sc29_a_kill_between_listing_and_creation_is_not_lost(
    redis: Redis, sessions: Sessions, other_node: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = sessions._store.create

    async def killed_meanwhile(*arguments: object, **named: object) -> bool:
        assert await other_node.end_all(ALICE) == 0
        return await create(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(sessions._store, "create", killed_meanwhile)
    issued = await log_in(sessions)
    assert await enter(sessions, issued) is None
    assert await redis.keys("*:s:*") == []


async def test_other_nodes_hear_of_an_ending_and_of_whose_it_was(
    redis: Redis, sessions: Sessions, other_node: Sessions
) -> None:
    async with listening(sessions) as here, listening(other_node) as there:
        await until_subscribed(redis, 2)
        issued = await log_in(sessions)
        await sessions.end(issued.session)
        async with asyncio.timeout(PATIENCE):
            assert await there.get() == Ended(issued.session.uuid, ALICE)
            assert await here.get() == Ended(issued.session.uuid, ALICE)
            second = await log_in(sessions, BOB)
            await other_node.end_all(BOB)
            # Each of the two hears the second ending next: nobody heard the first one twice.
            assert await here.get() == await there.get() == Ended(second.session.uuid, BOB)


async def test_this_node_hears_of_its_own_endings_without_listening(sessions: Sessions) -> None:
    heard = []

    async def hear(ended: Ended) -> None:
        heard.append(ended)

    sessions.on_ended(hear)
    issued = await log_in(sessions)
    await sessions.end(issued.session)
    assert heard == [Ended(issued.session.uuid, ALICE)]


async def test_a_holder_that_fails_keeps_no_other_from_hearing(sessions: Sessions) -> None:
    heard = []

    async def fail(ended: Ended) -> None:
        raise ValueError(ended.uuid)

    async def hear(ended: Ended) -> None:
        heard.append(ended.uuid)

    sessions.on_ended(fail)
    sessions.on_ended(hear)
    issued = await log_in(sessions)
    assert await sessions.end(issued.session)
    assert heard == [issued.session.uuid]


async def test_a_notice_nobody_sealed_is_not_believed(redis: Redis, sessions: Sessions) -> None:
    async with listening(sessions) as heard:
        await until_subscribed(redis)
        issued = await log_in(sessions)
        (head,) = await redis.keys("*:h")
        card = (await redis.get(head))[23:]
        for forged in (b"", b"x", b"\xff" * 100, b"0" * 16 + b"1" * 32 + card, b"0" * 16 + b"\xff" * 32 + card):
            await redis.publish("hsp:ended", forged)
        await make_sessions(redis, ring=sessions._ring).end(issued.session)
        async with asyncio.timeout(PATIENCE):
            assert await heard.get() == Ended(issued.session.uuid, ALICE)
        assert heard.empty()


async def test_the_listener_comes_back_after_the_store_died(own_redis_server: RedisServer) -> None:
    client, ring, gaps = connect(own_redis_server.url), KeyRing.generate(), asyncio.Event()
    sessions, other = make_sessions(client, ring=ring), make_sessions(client, ring=ring)

    async def gap() -> None:
        gaps.set()

    other.on_gap(gap)
    async with listening(other) as heard:
        await until_subscribed(client)
        assert not gaps.is_set()
        own_redis_server.restart()
        async with asyncio.timeout(PATIENCE):
            await gaps.wait()
            issued = await log_in(sessions)
            await sessions.end(issued.session)
            assert await heard.get() == Ended(issued.session.uuid, ALICE)
    await client.aclose()


async def test_an_account_has_no_more_sessions_than_it_may(redis: Redis, clock: ManualClock) -> None:
    sessions = make_sessions(
        redis, clock=clock, policy=Policy(max_sessions=2, surfaces={"api": Limits(max_sessions=1)})
    )
    first, _ = await log_in(sessions), await log_in(sessions)
    with pytest.raises(TooManySessions):
        await log_in(sessions)
    await log_in(sessions, surface="api")
    await log_in(sessions, BOB)
    await sessions.end(first.session)
    await log_in(sessions)
    with pytest.raises(TooManySessions):
        await log_in(sessions, surface="api")


async def test_logins_at_once_do_not_share_the_last_place(redis: Redis, clock: ManualClock) -> None:
    sessions = make_sessions(redis, clock=clock, policy=Policy(max_sessions=3))
    results = await asyncio.gather(*(log_in(sessions) for _ in range(12)), return_exceptions=True)
    assert sum(isinstance(result, TooManySessions) for result in results) == 9
    assert len(await sessions.list(ALICE)) == 3


async def test_a_place_is_free_again_when_its_session_ran_out_of_time(redis: Redis, clock: ManualClock) -> None:
    sessions = make_sessions(redis, clock=clock, policy=Policy(max_sessions=1))
    await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    await redis.delete(record)
    clock.advance(61)
    await log_in(sessions)


async def test_logging_in_again_in_the_same_browser_takes_no_second_place(redis: Redis, clock: ManualClock) -> None:
    sessions = make_sessions(redis, clock=clock, policy=Policy(max_sessions=1))
    issued = await log_in(sessions)
    for _ in range(3):
        issued = await log_in(sessions, replaces=issued.cookie)
    assert await enter(sessions, issued) is not None
    with pytest.raises(TooManySessions):
        await log_in(sessions)


async def test_sessions_under_an_older_ring_key_take_their_places(redis: Redis, clock: ManualClock) -> None:
    ring = KeyRing.generate()
    await log_in(make_sessions(redis, ring=ring, clock=clock, policy=Policy(max_sessions=2)))
    later = make_sessions(redis, ring=ring.rotate(), clock=clock, policy=Policy(max_sessions=2))
    await log_in(later)
    with pytest.raises(TooManySessions):
        await log_in(later)
