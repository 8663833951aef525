"""The door to Redis: bounded waiting, a bounded pool, one kind of failure."""

import asyncio
import random

import pytest
from redis.exceptions import TimeoutError as RedisTimeoutError

from hsp.foundation.redis import StoreUnavailable, connect, within
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.anyio

PATIENCE = 30


async def test_a_pool_never_opens_more_connections_than_it_may(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, max_connections=3, timeout=PATIENCE)
    await asyncio.gather(*(client.set(f"key{number}", number) for number in range(200)))
    assert int((await client.info("clients"))["connected_clients"]) <= 3
    await client.aclose()


async def test_a_unix_socket_is_as_good_as_a_port(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.unix_url)
    assert await client.set("key", "value")
    assert await client.get("key") == b"value"
    await client.aclose()


async def test_whoever_waits_for_a_connection_is_served_in_time(redis_url: str) -> None:
    client = connect(redis_url, max_connections=1, timeout=PATIENCE)
    answers = await asyncio.gather(*(client.echo(str(number)) for number in range(50)))
    assert answers == [str(number).encode() for number in range(50)]
    await client.aclose()


async def test_a_cancelled_wait_takes_no_place(redis_url: str) -> None:
    client = connect(redis_url, max_connections=1, timeout=PATIENCE)
    for _ in range(20):
        waiting = [asyncio.create_task(client.ping()) for _ in range(5)]
        await asyncio.sleep(0)
        for task in waiting[1:]:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await client.ping()
    await client.aclose()


@pytest.mark.parametrize("connections", [1, 2])
async def test_sc20_commands_cancelled_anywhere_cross_no_answers_and_keep_the_pool_whole(
    redis_url: str, connections: int
) -> None:
    client, chance = connect(redis_url, max_connections=connections, timeout=PATIENCE), random.Random(connections)

    async def ask(text: str) -> None:
        for number in range(4):
            assert await client.echo(f"{text}-{number}") == f"{text}-{number}".encode()

    for _ in range(150):
        tasks = [asyncio.create_task(ask(f"caller {number}")) for number in range(5)]
        for _ in range(chance.randrange(14)):
            await asyncio.sleep(0)
        for task in tasks:
            if chance.random() < 0.6:
                task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert result is None or isinstance(result, asyncio.CancelledError), result
    await asyncio.gather(*(ask(f"last {number}") for number in range(5)))
    await client.aclose()


async def test_a_server_that_is_not_there_is_store_unavailable() -> None:
    client = connect("redis://127.0.0.1:1/0", timeout=0.5)
    with pytest.raises(StoreUnavailable):
        await within(5, client.get("key"))
    await client.aclose()


async def test_a_silent_server_is_a_timeout_also_without_a_bound_of_the_callers(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, timeout=0.2)
    await client.ping()
    own_redis_server.pause()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(RedisTimeoutError):
            await client.get("key")
    own_redis_server.resume()
    await client.aclose()


async def test_a_refusal_by_the_server_is_store_unavailable(redis_url: str) -> None:
    client = connect(redis_url)
    await client.lpush("list", "x")
    with pytest.raises(StoreUnavailable, match="ResponseError"):
        await within(5, client.get("list"))
    await client.aclose()


async def test_the_callers_own_errors_pass() -> None:
    async def defect() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        await within(5, defect())


async def test_a_restart_between_two_commands_is_not_seen(own_redis_server: RedisServer) -> None:
    client = connect(own_redis_server.url, max_connections=2)
    await client.ping()
    own_redis_server.restart()
    assert await client.ping()
    await client.aclose()
