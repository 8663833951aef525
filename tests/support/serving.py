"""Serves an application on a real socket for one test, and speaks raw bytes to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hsp.config import Listener, Settings, Webmail
from hsp.services import GatewayServer, HttpLimits, bind

DEADLINE = 20.0


def settings_with(*, listeners: Sequence[Listener] = (Listener(address="127.0.0.1:0"),), **webmail: object) -> Settings:
    """Settings whose WEBMAIL context has the given values."""
    return Settings(webmail=Webmail.model_validate({"listeners": tuple(listeners), **webmail}))


@dataclass
class Echo:
    """An application that notes every request and answers with its body's length."""

    seen: list[Scope] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(scope)
        body = b""
        while True:
            message: Message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        self.bodies.append(body)
        answer = b"%d bytes\n" % len(body)
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, settings: Settings, **limits: float) -> AsyncIterator[GatewayServer]:
    """The server, accepting connections; `server.urls` tells where. `limits` go below what a configuration may say."""

    def limits_of(webmail: Webmail, listener: Listener) -> HttpLimits:
        return replace(HttpLimits.of(webmail, listener), **limits)  # type: ignore[arg-type] # all that tests change are numbers

    bound = [bind(listener) for listener in settings.webmail.listeners]
    ready = asyncio.Event()
    server = GatewayServer(app, bound, settings, on_ready=lambda _: ready.set(), limits_of=limits_of)
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(DEADLINE):
            await ready.wait()
        yield server
    finally:
        server.should_exit = True
        async with asyncio.timeout(DEADLINE):
            await task
        for entry in bound:
            entry.close()


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A plain connection to a listener, TCP or Unix."""
    if url.startswith("unix:"):
        return await asyncio.open_unix_connection(url.removeprefix("unix:"))
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


async def talk(url: str, *sent: bytes, half_close: bool = False) -> bytes:
    """Send raw bytes and return everything that comes back until the server closes."""
    reader, writer = await connect(url)
    try:
        for part in sent:
            writer.write(part)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        if half_close:
            writer.write_eof()
        async with asyncio.timeout(DEADLINE):
            return await reader.read(-1)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def statuses(answer: bytes) -> list[int]:
    """The status codes of the responses in a raw answer, in order."""
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
