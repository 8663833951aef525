"""Starts the embedded servers, restarts the one that dies, and ends them all.

Promise: no child outlives this process. `stop` ends them all; should this process die without it, each child ends by
itself (see `hsp.demo.leash`). A listening socket belongs to this process and is lent to the child, so its port stays
the same across restarts and a connection made meanwhile waits instead of being refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import hsp

Log = Callable[[str], None]
_FIRST_DELAY = 0.2
_LONGEST_DELAY = 5.0
_STEADY_SECONDS = 10.0
_GRACE_SECONDS = 4.0


def listen(port: int = 0) -> socket.socket:
    """A listening socket on loopback; 0 takes any free port. Raises OSError when the port is taken."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


@dataclass
class Child:
    """One supervised server: `python -m module PID extra...`, with the descriptors in `lent` inherited."""

    name: str
    module: str
    arguments: Sequence[str] = ()
    lent: Sequence[socket.socket] = ()
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def command(self) -> list[str]:
        descriptors = [str(lent.fileno()) for lent in self.lent]
        return [sys.executable, "-P", "-m", self.module, str(os.getpid()), *descriptors, *self.arguments]


def _environment() -> dict[str, str]:
    """The children find this same package, installed or not."""
    environment = dict(os.environ)
    home = str(Path(hsp.__file__).resolve().parent.parent)
    if home not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [home, environment.get("PYTHONPATH")]))
    return environment


class Supervisor:
    """Runs children until it is stopped."""

    def __init__(self, children: Sequence[Child], log: Log) -> None:
        self.children = children
        self._log = log
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Starts all children at once and returns; wait for each one's `ready`."""
        self._tasks = [asyncio.create_task(self._keep(child), name=child.name) for child in self.children]

    async def wait_ready(self) -> None:
        """Returns when every child has said that it is ready."""
        for child in self.children:
            await child.ready.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        delay = _FIRST_DELAY
        while True:
            began = loop.time()
            status = await self._run(child)
            child.ready.clear()
            if loop.time() - began > _STEADY_SECONDS:
                delay = _FIRST_DELAY
            self._log(f"{child.name} ended with status {status}; starting it again in {delay:.1f} s")
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_DELAY)

    async def _run(self, child: Child) -> int:
        child.process = process = await asyncio.create_subprocess_exec(
            *child.command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[lent.fileno() for lent in child.lent],
            env=_environment(),
            start_new_session=True,
        )
        try:
            await self._watch_output(child, process)
            return await process.wait()
        finally:
            await _end(process)

    @staticmethod
    async def _watch_output(child: Child, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while line := await process.stdout.readline():
            if b"ready" in line.lower():
                child.ready.set()


async def _end(process: asyncio.subprocess.Process) -> None:
    """TERM, then KILL for what does not listen; returns when the process is gone."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _GRACE_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.stdin is not None:
        process.stdin.close()
