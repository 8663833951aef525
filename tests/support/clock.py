"""A clock that only tests move."""


class ManualClock:
    """Stands still until told otherwise."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now
        self.ticks = 1000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.ticks

    def advance(self, seconds: float) -> None:
        self.now += seconds
        self.ticks += seconds
