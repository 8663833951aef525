"""Time, passed in: nothing reads the machine's clock by itself, so that tests move time instead of waiting for it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings of time. `time` may jump when the machine's clock is set; `monotonic` never goes back."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since an unspecified start, for measuring durations."""
        ...


class SystemClock:
    """The machine's own clock."""

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since an unspecified start."""
        return time.monotonic()
