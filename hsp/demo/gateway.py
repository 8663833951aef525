"""The gateway part of the demonstration: settings for the embedded servers, and the webmail served on one socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

from hsp.app import build
from hsp.config import Domain, Listener, Settings, Upstream
from hsp.config.server import Log, Redis, Server
from hsp.config.webmail import Webmail
from hsp.demo.accounts import DOMAIN, Upstreams
from hsp.foundation.logs import configure
from hsp.foundation.sql import migrate
from hsp.services import BoundListener, GatewayServer


def settings_for(upstreams: Upstreams, address: str, data_dir: Path) -> Settings:
    """What an operator would have written for these servers; `address` is where the webmail listens."""
    return Settings(
        server=Server(
            primary_domain=DOMAIN,
            server_name=DOMAIN,
            data_dir=data_dir,
            public_urls=(f"http://{address}",),
            redis=Redis(url=f"unix://{upstreams.redis_socket}"),
            log=Log(level="warning"),
            shutdown_timeout=1,
        ),
        webmail=Webmail(listeners=(Listener(address=address),)),
        domains=(Domain(name=DOMAIN, imap="imap", smtp="smtp"),),
        upstreams={
            "imap": Upstream(kind="imap", host="127.0.0.1", port=upstreams.imap_port, security="none"),
            "smtp": Upstream(kind="smtp", host="127.0.0.1", port=upstreams.smtp_port, security="none"),
        },
    )


async def serve(
    door: socket.socket, upstreams: Upstreams, data_dir: Path, ready: asyncio.Task[None], announce: Callable[[], None]
) -> None:
    """Serves the webmail on `door` until TERM or INT; `announce` is called once it answers and `ready` is done."""
    host, port = door.getsockname()
    settings = settings_for(upstreams, f"{host}:{port}", data_dir)
    configure(settings.server.log.level)
    # SQLite and Alembic block; the children fill their mailboxes meanwhile.
    await asyncio.to_thread(migrate, settings.server.database.url)
    await ready
    async with build(settings) as gateway:
        listener = BoundListener(settings.webmail.listeners[0], door, None)
        await GatewayServer(gateway.asgi, [listener], settings, on_ready=lambda _: announce()).serve()
