"""Reads that share a trip: each has its own answer, its own failure and its own cancellation (class SC-20)."""

import asyncio
import random

import pytest
from redis.asyncio import Redis

from hsp.foundation.redis import StoreUnavailable, connect
from hsp.sessions.joined_reads import JoinedReads

pytestmark = pytest.mark.anyio


async def test_sc20_everyone_gets_the_answer_to_his_own_question(redis: Redis) -> None:
    await redis.mset({f"key{number}": f"value{number}" for number in range(50)})
    reads, chance = JoinedReads(redis, 10), random.Random(1)
    for _ in range(40):
        numbers = [chance.randrange(60) for _ in range(chance.randrange(1, 30))]
        tasks = [asyncio.create_task(reads.read(f"key{n}", renew=chance.choice((0, 900)))) for n in numbers]
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        for task in tasks:
            if chance.random() < 0.4:
                task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        for number, answer in zip(numbers, answers, strict=True):
            expected = f"value{number}".encode() if number < 50 else None
            assert answer == expected or isinstance(answer, asyncio.CancelledError)


async def test_one_question_that_fails_fails_alone(redis: Redis) -> None:
    await redis.set("good", b"1")
    await redis.lpush("bad", "x")
    reads = JoinedReads(redis, 10)
    good, bad, none = await asyncio.gather(
        reads.read("good", renew=5), reads.read("bad", renew=5), reads.read("none", renew=0), return_exceptions=True
    )
    assert (good, none) == (b"1", None)
    assert isinstance(bad, StoreUnavailable)
    assert 0 < await redis.ttl("good") <= 5


async def test_nobody_waits_for_a_store_that_is_away() -> None:
    client = connect("redis://127.0.0.1:1/0", timeout=0.3)
    reads = JoinedReads(client, 0.5)
    answers = await asyncio.gather(*(reads.read(f"key{n}", renew=0) for n in range(20)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {StoreUnavailable}
    await client.aclose()
