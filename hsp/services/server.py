"""One process that serves one application on all its listeners until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from socket import socket

import uvicorn
from starlette.types import ASGIApp

from hsp.config import Listener, Settings, Webmail
from hsp.services.forwarded import ClientAddress
from hsp.services.limits import HttpLimits
from hsp.services.listeners import BoundListener, bind
from hsp.services.protocol import Door, GuardedProtocol

OnReady = Callable[[tuple[str, ...]], None]
LimitsOf = Callable[[Webmail, Listener], HttpLimits]


class GatewayServer(uvicorn.Server):
    """uvicorn with our protocol, several listeners, and an end that is a clean exit."""

    def __init__(
        self,
        app: ASGIApp,
        bound: Sequence[BoundListener],
        settings: Settings,
        *,
        on_ready: OnReady | None = None,
        limits_of: LimitsOf = HttpLimits.of,
    ) -> None:
        server = settings.server
        super().__init__(_config(ClientAddress(app, server.trusted_proxies, server.forwarded_header), settings))
        self._bound = bound
        self._settings = settings
        self._on_ready = on_ready
        self._limits_of = limits_of

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the listeners can be reached."""
        return tuple(bound.url for bound in self._bound)

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Start accepting; whatever the application needs was set up by who called us."""
        # What is here now stays: the garbage collector need not walk through it again for every page's leavings.
        gc.collect()
        gc.freeze()
        self.servers = [await self._open(bound) for bound in self._bound]
        self.started = True
        if self._on_ready:
            self._on_ready(self.urls)

    async def _open(self, bound: BoundListener) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        door = Door(bound.listener.address, self._limits_of(self._settings.webmail, bound.listener))
        factory = partial(GuardedProtocol, self.config, self.server_state, self.lifespan.state, door=door)
        handshake = door.limits.head_seconds if bound.tls else None
        create = loop.create_unix_server if bound.listener.unix_path else loop.create_server
        return await create(factory, sock=bound.socket, ssl=bound.tls, ssl_handshake_timeout=handshake)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """TERM and INT end the server in good order; a second one ends it at once."""
        loop = asyncio.get_running_loop()
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.stop)
        except (RuntimeError, ValueError):
            # Not the main thread: who started us there stops us as well.
            yield
            return
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Ask the server to end; asked twice, it no longer waits for running requests."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """uvicorn's own access log stays off: it would write `_h` out of every address."""
    return uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=[("server", "HSP")] if settings.webmail.http_server_header_enable else [],
        timeout_graceful_shutdown=settings.server.shutdown_timeout,
    )


async def serve(
    app: ASGIApp, listeners: Sequence[Listener], settings: Settings, *, on_ready: OnReady | None = None
) -> None:
    """Serve until TERM or INT. `on_ready` hears the addresses once connections are accepted.

    Raises ListenerError when an enabled listener cannot be opened; then none is.
    """
    with contextlib.ExitStack() as opened:
        bound = [opened.enter_context(contextlib.closing(bind(listener))) for listener in listeners if listener.enable]
        await GatewayServer(app, bound, settings, on_ready=on_ready).serve()
