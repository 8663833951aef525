"""What every session store must do. A new store joins by one line in STORES; the suite asks nothing else about it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import TypeAlias

import pytest

from hsp.foundation.redis import connect
from hsp.sessions import Ending, RedisSessionStore, SessionStore
from hsp.sessions.store import KeptPost, Listed, Notice

pytestmark = pytest.mark.anyio

PATIENCE = 20
UUID = "0123456789abcdef0123456789abcdef"
OTHER = "fedcba9876543210fedcba9876543210"
NAME = "A" * 22
NEXT = "B" * 22
INDEX = "00112233445566778899aabbccddeeff"
ORIGIN = "feedfeedfeedfeed"
# Sealed bytes may be any bytes.
RECORD, CARD = b"\x00record\xff\r\n{}", b"\x00card\xff\r\n"

Lifetime: TypeAlias = AbstractAsyncContextManager[SessionStore]


@asynccontextmanager
async def redis_store(request: pytest.FixtureRequest) -> AsyncIterator[SessionStore]:
    client = connect(request.getfixturevalue("redis_url"))
    await client.flushdb()
    yield RedisSessionStore(client, namespace="contract:")
    await client.aclose()


STORES: dict[str, Callable[[pytest.FixtureRequest], Lifetime]] = {"redis": redis_store}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[SessionStore]:
    async with STORES[request.param](request) as made:
        yield made


async def create(store: SessionStore, uuid: str = UUID, *, idle: int = 900, keep: int = 9000) -> None:
    assert await store.create(uuid, NAME, RECORD, CARD, idle=idle, keep=keep)


async def end(store: SessionStore, uuid: str = UUID, ending: Ending = Ending.KILL) -> bytes | None:
    return await store.end(uuid, ending, keep=9000, origin=ORIGIN)


async def test_a_record_is_read_under_its_name_only(store: SessionStore) -> None:
    await create(store)
    for renew in (0, 900):
        assert await store.read(UUID, NAME, renew=renew) == RECORD
        assert await store.read(UUID, NEXT, renew=renew) is None
        assert await store.read(OTHER, NAME, renew=renew) is None


async def test_reading_renews_when_told(store: SessionStore) -> None:
    await create(store, idle=100)
    await store.read(UUID, NAME, renew=0)
    listed = await store.look(UUID)
    assert listed is not None
    assert listed.remaining is not None
    assert 90 < listed.remaining <= 100
    await store.read(UUID, NAME, renew=500)
    listed = await store.look(UUID)
    assert listed is not None
    assert listed.remaining is not None
    assert 490 < listed.remaining <= 500


async def test_no_limit_is_no_limit(store: SessionStore) -> None:
    await create(store, idle=0, keep=0)
    assert await store.look(UUID) == Listed(UUID, CARD, None)


async def test_creating_again_changes_nothing_and_says_so(store: SessionStore) -> None:
    await create(store)
    assert await store.create(UUID, NEXT, b"other", CARD, idle=900, keep=9000) is False
    # A repeated command whose first answer got lost is the same creation.
    assert await store.create(UUID, NAME, RECORD, CARD, idle=900, keep=9000) is True
    assert await store.read(UUID, NAME, renew=0) == RECORD
    assert await store.read(UUID, NEXT, renew=0) is None


async def test_a_uuid_that_was_ended_first_is_never_created(store: SessionStore) -> None:
    assert await end(store) is None
    assert await store.create(UUID, NAME, RECORD, CARD, idle=900, keep=9000) is False
    assert await store.read(UUID, NAME, renew=0) is None


async def test_replacing_moves_the_record(store: SessionStore) -> None:
    await create(store)
    assert await store.replace(UUID, NAME, NEXT, b"new", idle=900)
    assert await store.read(UUID, NAME, renew=900) is None
    assert await store.read(UUID, NEXT, renew=900) == b"new"
    assert await store.replace(UUID, NAME, NEXT, b"new", idle=900), "a repeated command says yes"
    assert not await store.replace(UUID, NAME, "C" * 22, b"late", idle=900)
    assert not await store.replace(OTHER, NAME, NEXT, b"new", idle=900)


async def test_an_ended_session_is_not_replaced(store: SessionStore) -> None:
    await create(store)
    assert await end(store) == CARD
    assert not await store.replace(UUID, NAME, NEXT, b"new", idle=900)
    assert await store.read(UUID, NEXT, renew=0) is None


async def test_a_session_that_ran_out_is_not_replaced(store: SessionStore) -> None:
    await create(store)
    await store.expire(UUID, NAME)
    assert not await store.replace(UUID, NAME, NEXT, b"new", idle=900)


@pytest.mark.parametrize("ending", Ending)
async def test_ending_is_final_and_told_once(store: SessionStore, ending: Ending) -> None:
    await create(store)
    await create(store, OTHER)
    assert await end(store, ending=ending) == CARD
    assert await end(store, ending=ending) is None
    assert await store.read(UUID, NAME, renew=900) is None
    assert await store.look(UUID) is None
    assert await store.read(OTHER, NAME, renew=900) == RECORD


async def test_ending_finds_the_record_under_its_latest_name(store: SessionStore) -> None:
    await create(store)
    await store.replace(UUID, NAME, NEXT, b"new", idle=900)
    assert await end(store) == CARD
    assert await store.read(UUID, NEXT, renew=0) is None


async def test_ending_a_session_that_ran_out_tells_nobody(store: SessionStore) -> None:
    await create(store)
    await store.expire(UUID, NAME)
    assert await end(store) is None


async def test_many_endings_at_once_are_one(store: SessionStore) -> None:
    await create(store)
    assert sorted(await asyncio.gather(*(end(store) for _ in range(10))), key=bool) == [None] * 9 + [CARD]


async def test_all_listeners_are_told(store: SessionStore) -> None:
    await create(store)
    async with asyncio.timeout(PATIENCE), aclosing(store.notices()) as one, aclosing(store.notices()) as two:
        assert await anext(one) is None
        assert await anext(two) is None
        await end(store)
        assert await anext(one) == await anext(two) == Notice(ORIGIN, UUID, CARD)


async def test_an_index_keeps_members_in_order(store: SessionStore) -> None:
    for number in range(3):
        assert await store.enlist(INDEX, f"webmail:{number}", now=100 - number, limit=0, keep=900)
    assert await store.members(INDEX) == [("webmail:2", 98), ("webmail:1", 99), ("webmail:0", 100)]
    await store.delist(INDEX, "webmail:1", "webmail:9")
    await store.delist(INDEX)
    assert [member for member, _ in await store.members(INDEX)] == ["webmail:2", "webmail:0"]
    assert await store.members(INDEX[::-1]) == []


async def test_an_index_holds_so_many_of_a_surface(store: SessionStore) -> None:
    assert await store.enlist(INDEX, "webmail:1", now=1, limit=2, keep=0)
    assert await store.enlist(INDEX, "webmail:2", now=2, limit=2, keep=900)
    assert not await store.enlist(INDEX, "webmail:3", now=3, limit=2, keep=900)
    assert await store.enlist(INDEX, "webmail:2", now=3, limit=2, keep=900), "it has its place already"
    assert await store.enlist(INDEX, "api:3", now=3, limit=1, keep=900)
    assert await store.enlist(INDEX, "webmail:4", now=3, limit=2, keep=900, dead=["webmail:1"])


async def test_looking_shows_the_living(store: SessionStore) -> None:
    assert await store.look(UUID) is None
    await create(store)
    listed = await store.look(UUID)
    assert listed is not None
    assert (listed.uuid, listed.card) == (UUID, CARD)
    await store.replace(UUID, NAME, NEXT, b"new", idle=900)
    assert await store.look(UUID) is not None
    await store.expire(UUID, NEXT)
    assert await store.look(UUID) is None


async def test_forgetting_says_what_is_left(store: SessionStore) -> None:
    assert await store.forget(UUID, keep=60), "nothing was there"
    await create(store)
    assert not await store.forget(UUID, keep=60), "it lives"
    assert await store.read(UUID, NAME, renew=0) == RECORD
    await store.expire(UUID, NAME)
    assert not await store.forget(UUID, keep=60), "its POST may still come"
    await end(store)
    assert await store.forget(UUID, keep=60), "a tombstone is not listed"


async def test_a_grant_lives_with_its_session(store: SessionStore) -> None:
    grant = "G" * 22
    assert not await store.grant(UUID, NAME, grant, b"sealed", life=600, now=1000)
    await create(store)
    assert not await store.grant(UUID, NEXT, grant, b"sealed", life=600, now=1000), "by the current name only"
    assert await store.grant(UUID, NAME, grant, b"sealed\x00", life=600, now=1000)
    assert await store.redeem(UUID, grant) == b"sealed\x00"
    assert await store.redeem(UUID, "H" * 22) is None
    assert await store.redeem(OTHER, grant) is None
    await store.expire(UUID, NAME)
    assert await store.redeem(UUID, grant) is None


async def test_a_grant_dies_with_its_session(store: SessionStore) -> None:
    await create(store)
    await store.grant(UUID, NAME, "G" * 22, b"sealed", life=600, now=1000)
    await end(store)
    assert await store.redeem(UUID, "G" * 22) is None


async def test_a_post_is_kept_for_a_session_that_ran_out(store: SessionStore) -> None:
    await create(store)
    assert not await store.keep_post(UUID, NAME, b"post", life=60), "it lives"
    await store.expire(UUID, NAME)
    assert not await store.keep_post(UUID, NEXT, b"post", life=60), "not its last name"
    assert not await store.keep_post(OTHER, NAME, b"post", life=60)
    assert await store.keep_post(UUID, NAME, b"first", life=60)
    assert await store.keep_post(UUID, NAME, b"post", life=60)
    assert await store.post(UUID, take=False) == KeptPost(b"post", CARD)
    assert await store.post(UUID, take=True) == KeptPost(b"post", CARD)
    assert await store.post(UUID, take=True) is None


@pytest.mark.parametrize("ending", [Ending.KILL, Ending.LOGOUT])
async def test_no_post_is_kept_after_an_ending(store: SessionStore, ending: Ending) -> None:
    await create(store)
    assert await store.put_post(UUID, NAME, b"post", life=60)
    await end(store, ending=ending)
    assert await store.post(UUID, take=False) is None
    assert not await store.keep_post(UUID, NAME, b"post", life=60)
    assert not await store.put_post(UUID, NAME, b"post", life=60)


async def test_a_post_is_taken_once_by_many(store: SessionStore) -> None:
    await create(store)
    await store.put_post(UUID, NAME, b"post", life=60)
    taken = await asyncio.gather(*(store.post(UUID, take=True) for _ in range(10)))
    assert [post for post in taken if post] == [KeptPost(b"post", CARD)]


async def test_errors_are_counted_per_session(store: SessionStore) -> None:
    assert [await store.count_error(UUID, life=60) for _ in range(3)] == [1, 2, 3]
    assert await store.count_error(OTHER, life=60) == 1
