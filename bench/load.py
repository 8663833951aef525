"""The load generator: one request, sent again and again over kept connections. A process of its own.

It reads its order as JSON from standard input and writes what it saw as JSON to standard output. Written on bare
asyncio protocols, so that on a small machine it takes far less time than what it measures.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import cast

import uvloop

from bench.processes import ROOT, environment

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Order:
    """What to send where. The first `warm_up` of the `seconds` are not counted in rate and latency."""

    port: int
    request: str
    connections: int
    seconds: float
    warm_up: float
    status: int


@dataclass(frozen=True, slots=True)
class Seen:
    """`rate` in requests per second, latencies in milliseconds; `total` includes the warm-up."""

    rate: float
    latency: float
    latency_p95: float
    counted: int
    total: int
    body_bytes: int


class _Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is complete."""

    def __init__(self, load: _Load) -> None:
        self._load = load
        self._transport: asyncio.Transport
        self._data = b""
        self._missing = -1
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        if self._missing < 0:
            self._data += data
            end = self._data.find(b"\r\n\r\n")
            if end < 0:
                return
            self._missing = self._load.check(self._data[: end + 2]) - (len(self._data) - end - 4)
            self._data = b""
        else:
            self._missing -= len(data)
        if self._missing == 0:
            self._missing = -1
            if self._load.answered(self._sent):
                self._send()
            else:
                self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.closed(exc)


class _Load:
    def __init__(self, order: Order) -> None:
        self._order = order
        self.request = order.request.encode("latin-1")
        self._expected = f"HTTP/1.1 {order.status} ".encode()
        self._latencies: list[float] = []
        self._total = 0
        self._length = 0
        self._open = order.connections
        self._begin = time.perf_counter() + order.warm_up
        self._end = time.perf_counter() + order.seconds
        self._last = self._begin
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def check(self, head: bytes) -> int:
        """The body's length. Raises RuntimeError for an answer that was not ordered: it would be a wrong figure."""
        if not head.startswith(self._expected):
            raise RuntimeError(f"expected {self._order.status}, got {head[:200]!r}")
        found = _LENGTH.search(head)
        self._length = int(found[1]) if found else 0
        return self._length

    def answered(self, sent: float) -> bool:
        now = time.perf_counter()
        self._total += 1
        if sent >= self._begin:
            self._latencies.append(now - sent)
            self._last = now
        return now < self._end

    def closed(self, error: Exception | None) -> None:
        self._open -= 1
        if self._done.done():
            return
        if time.perf_counter() < self._end:
            self._done.set_exception(RuntimeError(f"the server closed a connection: {error}"))
        elif not self._open:
            self._done.set_result(None)

    async def run(self) -> Seen:
        loop = asyncio.get_running_loop()
        failed: list[object] = []
        loop.set_exception_handler(lambda _, context: failed.append(context.get("exception") or context))
        for _ in range(self._order.connections):
            await loop.create_connection(lambda: _Connection(self), "127.0.0.1", self._order.port)
        async with asyncio.timeout(self._order.seconds + 30):
            await self._done
        if failed:
            raise RuntimeError(f"the load ended early: {failed[0]}")
        found = [latency * 1000 for latency in self._latencies]
        return Seen(
            rate=len(found) / (self._last - self._begin),
            latency=median(found),
            latency_p95=quantiles(found, n=20)[-1],
            counted=len(found),
            total=self._total,
            body_bytes=self._length,
        )


def run(order: Order) -> Seen:
    """Give the order to a process of its own and wait for what it saw. Raises RuntimeError with its complaint."""
    finished = subprocess.run(
        [sys.executable, "-P", "-m", "bench.load"],
        input=json.dumps(asdict(order)),
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        check=False,
    )
    if finished.returncode:
        raise RuntimeError(f"load generator: {finished.stderr[-2000:]}")
    return Seen(**json.loads(finished.stdout))


async def _main(order: Order) -> Seen:
    return await _Load(order).run()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(_main(Order(**json.loads(sys.stdin.read())))))))
