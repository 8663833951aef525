"""The mail list: the warm first page of a mailbox of 10,000 messages, and the logins behind two hundred pages."""

from __future__ import annotations

import httpx

from bench.processes import free_port
from bench.results import Figure, ratio
from bench.rounds import Run, Side, interleaved
from bench.visitor import Visitor
from bench.world import PASSWORD, READER, World

PATH = "/mail.hsp"
CONNECTIONS = 8
_FLOOR = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: hsp-bench\r\nAccept: */*\r\n\r\n"


def measure(world: World) -> list[Figure]:
    """Latency at one connection and throughput at eight, gateway against floor."""
    account = world.filled(READER, 1_000 if world.quick else 10_000)
    relay = free_port()
    configuration = world.configuration("floor", free_port(), imap_port=relay, namespace="floor")
    order = {
        "configuration": str(configuration),
        "relay_port": relay,
        "imap_port": world.dovecot.imap_port,
        "account": account,
        "password": PASSWORD,
        "path": PATH,
        "connections": CONNECTIONS,
    }
    seconds, rounds = (1.5, 2) if world.quick else (4, 5)
    with world.gateway("list") as gateway, world.floor("list", **order) as floor, httpx.Client() as client:
        visitor = Visitor.login(gateway.port, account, client)
        sides = Side(floor, _FLOOR, 200), Side(gateway, visitor.request(PATH), 200)
        one = interleaved(*sides, connections=1, seconds=seconds, rounds=rounds)
        many = interleaved(*sides, connections=CONNECTIONS, seconds=seconds, rounds=rounds)
        logins = _logins_behind_pages(world, visitor, client)
    latency = ratio(
        "warm 50-row list page, latency", "at most", 2.0, [(a.seen.latency, b.seen.latency) for a, b in one]
    )
    rate = ratio(
        "warm 50-row list page, time at 8 connections",
        "at most",
        2.0,
        [(CONNECTIONS / a.seen.rate, CONNECTIONS / b.seen.rate) for a, b in many],
    )
    return [_explained(latency, one), _explained(rate, many), logins]


def _explained(figure: Figure, runs: list[tuple[Run, Run]]) -> Figure:
    figure.details["cpu_ratio"] = sum(b.cpu for _, b in runs) / sum(a.cpu for a, _ in runs)
    figure.details["runs"] = [{"floor": a.as_json(), "gateway": b.as_json()} for a, b in runs]
    return figure


def _logins_behind_pages(world: World, visitor: Visitor, client: httpx.Client) -> Figure:
    pages = 40 if world.quick else 200
    before = world.logins()
    if not before:
        raise RuntimeError("the IMAP server's log shows no login at all: it cannot be counted there")
    for number in range(pages):
        answer = visitor.get(f"{PATH}?page={number % 20 + 1}", client)
        if answer.status_code != 200:
            raise RuntimeError(f"page {number}: {answer.status_code}")
    found = world.logins() - before
    return Figure(f"IMAP logins for {pages} list pages", found, "", "at most", 0, found, found, {"pages": pages})
