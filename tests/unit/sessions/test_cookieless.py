"""Cookieless sessions: the named exception, short and bound to where they began."""

import pytest
from redis.asyncio import Redis

from hsp.sessions import Policy, Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import ALICE, FIREFOX, HOST, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio


async def test_the_key_alone_opens_it_from_the_same_browser_and_network(sessions: Sessions) -> None:
    issued = await log_in(sessions, cookieless=True)
    assert issued.cookie == ""
    assert await enter(sessions, issued, device=FIREFOX, address="192.0.2.7") == issued.session
    assert await enter(sessions, issued, device=FIREFOX, address="192.0.2.250") == issued.session


@pytest.mark.parametrize(
    ("device", "address"),
    [
        (FIREFOX, "192.0.3.7"),
        (FIREFOX, "2001:db8::1"),
        (FIREFOX, ""),
        (FIREFOX + " ", "192.0.2.7"),
        ("", "192.0.2.7"),
        ("curl/8", "192.0.2.7"),
    ],
)
async def test_a_leaked_key_opens_nothing_elsewhere(sessions: Sessions, device: str, address: str) -> None:
    issued = await log_in(sessions, cookieless=True)
    assert await enter(sessions, issued, device=device, address=address) is None


async def test_ipv6_is_bound_to_its_48(sessions: Sessions) -> None:
    issued = await log_in(sessions, cookieless=True, address="2001:db8:1:2::3")
    assert await enter(sessions, issued, device=FIREFOX, address="2001:db8:1:ffff::1") is not None
    assert await enter(sessions, issued, device=FIREFOX, address="2001:db8:2:2::3") is None


async def test_it_lives_600_seconds_idle_and_an_hour_in_all(
    redis: Redis, sessions: Sessions, clock: ManualClock
) -> None:
    issued = await log_in(sessions, cookieless=True)
    assert await enter(sessions, issued, device=FIREFOX, address="192.0.2.7") is not None
    (record,) = await redis.keys("*:s:*")
    assert 590 <= await redis.ttl(record) <= 600
    clock.advance(3600)
    assert await enter(sessions, issued, device=FIREFOX, address="192.0.2.7") is None


@pytest.mark.parametrize(
    ("usual", "idle", "absolute"), [(Policy(idle=60, absolute=90), 60, 90), (Policy(idle=0, absolute=0), 600, 3600)]
)
async def test_it_is_never_longer_than_a_usual_session(
    redis: Redis, clock: ManualClock, usual: Policy, idle: int, absolute: int
) -> None:
    sessions = make_sessions(redis, clock=clock, policy=usual)
    issued = await log_in(sessions, cookieless=True)
    (record,) = await redis.keys("*:s:*")
    assert idle - 5 <= await redis.ttl(record) <= idle
    assert issued.session.expires == clock.now + absolute


async def test_both_halves_of_a_usual_session_are_no_cookieless_key(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    bare = sessions._keys.session_key(issued.session.pair, cookieless=True)
    assert (
        await sessions.open(bare, None, surface="webmail", virtual_host=HOST, device=FIREFOX, address="192.0.2.7")
        is None
    )


async def test_a_cookieless_session_is_not_opened_by_a_pair_nor_resumed(sessions: Sessions) -> None:
    issued = await log_in(sessions, cookieless=True)
    pair = issued.session.pair
    usual_key = sessions._keys.session_key(pair, cookieless=False)
    assert await sessions.open(usual_key, pair.cookie, surface="webmail", virtual_host=HOST) is None
    assert await sessions.peek_cookie(pair.cookie, surface="webmail", virtual_host=HOST) is None
    assert await sessions.resume(pair.cookie, surface="webmail", virtual_host=HOST) is None


async def test_it_is_listed_and_killed_like_any_other(sessions: Sessions) -> None:
    issued = await log_in(sessions, cookieless=True)
    assert await sessions.end_by_uuid(ALICE, issued.session.uuid)
    assert await enter(sessions, issued, device=FIREFOX, address="192.0.2.7") is None


async def test_rotation_gives_it_a_new_key(sessions: Sessions) -> None:
    issued = await log_in(sessions, cookieless=True)
    rotated = await sessions.rotate(issued.session)
    assert rotated is not None
    assert await enter(sessions, issued, device=FIREFOX, address="192.0.2.7") is None
    assert await enter(sessions, rotated, device=FIREFOX, address="192.0.2.7") is not None
