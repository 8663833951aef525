"""Opening a session: who gets in, for how long, and at what price."""

import pytest
from redis.asyncio import Redis

from hsp.sessions import Issued, Limits, Policy, Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import ALICE, BOB, FIREFOX, HOST, PASSWORD, enter, log_in, make_sessions

pytestmark = pytest.mark.anyio


async def calls(redis: Redis) -> dict[str, int]:
    """How often each command was called, by the server's own count."""
    stats = await redis.info("commandstats")
    return {name.removeprefix("cmdstat_"): entry["calls"] for name, entry in stats.items()}


async def life(redis: Redis) -> int:
    """Seconds left to the only session's record."""
    (record,) = await redis.keys("*:s:*")
    return int(await redis.ttl(record))


async def test_a_session_gives_back_what_the_login_put_in(sessions: Sessions, clock: ManualClock) -> None:
    issued = await log_in(sessions)
    session = await enter(sessions, issued)
    assert session == issued.session
    assert (session.account, session.credential.secret, session.device) == (ALICE, PASSWORD, FIREFOX)
    assert (session.created, session.authenticated, session.expires) == (clock.now, clock.now, clock.now + 216_000)
    assert PASSWORD not in repr(session) + repr(issued)
    assert issued.cookie not in repr(issued)
    assert issued.session_key not in repr(issued)


async def test_sc21_half_a_pair_opens_nothing(sessions: Sessions) -> None:
    alice, bob = await log_in(sessions), await log_in(sessions, BOB)
    pairs: list[tuple[str | None, str | None]] = [
        (alice.session_key, None),
        (alice.session_key, ""),
        (None, alice.cookie),
        ("", alice.cookie),
        (alice.session_key, bob.cookie),
        (bob.session_key, alice.cookie),
        (alice.session_key, alice.cookie[:-1]),
        (alice.session_key, alice.session.pair.id + "." + bob.session.pair.twin),
        (alice.cookie, alice.session_key),
    ]
    for key, cookie in pairs:
        assert await sessions.open(key, cookie, surface="webmail", virtual_host=HOST) is None


async def test_a_normal_open_is_exactly_one_command(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    await enter(sessions, issued)
    await redis.config_resetstat()
    for _ in range(20):
        assert await enter(sessions, issued) is not None
    assert {name: count for name, count in (await calls(redis)).items() if not name.startswith("config")} == {
        "getex": 20
    }


async def test_a_background_open_reads_and_does_not_renew(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    await redis.expire(record, 100)
    await redis.config_resetstat()
    assert await enter(sessions, issued, background=True) is not None
    assert (await calls(redis)).get("getex") is None
    assert await life(redis) <= 100
    assert await enter(sessions, issued) is not None
    assert await life(redis) > 800


async def test_a_wrong_twin_does_not_keep_a_session_alive(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    await redis.expire(record, 100)
    forged = f"{issued.session.pair.id}.{'A' * 43}"
    assert await sessions.open(issued.session_key, forged, surface="webmail", virtual_host=HOST) is None
    assert await life(redis) <= 100


async def test_the_idle_limit_is_the_records_life(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    assert 890 <= await life(redis) <= 900
    (record,) = await redis.keys("*:s:*")
    await redis.delete(record)
    assert await enter(sessions, issued) is None


async def test_the_absolute_limit_holds_however_busy_the_session(
    redis: Redis, sessions: Sessions, clock: ManualClock
) -> None:
    issued = await log_in(sessions)
    clock.advance(215_999)
    assert await enter(sessions, issued) is not None
    clock.advance(1)
    assert await enter(sessions, issued) is None
    assert await redis.keys("*:s:*") == []
    clock.advance(-100)
    assert await enter(sessions, issued) is None


@pytest.mark.parametrize(
    ("idle", "absolute", "ttl"), [(900, 216_000, 900), (0, 216_000, 216_000), (900, 0, 900), (0, 0, -1), (60, 30, 60)]
)
async def test_zero_is_no_limit(redis: Redis, clock: ManualClock, idle: int, absolute: int, ttl: int) -> None:
    sessions = make_sessions(redis, clock=clock, policy=Policy(idle=idle, absolute=absolute))
    issued = await log_in(sessions)
    for _ in range(2):
        assert await enter(sessions, issued) is not None
        assert ttl - 5 <= await life(redis) <= ttl
    assert issued.session.expires == (clock.now + absolute if absolute else None)
    clock.advance(10 * 365 * 86_400)
    assert (await enter(sessions, issued) is None) == bool(absolute)


async def test_each_surface_has_its_own_limits(redis: Redis, clock: ManualClock) -> None:
    policy = Policy(idle=900, absolute=1000, surfaces={"api": Limits(idle=3600, absolute=7200)})
    sessions = make_sessions(redis, clock=clock, policy=policy)
    issued = await log_in(sessions, surface="api")
    assert await enter(sessions, issued, surface="api") is not None
    assert 3590 <= await life(redis) <= 3600
    assert issued.session.expires == clock.now + 7200


async def test_login_always_makes_a_new_pair(sessions: Sessions) -> None:
    first, second = await log_in(sessions), await log_in(sessions)
    assert first.session.uuid != second.session.uuid
    assert first.session_key != second.session_key
    assert first.session.pair.twin != second.session.pair.twin


async def test_a_cookie_alone_shows_that_a_session_is_there_and_no_more(redis: Redis, sessions: Sessions) -> None:
    issued = await log_in(sessions)
    (record,) = await redis.keys("*:s:*")
    await redis.expire(record, 100)
    seen = await sessions.peek_cookie(issued.cookie, surface="webmail", virtual_host=HOST)
    assert seen is not None
    assert seen.account == ALICE
    assert await life(redis) <= 100


async def test_resuming_gives_the_same_session_key_again(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    resumed = await sessions.resume(issued.cookie, surface="webmail", virtual_host=HOST)
    assert resumed == issued
    await sessions.end(issued.session)
    assert await sessions.resume(issued.cookie, surface="webmail", virtual_host=HOST) is None


async def test_texts_of_the_client_are_cut_and_cleaned(sessions: Sessions) -> None:
    issued = await log_in(sessions, device="Fire\x00fox\r\n\x1b[31m\u2028" + "x" * 5000)
    assert issued.session.device.startswith("Fire fox   [31m x")
    assert len(issued.session.device) == 160
    assert await enter(sessions, issued) == issued.session


async def test_an_idle_session_takes_at_most_2_kb_of_redis(redis: Redis, sessions: Sessions) -> None:
    async def log_in_many(start: int) -> list[Issued]:
        return [
            await log_in(
                sessions, f"someone-{number}@mail.example.com", address="2001:db8:1234:5678:9abc:def0:1234:5678"
            )
            for number in range(start, start + 300)
        ]

    await log_in_many(0)
    before = (await redis.info("memory"))["used_memory_dataset"]
    await log_in_many(1000)
    assert ((await redis.info("memory"))["used_memory_dataset"] - before) / 300 <= 2048
