"""While a trip is under way, the next one gathers its questions; a store that is stuck holds nobody long."""

import asyncio

import pytest
from redis.asyncio import Redis

from hsp.foundation.redis import StoreUnavailable, connect
from hsp.sessions.joined_reads import JoinedReads
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.anyio


async def test_questions_asked_during_a_trip_share_the_next_one(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    await redis.mset({f"key{number}": str(number) for number in range(9)})
    reads = JoinedReads(redis, 10)
    sizes: list[int] = []
    ask, gate = reads._ask, asyncio.Event()

    async def slowly(questions):  # type: ignore[no-untyped-def]  # as the method it stands for
        sizes.append(len(questions))
        await gate.wait()
        return await ask(questions)

    monkeypatch.setattr(reads, "_ask", slowly)
    tasks = [asyncio.create_task(reads.read("key0", renew=0))]
    while not sizes:
        await asyncio.sleep(0)
    tasks += [asyncio.create_task(reads.read(f"key{number}", renew=9)) for number in range(1, 9)]
    for _ in range(10):
        await asyncio.sleep(0)
    assert sizes == [1]
    gate.set()
    assert await asyncio.gather(*tasks) == [str(number).encode() for number in range(9)]
    assert sizes == [1, 8]
    assert await reads.read("key0", renew=0) == b"0"


async def test_a_stuck_store_fails_those_who_wait_for_its_answer_and_then_serves_again(
    own_redis_server: RedisServer,
) -> None:
    client = connect(own_redis_server.url, timeout=5)
    await client.set("key", b"1")
    reads = JoinedReads(client, 0.3)
    own_redis_server.pause()
    try:
        first = asyncio.create_task(reads.read("key", renew=0))
        for _ in range(20):
            await asyncio.sleep(0)
        answers = await asyncio.gather(first, *(reads.read("key", renew=0) for _ in range(5)), return_exceptions=True)
        assert {type(answer) for answer in answers} == {StoreUnavailable}
    finally:
        own_redis_server.resume()
    assert await JoinedReads(client, 20).read("key", renew=0) == b"1"
    reads._timeout = 20
    assert await reads.read("key", renew=0) == b"1"
    await client.aclose()
