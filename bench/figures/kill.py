"""How long a killed session lives on: ended at one gateway, used at another one that shares only Redis and key ring."""

from __future__ import annotations

import re
import time
from statistics import median

import httpx

from bench.results import Figure
from bench.visitor import Visitor
from bench.world import READER, Served, World

_UUID = re.compile(r'name="uuid" value="([0-9a-f]{32})"')
_PATIENCE = 20.0


def measure(world: World) -> list[Figure]:
    """Seconds from the answer to the kill until the other gateway refuses, and until its IMAP connection is closed."""
    world.filled(READER, 1_000 if world.quick else 10_000)
    refused, closed = [], []
    with world.gateway("kill-a") as here, world.gateway("kill-b") as there, httpx.Client() as client:
        for _ in range(3 if world.quick else 10):
            times = _one(world, here, there, client)
            refused.append(times[0])
            closed.append(times[1])
    return [_figure("killed session refused elsewhere", refused), _figure("its IMAP connections closed there", closed)]


def _figure(name: str, seconds: list[float]) -> Figure:
    details = {"seconds": seconds, "median": median(seconds)}
    return Figure(name, max(seconds), "s", "at most", 1.0, min(seconds), max(seconds), details)


def _one(world: World, here: Served, there: Served, client: httpx.Client) -> tuple[float, float]:
    killer = Visitor.login(here.port, READER, client)
    victim = Visitor.login(here.port, READER, client).at(there.port)
    if victim.get("/mail.hsp", client).status_code != 200 or not there.process.connections_to(world.dovecot.imap_port):
        raise RuntimeError("the second gateway shows no page, or has no connection to the IMAP server")
    begin = time.perf_counter()
    answer = killer.post("/sessions.hsp", {"do": "others"}, client)
    if answer.status_code != 303:
        raise RuntimeError(f"ending the other sessions: {answer.status_code}")
    refused = closed = 0.0
    while not (refused and closed):
        if not refused and victim.get("/?action=keepalive", client).status_code != 204:
            refused = time.perf_counter() - begin
        if not closed and not there.process.connections_to(world.dovecot.imap_port):
            closed = time.perf_counter() - begin
        if time.perf_counter() - begin > _PATIENCE:
            raise RuntimeError(f"after {_PATIENCE:.0f} s: refused {refused or 'never'}, closed {closed or 'never'}")
    return refused, closed
