"""What an idle session costs: memory of the gateway and of Redis, per session of an account of its own."""

from __future__ import annotations

import gc

import httpx
import redis

from bench.results import Figure
from bench.visitor import Visitor
from bench.world import Served, World

KB = 1024


def measure(world: World) -> list[Figure]:
    """Log many accounts in, show each its list once, and see how memory grew over all but the first of them.

    The first tenth is not counted: it pays for code and buffers that all share. Connections to the IMAP server are
    still open when memory is read (they close some minutes later), so this is the dearest state of an idle session.
    """
    count = 60 if world.quick else 550
    first = count // 11
    accounts = [world.filled(f"user{number}@demo.test", 3) for number in range(1, count + 1)]
    with world.gateway("memory") as gateway, httpx.Client() as client:
        _enter(gateway, accounts[:first], client)
        before = _memory(world, gateway)
        _enter(gateway, accounts[first:], client)
        after = _memory(world, gateway)
        open_connections = gateway.process.connections_to(world.dovecot.imap_port)
    added = count - first
    details = {"sessions": added, "before": before, "after": after, "imap_connections_open": open_connections}
    own, store = ((after[part] - before[part]) / added / KB for part in ("gateway", "redis"))
    return [
        Figure("gateway memory per additional session", own, "KB", "at most", 64, own, own, details),
        Figure("Redis memory per additional session", store, "KB", "at most", 2, store, store, details),
    ]


def _enter(gateway: Served, accounts: list[str], client: httpx.Client) -> None:
    for account in accounts:
        answer = Visitor.login(gateway.port, account, client).get("/mail.hsp", client)
        if answer.status_code != 200:
            raise RuntimeError(f"list of {account}: {answer.status_code}")
    gc.collect()


def _memory(world: World, gateway: Served) -> dict[str, int]:
    with redis.Redis.from_url(world.redis.url) as store:
        used = int(store.info("memory")["used_memory"])
    return {"gateway": gateway.process.usage().rss, "redis": used}
