"""What the embedded servers written in Python share: one listening socket, and an end together with the parent."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

from hsp.demo.leash import hold

type_of_start = Callable[[socket.socket], Awaitable[asyncio.Server]]


def serve_until_orphaned(arguments: list[str], start: type_of_start) -> int:
    """Runs `start` on the inherited socket until the parent asks (TERM) or is gone (end of standard input).

    `arguments` are the parent's process number and the descriptor of the listening socket.
    """
    parent, descriptor = (int(argument) for argument in arguments)
    hold(parent)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    asyncio.run(_serve(socket.socket(fileno=descriptor), start))
    # Connections in flight hold tasks; there is nothing to save, so nothing to wait for.
    os._exit(0)


async def _serve(listening: socket.socket, start: type_of_start) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_reader(sys.stdin.fileno(), ended.set)
    server = await start(listening)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await ended.wait()
    server.close()
