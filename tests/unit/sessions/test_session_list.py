"""The session list: what an account sees of its own sessions."""

import pytest
from redis.asyncio import Redis

from hsp.sessions import Policy, SessionInfo, Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import ALICE, BOB, FIREFOX, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio


async def test_the_list_tells_device_address_and_times(sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    assert await sessions.list(ALICE) == [
        SessionInfo(issued.session.uuid, "webmail", FIREFOX, "192.0.2.7", clock.now, clock.now)
    ]
    assert await sessions.list(BOB) == []


async def test_the_latest_comes_first(sessions: Sessions, clock: ManualClock) -> None:
    uuids = []
    for _ in range(4):
        uuids.insert(0, (await log_in(sessions)).session.uuid)
        clock.advance(5)
    assert [info.uuid for info in await sessions.list(ALICE)] == uuids


async def test_last_seen_comes_from_the_life_that_is_left(redis: Redis, sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    clock.advance(5000)
    (record,) = await redis.keys("*:s:*")
    await redis.expire(record, 500)
    (info,) = await sessions.list(ALICE)
    assert info.last_seen == pytest.approx(clock.now - 400, abs=5)
    await enter(sessions, issued)
    (info,) = await sessions.list(ALICE)
    assert info.last_seen == pytest.approx(clock.now, abs=5)


async def test_without_an_idle_limit_the_start_is_all_that_is_known(redis: Redis, clock: ManualClock) -> None:
    sessions = make_sessions(redis, clock=clock, policy=Policy(idle=0))
    issued = await log_in(sessions)
    clock.advance(500)
    (info,) = await sessions.list(ALICE)
    assert info.last_seen == info.created == issued.session.created


async def test_the_uuid_outlives_a_rotation(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    await sessions.rotate(issued.session)
    assert [info.uuid for info in await sessions.list(ALICE)] == [issued.session.uuid]


async def test_a_session_that_ran_out_of_time_is_not_listed_and_soon_forgotten(
    redis: Redis, sessions: Sessions, clock: ManualClock
) -> None:
    await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    (head,) = await redis.keys("*:h")
    await redis.delete(record)
    assert await sessions.list(ALICE) == []
    assert await redis.ttl(head) > 200_000
    clock.advance(61)
    assert await sessions.list(ALICE) == []
    # It waits a day for the POST of a forgotten tab, and no longer.
    assert await redis.ttl(head) <= 86_400
    await redis.delete(head)
    await sessions.list(ALICE)
    assert await redis.keys("*") == []


async def test_a_forged_card_is_not_listed(redis: Redis, sessions: Sessions) -> None:
    alice, bob = await log_in(sessions), await log_in(sessions, BOB)
    heads = {uuid: f"hsp:{{{uuid}}}:h" for uuid in (alice.session.uuid, bob.session.uuid)}
    foreign = (await redis.get(heads[bob.session.uuid]))[23:]
    own = await redis.get(heads[alice.session.uuid])
    for card in (foreign, b"", b"\x01" * 60):
        await redis.set(heads[alice.session.uuid], own[:23] + card)
        assert await sessions.list(ALICE) == []


async def test_nothing_of_an_account_stays_for_ever(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    await sessions.grant(issued.session, message="m")
    await sessions.rotate(issued.session)
    assert [key for key in await redis.keys("*") if await redis.ttl(key) < 0] == []
