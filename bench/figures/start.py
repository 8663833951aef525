"""How long `hsp demo` takes to be ready, once everything is installed and in the file cache."""

from __future__ import annotations

import time

from bench.processes import python
from bench.results import Figure
from bench.world import World


def measure(world: World) -> list[Figure]:
    """Seconds until its `ready` line; the first start of each run is not counted."""
    seconds = []
    for number in range(2 if world.quick else 4):
        began = time.perf_counter()
        with python(f"demo{number}", world.folder, ["-m", "hsp.demo", "--port", "0"]) as demo:
            demo.wait_ready()
            seconds.append(time.perf_counter() - began)
    counted = sorted(seconds[1:])
    value = counted[len(counted) // 2]
    details = {"seconds": seconds}
    return [Figure("second start of the demonstration", value, "s", "at most", 3.0, counted[0], counted[-1], details)]
