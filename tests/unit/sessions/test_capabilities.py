"""Capability tokens: one part of one message, ten minutes, one live session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from hsp.foundation.sealing import KeyRing
from hsp.sessions import Grant, Redeemed, Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import ALICE, BOB, UntouchedStore, log_in, make_sessions

pytestmark = pytest.mark.anyio

RING = KeyRing.generate()
TOKEN = RING.sign("capability", "W10")


async def granted(sessions: Sessions, message: str = "MV8xXzE", account: str = ALICE) -> Grant:
    grant = await sessions.grant((await log_in(sessions, account)).session, message=message)
    assert grant is not None
    return grant


async def test_a_token_opens_what_it_says(sessions: Sessions, other_node: Sessions) -> None:
    issued = await log_in(sessions)
    grant = await sessions.grant(issued.session, message="MV8xXzE")
    assert grant is not None
    for part in ("1.2", "cid:logo@example.com", "https://example.com/ä?a=b&c=%20"):
        whose = issued.session
        opened = Redeemed(ALICE, whose.credential, whose.uuid, "MV8xXzE", part, whose.surface, whose.virtual_host)
        assert await other_node.redeem(sessions.capability(grant, part=part)) == opened


async def test_a_token_fits_into_a_url_and_tells_no_secret_in_clear(sessions: Sessions) -> None:
    grant = await granted(sessions)
    token = sessions.capability(grant, part="1.2")
    assert token.replace("-", "").replace("_", "").replace(".", "").isalnum()
    assert ALICE not in token
    assert grant.secret not in repr(grant)


async def test_a_token_of_one_message_never_opens_another(redis: Redis, sessions: Sessions) -> None:
    one, other = await granted(sessions, "message-one"), await granted(sessions, "message-two")
    crossed = Grant(one.session_uuid, other.message, one.issued, one.secret)
    assert await sessions.redeem(sessions.capability(crossed, part="1")) is None
    borrowed = Grant(one.session_uuid, one.message, one.issued, other.secret)
    assert await sessions.redeem(sessions.capability(borrowed, part="1")) is None
    moved = Grant(other.session_uuid, one.message, one.issued, one.secret)
    assert await sessions.redeem(sessions.capability(moved, part="1")) is None


async def test_the_parts_of_two_tokens_cannot_be_exchanged(sessions: Sessions) -> None:
    grant = await granted(sessions)
    one, other = sessions.capability(grant, part="1"), sessions.capability(grant, part="2")
    payload, signature = one.rpartition(".")[0], other.rpartition(".")[2]
    assert await sessions.redeem(f"{payload}.{signature}") is None


async def test_a_token_lasts_600_seconds(redis: Redis, sessions: Sessions, clock: ManualClock) -> None:
    token = sessions.capability(await granted(sessions), part="1")
    (record,) = await redis.keys("*:g:*")
    assert 590 <= await redis.ttl(record) <= 600
    clock.advance(599)
    assert await sessions.redeem(token) is not None
    clock.advance(1)
    assert await sessions.redeem(token) is None


async def test_a_token_from_the_future_is_refused(sessions: Sessions, clock: ManualClock) -> None:
    token = sessions.capability(await granted(sessions), part="1")
    clock.advance(-60)
    assert await sessions.redeem(token) is None


async def test_a_token_dies_with_its_session(redis: Redis, sessions: Sessions, other_node: Sessions) -> None:
    issued = await log_in(sessions)
    grants = [await sessions.grant(issued.session, message=f"m{number}") for number in range(5)]
    tokens = [sessions.capability(grant, part="1") for grant in grants if grant]
    assert len(tokens) == 5
    await other_node.end_by_uuid(ALICE, issued.session.uuid)
    assert await redis.keys("*:g*") == []
    assert [await sessions.redeem(token) for token in tokens] == [None] * 5


async def test_a_token_dies_when_its_session_runs_out_of_time(
    redis: Redis, sessions: Sessions, clock: ManualClock
) -> None:
    issued = await log_in(sessions)
    clock.advance(215_900)
    grant = await sessions.grant(issued.session, message="m")
    assert grant is not None
    token = sessions.capability(grant, part="1")
    assert await sessions.redeem(token) is not None
    clock.advance(101)
    assert await sessions.redeem(token) is None
    clock.advance(-101)
    (record,) = await redis.keys("*:s:*")
    await redis.delete(record)
    assert await sessions.redeem(token) is None


async def test_a_token_outlives_a_rotation_of_the_twin_and_redeeming_renews_nothing(
    redis: Redis, sessions: Sessions
) -> None:
    issued = await log_in(sessions)
    grant = await sessions.grant(issued.session, message="m")
    assert grant is not None
    await sessions.rotate(issued.session)
    (record,) = await redis.keys("*:s:*")
    await redis.expire(record, 50)
    assert await sessions.redeem(sessions.capability(grant, part="1")) is not None
    assert await redis.ttl(record) <= 50


async def test_no_grant_without_a_live_session(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    stale = issued.session
    await sessions.rotate(stale)
    assert await sessions.grant(stale, message="m") is None


async def test_old_grants_do_not_pile_up(redis: Redis, sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    for _ in range(20):
        clock.advance(100)
        await sessions.grant(issued.session, message="m")
    (index,) = await redis.keys("*:gs")
    assert await redis.zcard(index) <= 7


async def test_another_rings_token_opens_nothing(redis: Redis, sessions: Sessions) -> None:
    stranger = make_sessions(redis)
    grant = await granted(stranger, account=BOB)
    assert await sessions.redeem(stranger.capability(grant, part="1")) is None


@given(st.one_of(st.text(max_size=200), st.builds(lambda cut: TOKEN[:cut], st.integers(0, len(TOKEN) - 1))))
async def test_sc21_a_malformed_token_opens_nothing_and_asks_nobody(token: str) -> None:
    sessions = Sessions(UntouchedStore(), RING, ManualClock())
    assert await sessions.redeem(token) is None


@given(st.text(max_size=60))
async def test_a_signed_token_of_another_shape_opens_nothing(payload: str) -> None:
    sessions = Sessions(UntouchedStore(), RING, ManualClock())
    assert await sessions.redeem(RING.sign("capability", payload)) is None


@pytest.mark.parametrize(
    "plain", ["W10", "e30", "bnVsbA", "MTI", "WzEsMiwzLDQsNV0", "WyJhIixudWxsLCJ4IiwiYiIsImMiXQ", "Int9Ig"]
)
async def test_signed_json_of_another_shape_opens_nothing(plain: str) -> None:
    sessions = Sessions(UntouchedStore(), RING, ManualClock())
    assert await sessions.redeem(RING.sign("capability", plain)) is None
