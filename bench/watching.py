"""Watches a gateway show one page: what it says to the IMAP server and what it gives to its template."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from jinja2 import Template

from hsp.app import build
from hsp.config import load_settings
from hsp.foundation.sql import migrate
from hsp.zones import PageRequest

_AGENT = {"user-agent": "hsp-bench"}


@dataclass
class Shown:
    """What the gateway did for its last page."""

    commands: bytearray = field(default_factory=bytearray)
    template: Template | None = None
    context: dict[str, Any] = field(default_factory=dict)


async def watch(order: dict[str, Any]) -> Shown:
    """Show one page twice by a gateway behind a relay, and keep what it took the second time."""
    shown = Shown()
    relay = await asyncio.start_server(_relay(order["imap_port"], shown), "127.0.0.1", order["relay_port"])
    settings = load_settings(Path(order["configuration"]))
    await asyncio.to_thread(migrate, settings.server.database.url)
    render = PageRequest.render_text

    def keep(request: PageRequest, template: str, context: Mapping[str, Any]) -> str:
        shown.template = request.service.templates_for(request.virtual_host).get(template)
        shown.context = {**request._globals(), **context}
        return render(request, template, context)

    async with build(settings) as gateway:
        transport = httpx.ASGITransport(app=gateway.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=_AGENT) as client:
            form = {"action": "login", "username": order["account"], "password": order["password"]}
            answer = await client.post("/", data=form, headers={"accept": "application/json"})
            key = answer.json()["sessionKey"]
            PageRequest.render_text = keep  # type: ignore[assignment,method-assign]  # to see what the page is made of
            for _ in range(3):
                shown.commands.clear()
                page = await client.get(order["path"], params={"_h": key})
                assert page.status_code == 200, page.text[:500]
            PageRequest.render_text = render  # type: ignore[method-assign]
    relay.close()
    return shown


def _relay(port: int, shown: Shown) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)

        async def down() -> None:
            while data := await server_reader.read(65536):
                writer.write(data)
            writer.close()

        task = asyncio.create_task(down())
        while data := await reader.read(65536):
            shown.commands.extend(data)
            server_writer.write(data)
        server_writer.close()
        await task

    return relay
