"""The machine's clock, and the one that tests move."""

import time

from hsp.foundation.clock import Clock, SystemClock
from tests.support.clock import ManualClock


def test_the_system_clock_reads_the_machine() -> None:
    before, clock = time.time(), SystemClock()
    assert before <= clock.time() <= time.time()
    assert clock.monotonic() <= clock.monotonic()


def test_a_manual_clock_moves_when_told() -> None:
    clock: Clock = (manual := ManualClock(now=50))
    assert clock.time() == clock.time() == 50
    started = clock.monotonic()
    manual.advance(2.5)
    assert (clock.time(), clock.monotonic() - started) == (52.5, 2.5)
