"""The POST that met an ended session: kept for its author, for nobody else, once."""

import pytest
from redis.asyncio import Redis

from hsp.sessions import InterruptedPost, Issued, Policy, Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import ALICE, BOB, log_in, make_sessions

pytestmark = pytest.mark.anyio

LETTER = InterruptedPost("compose", "application/x-www-form-urlencoded", b"subject=Hello&text=" + b"long work " * 500)


async def run_out(redis: Redis) -> None:
    """The idle time passes: Redis drops every record."""
    await redis.delete(*await redis.keys("*:s:*"))


async def keep(sessions: Sessions, issued: Issued, post: InterruptedPost = LETTER) -> bool:
    return await sessions.keep_interrupted_post(
        issued.session_key, issued.cookie, page=post.page, content_type=post.content_type, body=post.body
    )


async def test_it_is_offered_after_the_same_account_logged_in_again(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    assert await keep(sessions, former)
    latter = await log_in(sessions, replaces=former.cookie)
    assert await sessions.offer_interrupted_post(latter.session) == LETTER
    assert await sessions.offer_interrupted_post(latter.session) == LETTER


async def test_it_is_taken_once(redis: Redis, sessions: Sessions, other_node: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    latter = await log_in(sessions, replaces=former.cookie)
    assert await other_node.take_interrupted_post(latter.session) == LETTER
    assert await sessions.take_interrupted_post(latter.session) is None
    assert await sessions.offer_interrupted_post(latter.session) is None
    assert await redis.keys("*:p") == []


async def test_another_account_is_not_offered_it(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    bobs = await log_in(sessions, BOB, replaces=former.cookie)
    assert await sessions.offer_interrupted_post(bobs.session) is None


@pytest.mark.parametrize("different", [{"surface": "webadmin"}, {"virtual_host": "other.example.com"}])
async def test_another_surface_or_host_is_not_offered_it(
    redis: Redis, sessions: Sessions, different: dict[str, str]
) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    latter = await log_in(sessions, replaces=former.cookie, **different)
    assert await sessions.offer_interrupted_post(latter.session) is None


async def test_the_same_account_in_another_browser_is_not_offered_it(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    forged = f"{former.session.pair.id}.{'A' * 43}"
    for cookie in (None, forged):
        latter = await log_in(sessions, replaces=cookie)
        assert await sessions.offer_interrupted_post(latter.session) is None


async def test_after_a_logout_or_a_kill_nothing_is_kept(sessions: Sessions) -> None:
    out, killed = await log_in(sessions), await log_in(sessions)
    await sessions.end(out.session)
    await sessions.end_by_uuid(ALICE, killed.session.uuid)
    assert not await keep(sessions, out)
    assert not await keep(sessions, killed)


async def test_a_kill_takes_what_was_kept_before(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    assert await keep(sessions, former)
    await sessions.end_all(ALICE)
    latter = await log_in(sessions, replaces=former.cookie)
    assert await sessions.offer_interrupted_post(latter.session) is None
    assert await redis.keys("*:p") == []


async def test_a_live_session_keeps_nothing_as_interrupted(sessions: Sessions) -> None:
    assert not await keep(sessions, await log_in(sessions))


async def test_only_the_last_true_pair_keeps_anything(redis: Redis, sessions: Sessions) -> None:
    first = await log_in(sessions)
    rotated = await sessions.rotate(first.session)
    assert rotated is not None
    await run_out(redis)
    assert not await keep(sessions, first)
    assert not await sessions.keep_interrupted_post(
        first.session_key, f"{first.session.pair.id}.{'A' * 43}", page="p", content_type="t", body=b""
    )
    assert not await sessions.keep_interrupted_post(None, first.cookie, page="p", content_type="t", body=b"")
    assert not await sessions.keep_interrupted_post(first.session_key, None, page="p", content_type="t", body=b"")
    assert await keep(sessions, rotated)


async def test_at_most_one_megabyte_and_one_per_session(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    assert not await keep(sessions, former, InterruptedPost("compose", "t", b"x" * (2**20 + 1)))
    assert await keep(sessions, former, InterruptedPost("compose", "t", b"x" * 2**20))
    assert await keep(sessions, former)
    assert len(await redis.keys("*:p")) == 1
    latter = await log_in(sessions, replaces=former.cookie)
    assert await sessions.offer_interrupted_post(latter.session) == LETTER


async def test_it_is_kept_for_a_day_and_its_session_with_it(redis: Redis, clock: ManualClock) -> None:
    sessions = make_sessions(redis, clock=clock, policy=Policy(idle=60, absolute=60, tombstone=10))
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    (post,) = await redis.keys("*:p")
    (head,) = await redis.keys("*:h")
    assert 86_000 < await redis.ttl(post) <= 86_400
    assert await redis.ttl(head) >= await redis.ttl(post)


async def test_se01_it_is_sealed_by_the_twin(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    (post,) = await redis.keys("*:p")
    assert b"long work" not in await redis.get(post)
    await redis.set(post, b"\x01" * 500)
    latter = await log_in(sessions, replaces=former.cookie)
    assert await sessions.offer_interrupted_post(latter.session) is None


async def test_a_rotation_takes_it_along(redis: Redis, sessions: Sessions) -> None:
    former = await log_in(sessions)
    await run_out(redis)
    await keep(sessions, former)
    latter = await log_in(sessions, replaces=former.cookie)
    rotated = await sessions.rotate(latter.session)
    assert rotated is not None
    assert await sessions.offer_interrupted_post(rotated.session) == LETTER
    assert await sessions.offer_interrupted_post(latter.session) is None


async def test_a_post_without_its_session_key_can_be_held_by_the_live_session(sessions: Sessions) -> None:
    issued = await log_in(sessions)
    held = {"page": LETTER.page, "content_type": LETTER.content_type}
    assert not await sessions.hold_post(issued.session, body=b"x" * (2**20 + 1), **held)
    assert await sessions.hold_post(issued.session, body=LETTER.body, **held)
    assert await sessions.take_interrupted_post(issued.session) == LETTER
    await sessions.end(issued.session)
    assert not await sessions.hold_post(issued.session, body=LETTER.body, **held)
