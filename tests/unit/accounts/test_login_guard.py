"""The login guard: who has to wait, who does not, and what the security log says."""

import asyncio
import logging

import pytest
from redis.asyncio import Redis

from hsp.accounts import LoginGuard, Verdict
from hsp.foundation.redis import StoreUnavailable, connect
from hsp.foundation.sealing import KeyRing
from tests.support.clock import ManualClock

pytestmark = pytest.mark.anyio

ALICE = "alice@demo.test"
HOME, ATTACKER = "192.0.2.7", "203.0.113.9"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture
def guard(redis: Redis, ring: KeyRing, clock: ManualClock) -> LoginGuard:
    return LoginGuard(redis, ring, clock)


async def fail(guard: LoginGuard, account: str = ALICE, address: str = ATTACKER, **tokens: str) -> Verdict:
    """One wrong password, if one may be tried at all."""
    verdict = await guard.check(account, address, **tokens)
    if verdict.allowed:
        await guard.failed(verdict)
    return verdict


async def test_delays_grow_with_each_failure_up_to_a_quarter_of_an_hour(guard: LoginGuard, clock: ManualClock) -> None:
    assert [(await fail(guard)).allowed for _ in range(5)] == [True] * 5
    waits = []
    for _ in range(14):
        refused = await fail(guard)
        assert not refused.allowed
        waits.append(refused.retry_after)
        clock.advance(refused.retry_after)
        assert (await fail(guard)).allowed
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]


async def test_a_refused_attempt_is_not_counted(guard: LoginGuard, clock: ManualClock) -> None:
    for _ in range(5):
        await fail(guard)
    assert {(await fail(guard)).retry_after for _ in range(50)} == {1}
    clock.advance(1)
    assert (await fail(guard)).allowed


async def test_a_success_clears_the_account(guard: LoginGuard) -> None:
    for _ in range(4):
        await fail(guard)
    await guard.succeeded(await guard.check(ALICE, HOME))
    assert [(await fail(guard)).allowed for _ in range(5)] == [True] * 5


async def test_failures_count_for_the_account_from_wherever_they_come(guard: LoginGuard) -> None:
    for number in range(5):
        await fail(guard, address=f"198.51.100.{number}")
    refused = await fail(guard, address="198.51.100.77")
    assert (refused.allowed, refused.reason) == (False, "account")


async def test_failures_count_for_the_address_whatever_the_account(guard: LoginGuard) -> None:
    verdicts = [await fail(guard, f"user{number}@demo.test") for number in range(21)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 20 + [False]
    assert verdicts[-1].reason == "address"
    assert (await guard.check(ALICE, HOME)).allowed


async def test_an_ipv6_network_is_one_address(guard: LoginGuard) -> None:
    verdicts = [await fail(guard, f"user{number}@demo.test", f"2001:db8:1:2::{number:x}") for number in range(21)]
    assert not verdicts[-1].allowed
    assert (await fail(guard, "user99@demo.test", "2001:db8:1:3::1")).allowed


async def test_logging_in_as_oneself_does_not_wipe_the_addresss_failures(guard: LoginGuard) -> None:
    for number in range(19):
        await fail(guard, f"user{number}@demo.test")
        await guard.succeeded(await guard.check("mallory@demo.test", ATTACKER))
    await fail(guard, "user19@demo.test")
    assert not (await fail(guard, "user20@demo.test")).allowed


async def test_unknown_accounts_are_counted_like_known_ones(guard: LoginGuard) -> None:
    verdicts = [await fail(guard, "nobody@demo.test") for _ in range(6)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False]


async def test_strangers_cannot_lock_the_owner_out(guard: LoginGuard, clock: ManualClock) -> None:
    device = await guard.succeeded(await guard.check(ALICE, HOME))
    for _ in range(30):
        await fail(guard)
        await fail(guard, address=HOME)
        clock.advance(1)
    assert not (await guard.check(ALICE, HOME)).allowed
    verdict = await guard.check(ALICE, HOME, device)
    assert verdict.allowed
    renewed = await guard.succeeded(verdict)
    clock.advance(364 * 86_400)
    assert (await guard.check(ALICE, HOME, renewed)).allowed


async def test_a_known_device_is_slowed_by_its_own_failures_only(guard: LoginGuard) -> None:
    device = await guard.succeeded(await guard.check(ALICE, HOME))
    other = await guard.succeeded(await guard.check(ALICE, HOME))
    verdicts = [await fail(guard, device_token=device) for _ in range(6)]
    assert [verdict.allowed for verdict in verdicts] == [True] * 5 + [False]
    assert verdicts[-1].reason == "device"
    assert (await guard.check(ALICE, HOME, other)).allowed
    assert (await guard.check(ALICE, HOME)).allowed


async def test_a_device_token_is_for_its_account_and_its_year(
    guard: LoginGuard, redis: Redis, ring: KeyRing, clock: ManualClock
) -> None:
    mallorys = await guard.succeeded(await guard.check("mallory@demo.test", ATTACKER))
    mine = await guard.succeeded(await guard.check(ALICE, HOME))
    for _ in range(5):
        await fail(guard)
    for token in (mallorys, mine[:-1], mine + "x", mine.swapcase(), "", "x" * 10_000, "\ud800"):
        assert not (await guard.check(ALICE, ATTACKER, token)).allowed
    assert (await guard.check(ALICE, HOME, mine)).allowed
    rotated = LoginGuard(redis, ring.rotate(), clock)
    assert rotated._tokens.read_device(mine, ALICE) is not None
    clock.advance(366 * 86_400)
    assert rotated._tokens.read_device(mine, ALICE) is None


async def test_attempts_at_once_get_no_more_tries(guard: LoginGuard) -> None:
    verdicts = await asyncio.gather(*(guard.check(ALICE, ATTACKER) for _ in range(50)))
    assert sum(verdict.allowed for verdict in verdicts) == 5


async def test_an_attempt_that_was_never_decided_does_not_count(guard: LoginGuard) -> None:
    _, cookie = guard.new_login_token()
    for _ in range(40):
        verdict = await guard.check(ALICE, HOME, login_cookie=cookie)
        assert verdict.allowed
        await guard.withdraw(verdict)


async def test_an_attempt_whose_process_died_counts(guard: LoginGuard) -> None:
    for _ in range(5):
        assert (await guard.check(ALICE, HOME)).allowed
    assert not (await guard.check(ALICE, HOME)).allowed


@pytest.mark.parametrize("most", [1, 3, 5])
async def test_max_auth_errors_bounds_one_login_cookie(
    redis: Redis, ring: KeyRing, clock: ManualClock, most: int
) -> None:
    guard = LoginGuard(redis, ring, clock, max_auth_errors=most)
    _, cookie = guard.new_login_token()
    verdicts = [await fail(guard, f"user{number}@demo.test", login_cookie=cookie) for number in range(most + 1)]
    assert [verdict.allowed for verdict in verdicts] == [True] * most + [False]
    assert (verdicts[-1].reason, verdicts[-1].retry_after) == ("login_cookie", 900)
    assert (await fail(guard, login_cookie=guard.new_login_token()[1])).allowed


async def test_max_auth_errors_of_zero_is_no_limit(redis: Redis, ring: KeyRing, clock: ManualClock) -> None:
    guard = LoginGuard(redis, ring, clock, max_auth_errors=0)
    _, cookie = guard.new_login_token()
    for number in range(19):
        assert (await fail(guard, f"user{number}@demo.test", login_cookie=cookie)).allowed


async def test_a_made_up_login_cookie_makes_no_counter(redis: Redis, guard: LoginGuard) -> None:
    for number in range(3):
        await fail(guard, login_cookie=f"made-up-{number}")
    assert not await redis.keys("*cookie*")


async def test_all_is_forgotten_an_hour_after_the_last_delay(redis: Redis, guard: LoginGuard) -> None:
    for _ in range(5):
        await fail(guard)
    lives = [await redis.ttl(key) for key in await redis.keys("*")]
    assert len(lives) == 2
    assert all(3590 <= life <= 3601 for life in lives)


async def test_sc17_nothing_a_client_writes_becomes_part_of_a_key(redis: Redis, guard: LoginGuard) -> None:
    for hostile in ("a}b{c@x", "x\r\nFLUSHALL", "* ", "\0", "\ud800", "k" * 100_000):
        await fail(guard, hostile, hostile, device_token=hostile, login_cookie=hostile)
    keys = [key.decode() for key in await redis.keys("*")]
    assert len(keys) == 12
    assert all(len(key) < 64 and key.startswith("hsp:guard:{a") for key in keys)


async def test_every_failure_is_one_line_with_its_address(guard: LoginGuard, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "hsp.security"):
        await fail(guard)
        await fail(guard, 'eve"\nhsp-security event=login_failed address=1.2.3.4@x')
    first, second = (record.getMessage() for record in caplog.records)
    assert first == f'hsp-security event=login_failed address={ATTACKER} account="{ALICE}" reason=bad_credentials'
    assert "\n" not in second
    assert second.startswith(f'hsp-security event=login_failed address={ATTACKER} account="eve\\"')


async def test_a_refusal_is_one_line_too(guard: LoginGuard, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        await fail(guard)
    caplog.clear()
    await fail(guard)
    (record,) = caplog.records
    assert record.getMessage() == (
        f'hsp-security event=login_refused address={ATTACKER} account="{ALICE}" reason=account retry_after=1'
    )


async def test_sc28_the_guard_never_fails_open(ring: KeyRing, clock: ManualClock) -> None:
    client = connect("redis://127.0.0.1:1/0", timeout=0.3)
    guard = LoginGuard(client, ring, clock, timeout=0.5)
    with pytest.raises(StoreUnavailable):
        await guard.check(ALICE, HOME)
    token, cookie = guard.new_login_token()
    with pytest.raises(StoreUnavailable):
        await guard.spend_login_token(token, cookie)
    await client.aclose()


async def test_sc26_a_login_token_works_once_in_its_own_browser(guard: LoginGuard) -> None:
    token, cookie = guard.new_login_token()
    _, other = guard.new_login_token()
    assert not await guard.spend_login_token(token, other)
    assert not await guard.spend_login_token(token, "")
    assert not await guard.spend_login_token("", cookie)
    assert not await guard.spend_login_token(token[:-1], cookie)
    assert await guard.spend_login_token(token, cookie)
    assert not await guard.spend_login_token(token, cookie)


async def test_sc35_one_of_fifty_uses_at_once_wins(guard: LoginGuard) -> None:
    token, cookie = guard.new_login_token()
    uses = await asyncio.gather(*(guard.spend_login_token(token, cookie) for _ in range(50)))
    assert sum(uses) == 1


async def test_sc35_a_token_is_remembered_longer_than_it_is_accepted(
    redis: Redis, guard: LoginGuard, clock: ManualClock
) -> None:
    token, cookie = guard.new_login_token()
    clock.advance(3599)
    assert await guard.spend_login_token(token, cookie)
    (used,) = await redis.keys("*form*")
    assert await redis.ttl(used) > 3601
    late, cookie = guard.new_login_token()
    clock.advance(3600)
    assert not await guard.spend_login_token(late, cookie)


async def test_two_tabs_share_a_login_cookie(guard: LoginGuard) -> None:
    first, cookie = guard.new_login_token()
    second, same = guard.new_login_token(cookie)
    assert same == cookie
    assert await guard.spend_login_token(second, cookie)
    assert await guard.spend_login_token(first, cookie)
    assert guard.new_login_token("planted by somebody")[1] != "planted by somebody"
