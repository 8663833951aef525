"""Counters of attempts with a growing delay, in Redis.

Promise: an attempt is counted before it is made, in the same step that asks whether it may be made. Any number of
attempts at once therefore get no more tries than one after the other. Fails closed: StoreUnavailable.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import cast

from redis.asyncio import Redis

from hsp.foundation.clock import Clock
from hsp.foundation.redis import within

_ATTEMPT = """
local now, free, first, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local known = redis.call('HMGET', KEYS[1], 'count', 'until')
local count, blocked = tonumber(known[1] or '0'), tonumber(known[2] or '0')
if now < blocked then return blocked - now end
count = count + 1
local delay = 0
if count >= free then delay = math.min(longest, first * 2 ^ math.min(count - free, 30)) end
redis.call('HSET', KEYS[1], 'count', count, 'until', string.format('%.0f', now + delay))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', delay + tonumber(ARGV[5])))
return 0
"""

_REFUND = """
local count = tonumber(redis.call('HGET', KEYS[1], 'count') or '0')
if count <= 1 then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'count', count - 1, 'until', 0)
return 1
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """How attempts are slowed: `free` tries, then `first` seconds, doubled with each further one up to `longest`.

    `memory` seconds after the last delay all is forgotten.
    """

    free: int
    first: float = 1.0
    longest: float = 900.0
    memory: float = 3600.0


class Counters:
    """One counter per key. Keys are made of MACs by the caller: nothing a client wrote is part of them."""

    def __init__(self, client: Redis, clock: Clock, *, namespace: str, timeout: float) -> None:
        self._clock = clock
        self._client = client
        self._namespace = namespace
        self._timeout = timeout
        self._attempt = client.register_script(_ATTEMPT)
        self._refund = client.register_script(_REFUND)

    async def attempt(self, key: str, rule: Rule) -> float:
        """Counts one attempt and returns 0, or counts nothing and returns the seconds to wait."""
        arguments = [_ms(self._clock.time()), rule.free, _ms(rule.first), _ms(rule.longest), _ms(rule.memory)]
        left = await within(self._timeout, self._attempt([self._key(key)], arguments))
        return cast("int", left) / 1000

    async def refund(self, keys: Sequence[str]) -> None:
        """Takes one attempt back from each key: it was not made, or it was right."""
        for key in keys:
            await within(self._timeout, self._refund([self._key(key)]))

    async def clear(self, key: str) -> None:
        """Forgets all attempts of one key."""
        await within(self._timeout, self._client.delete(self._key(key)))

    async def once(self, key: str, seconds: int) -> bool:
        """True for the first caller with that key within `seconds`, False for every other one."""
        first = self._client.set(self._key(key), b"", nx=True, ex=seconds)
        return bool(await within(self._timeout, cast("Awaitable[object]", first)))

    def _key(self, key: str) -> str:
        return f"{self._namespace}guard:{{{key}}}"


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
