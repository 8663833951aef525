"""Floor and gateway in turn, with the processor time each took per request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench import load
from bench.world import Served


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two that are compared: where it listens and what it is asked."""

    served: Served
    request: str
    status: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the load generator against one side. `cpu` is milliseconds of that process per request."""

    seen: load.Seen
    cpu: float
    rss: int

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {**asdict(self.seen), "cpu_ms_per_request": self.cpu, "rss_bytes": self.rss}


def measure(side: Side, *, connections: int, seconds: float) -> Run:
    """One run."""
    before = side.served.process.usage()
    warm_up = min(1.0, seconds / 4)
    order = load.Order(side.served.port, side.request, connections, seconds, warm_up, side.status)
    seen = load.run(order)
    after = side.served.process.usage()
    return Run(seen, 1000 * (after.cpu - before.cpu) / seen.total, after.rss)


def interleaved(floor: Side, gateway: Side, *, connections: int, seconds: float, rounds: int) -> list[tuple[Run, Run]]:
    """Floor, gateway, floor, gateway: what slows the machine down meets both."""
    return [
        (
            measure(floor, connections=connections, seconds=seconds),
            measure(gateway, connections=connections, seconds=seconds),
        )
        for _ in range(rounds)
    ]
