"""The gateway part of the demonstration: settings for the embedded servers, and the webmail served on one socket."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path

import uvicorn

Send = Callable[[MutableMapping[str, object]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where the embedded servers listen: ports on 127.0.0.1 and the path of a Unix socket."""

    imap_port: int
    smtp_port: int
    redis_socket: Path


async def _placeholder(scope: MutableMapping[str, object], receive: object, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"The webmail is not built yet.\n"})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@contextlib.asynccontextmanager
async def serving(listening: socket.socket, upstreams: Upstreams, data_dir: Path) -> AsyncIterator[asyncio.Task[None]]:
    """Serves the webmail on `listening`; yields the server's task once it answers, and ends it afterwards."""
    server = _Server(uvicorn.Config(_placeholder, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    await asyncio.wait({task, asyncio.create_task(server.up.wait())}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield task
    finally:
        server.should_exit = True
        await task
