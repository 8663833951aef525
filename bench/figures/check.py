"""The private-zone check: a session is looked up and nothing else is done."""

from __future__ import annotations

import httpx

from bench.results import Figure, ratio
from bench.rounds import Side, interleaved
from bench.visitor import Visitor
from bench.world import READER, World

_FLOOR = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: hsp-bench\r\nAccept: */*\r\n\r\n"


def measure(world: World) -> list[Figure]:
    """Requests per second at 8 connections, gateway over floor."""
    with world.floor("check") as floor, world.gateway("check") as gateway, httpx.Client() as client:
        visitor = Visitor.login(gateway.port, READER, client)
        runs = interleaved(
            Side(floor, _FLOOR, 204),
            Side(gateway, visitor.request("/?action=keepalive"), 204),
            connections=8,
            seconds=1.5 if world.quick else 4,
            rounds=2 if world.quick else 7,
        )
    figure = ratio("private-zone check, request rate", "at least", 0.6, [(a.seen.rate, b.seen.rate) for a, b in runs])
    figure.details["cpu_ratio"] = sum(a.cpu for a, _ in runs) / sum(b.cpu for _, b in runs)
    figure.details["runs"] = [{"floor": a.as_json(), "gateway": b.as_json()} for a, b in runs]
    return [figure]
