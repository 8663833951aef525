"""One node with its ring and clock, on the shared Redis."""

import pytest
from redis.asyncio import Redis

from hsp.foundation.sealing import KeyRing
from hsp.sessions import Sessions
from tests.support.clock import ManualClock
from tests.support.sessions import make_sessions


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing.generate()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def sessions(redis: Redis, ring: KeyRing, clock: ManualClock) -> Sessions:
    return make_sessions(redis, ring=ring, clock=clock)


@pytest.fixture
def other_node(redis: Redis, ring: KeyRing, clock: ManualClock) -> Sessions:
    """A second process: the same store and ring, nothing else in common."""
    return make_sessions(redis, ring=ring, clock=clock)
