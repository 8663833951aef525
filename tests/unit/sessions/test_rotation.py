"""Planted pairs, new twins, and the race between a rotation and a kill (class SC-19)."""

import asyncio

import pytest
from redis.asyncio import Redis

from hsp.foundation.sealing import KeyRing
from hsp.protocols.credentials import Credential
from hsp.sessions import Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import ALICE, BOB, HOST, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio


async def test_sc19_a_pair_planted_before_login_is_dead_after_it(sessions: Sessions) -> None:
    planted = await log_in(sessions, "mallory@demo.test")
    victim = await log_in(sessions, replaces=planted.cookie)
    assert await enter(sessions, planted) is None
    assert victim.session.uuid != planted.session.uuid
    assert victim.session.pair.twin != planted.session.pair.twin
    mixed = await sessions.open(planted.session_key, victim.cookie, surface="webmail", virtual_host=HOST)
    assert mixed is None


async def test_sc19_login_ends_the_browsers_former_session(sessions: Sessions) -> None:
    former = await log_in(sessions)
    elsewhere = await log_in(sessions)
    latter = await log_in(sessions, replaces=former.cookie)
    assert await enter(sessions, former) is None
    assert await enter(sessions, latter) is not None
    assert await enter(sessions, elsewhere) is not None


async def test_sc19_a_forged_former_cookie_ends_nothing(sessions: Sessions) -> None:
    victim = await log_in(sessions)
    forged = f"{victim.session.pair.id}.{'A' * 43}"
    await log_in(sessions, BOB, replaces=forged)
    await log_in(sessions, BOB, replaces="nonsense")
    assert await enter(sessions, victim) is not None


async def test_sc19_each_step_up_kills_the_old_twin(sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    dead = [issued]
    for _ in range(3):
        clock.advance(10)
        session = await enter(sessions, issued)
        assert session is not None
        rotated = await sessions.rotate(session)
        assert rotated is not None
        assert rotated.session_key == issued.session_key
        assert rotated.cookie != issued.cookie
        assert rotated.session.uuid == issued.session.uuid
        assert rotated.session.authenticated == clock.now
        assert rotated.session.created == clock.now - 10 * len(dead)
        for old in dead:
            assert await enter(sessions, old) is None
        assert await enter(sessions, rotated) == rotated.session
        issued = rotated
        dead.append(rotated)


async def test_a_stale_session_cannot_be_rotated(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    assert await sessions.rotate(issued.session) is not None
    assert await sessions.rotate(issued.session) is None


async def test_a_change_of_password_changes_the_credential_with_the_twin(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    changed = Credential("password", ALICE, "another one")
    rotated = await sessions.rotate(issued.session, credential=changed)
    assert rotated is not None
    session = await enter(sessions, rotated)
    assert session is not None
    assert session.credential == changed


async def test_a_rotation_that_proves_nothing_keeps_the_time_of_proof(sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    clock.advance(500)
    rotated = await sessions.rotate(issued.session, authenticated=False)
    assert rotated is not None
    assert rotated.session.authenticated == clock.now - 500


async def test_a_rotation_does_not_lengthen_the_absolute_life(sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    clock.advance(200_000)
    rotated = await sessions.rotate(issued.session)
    assert rotated is not None
    assert rotated.session.expires == issued.session.expires
    clock.advance(16_000)
    assert await enter(sessions, rotated) is None


async def test_sc29_a_kill_wins_over_a_rotation_whatever_the_order(
    redis: Redis, sessions: Sessions, other_node: Sessions
) -> None:
    for attempt in range(60):
        issued = await log_in(sessions)
        session = issued.session
        steps = [sessions.rotate(session), other_node.end_by_uuid(ALICE, session.uuid)]
        if attempt % 2:
            steps.reverse()
        results = await asyncio.gather(*steps)
        assert True in results
        for pair in (issued, *(result for result in results if result not in {True, None})):
            assert await enter(sessions, pair) is None  # type: ignore[arg-type]  # an Issued, the rotation's
        assert await redis.keys("*:s:*") == []


async def test_a_rotation_of_a_killed_session_yields_nothing(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    await sessions.end(issued.session)
    assert await sessions.rotate(issued.session) is None


async def test_two_rotations_at_once_leave_one_pair(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    results = await asyncio.gather(*(sessions.rotate(issued.session) for _ in range(8)))
    (winner,) = [result for result in results if result is not None]
    assert await enter(sessions, winner) is not None
    assert len(await redis.keys("*:s:*")) == 1


async def test_se02_rotating_the_ring_logs_nobody_out(redis: Redis, clock: ManualClock) -> None:
    ring = KeyRing.generate()
    issued = await log_in(make_sessions(redis, ring=ring, clock=clock))
    for _ in range(3):
        ring = ring.rotate(now=clock.now)
        sessions = make_sessions(redis, ring=ring, clock=clock)
        session = await enter(sessions, issued)
        assert session is not None
        rotated = await sessions.rotate(session)
        assert rotated is not None
        assert rotated.session_key == issued.session_key
        assert await enter(sessions, issued) is None
        issued = rotated
    grant = await sessions.grant(issued.session, message="m")
    assert grant is not None
    token = sessions.capability(grant, part="1")
    later = make_sessions(redis, ring=ring.rotate(), clock=clock)
    assert await later.redeem(token) is not None
    await log_in(later)
    assert len(await later.list(ALICE)) == 2
    assert await later.end_all(ALICE) == 2
    assert await enter(later, issued) is None


async def test_a_session_dies_with_its_ring_key(redis: Redis, clock: ManualClock) -> None:
    ring = KeyRing.generate().rotate(now=clock.now)
    issued = await log_in(make_sessions(redis, ring=ring.prune(clock.now + 1), clock=clock))
    pruned = make_sessions(redis, ring=ring.rotate(now=clock.now).prune(clock.now + 1), clock=clock)
    assert await enter(pruned, issued) is None
    assert await pruned.list(ALICE) == []
