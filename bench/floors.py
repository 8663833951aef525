"""The floors: the least that any program must do for the same answer, as bare Starlette routes. A process of its own.

check: one Redis GET over the same client and pool class as the gateway's, and an empty answer.
list:  the bytes of the same IMAP commands sent at once over a kept connection and their answer read but not parsed,
       one Redis GET, and the same template rendered from objects that are ready. Commands, template and objects are
       taken from a gateway in this process: it shows one page twice, and what it did for the second is the floor.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from hsp.foundation.redis import connect

_KEY = "floor"
_RECORD = b"r" * 320
Endpoint = Callable[[Request], Awaitable[Response]]


async def check_endpoint(order: dict[str, Any]) -> Endpoint:
    """One GET."""
    redis = connect(order["redis"])
    await redis.set(_KEY, _RECORD)

    async def endpoint(_: Request) -> Response:
        await redis.get(_KEY)
        return Response(status_code=204)

    return endpoint


async def list_endpoint(order: dict[str, Any]) -> Endpoint:
    """IMAP answer, GET, template."""
    # Late: the floor of the check must not carry the gateway's modules along.
    from bench.watching import watch

    redis = connect(order["redis"])
    await redis.set(_KEY, _RECORD)
    shown = await watch(order)
    assert shown.template is not None
    template, context, commands = shown.template, shown.context, bytes(shown.commands)
    last = b"\r\n" + commands.splitlines()[-1].split()[0] + b" "
    idle: asyncio.LifoQueue[Raw] = asyncio.LifoQueue()
    for _ in range(order["connections"]):
        idle.put_nowait(await Raw.open(order["imap_port"], order["account"], order["password"]))

    async def endpoint(_: Request) -> Response:
        await redis.get(_KEY)
        connection = await idle.get()
        await connection.ask(commands, last)
        idle.put_nowait(connection)
        return HTMLResponse(template.render(context))

    return endpoint


class Raw(asyncio.Protocol):
    """An IMAP connection that sends bytes and waits for the end of their answer."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._tail = b""
        self._last = b"* OK "
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, port: int, account: str, password: str) -> Raw:
        """Logged in, with the inbox selected."""
        _, raw = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        await raw._done
        await raw.ask(f"l LOGIN {account} {password}\r\ns SELECT INBOX (CONDSTORE)\r\n".encode(), b"\r\ns ")
        return raw

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    async def ask(self, commands: bytes, last: bytes) -> None:
        """Send and wait until a whole line that begins with `last` has come."""
        self._done = asyncio.get_running_loop().create_future()
        self._last = last
        self._tail = b"\r\n"
        self._transport.write(commands)
        await self._done

    def data_received(self, data: bytes) -> None:
        self._tail = self._tail[-200:] + data
        if self._tail.endswith(b"\r\n") and self._last in self._tail and not self._done.done():
            self._done.set_result(None)


async def _serve(order: dict[str, Any]) -> None:
    endpoint = await {"check": check_endpoint, "list": list_endpoint}[order["kind"]](order)
    app = Starlette(routes=[Route("/", endpoint)])
    config = uvicorn.Config(
        app, port=order["port"], http="httptools", ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print("ready", flush=True)
    await serving


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(json.loads(sys.argv[1])))
