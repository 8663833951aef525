"""Child processes, and what the kernel says of them."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ESTABLISHED = "01"


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU time of a process so far, user and system together, in seconds; memory in use (RSS) in bytes."""

    cpu: float
    rss: int


class Process:
    """A running child. Its standard output is read line by line, its standard error kept in a file."""

    def __init__(self, child: subprocess.Popen[str], name: str, errors: Path) -> None:
        self._child = child
        self.name = name
        self.pid = child.pid
        self._errors = errors
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._lines.put(line)
        self._lines.put("")

    def wait_ready(self, seconds: float = 60) -> str:
        """The first line it writes. Raises RuntimeError with what it complained of when none comes."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            line = ""
        if not line:
            raise RuntimeError(f"{self.name} did not start:\n{self._errors.read_text(errors='replace')[-4000:]}")
        return line.strip()

    def usage(self) -> Usage:
        """What it has used so far (proc(5): fields 14 and 15 of stat are ticks, field 2 of statm pages)."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        resident = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE
        return Usage((int(fields[11]) + int(fields[12])) / _TICKS, resident)

    def connections_to(self, port: int) -> int:
        """How many established TCP connections it has to a port of this machine."""
        inodes = set(_sockets(self.pid))
        rows = (line.split() for line in Path(f"/proc/{self.pid}/net/tcp").read_text().splitlines()[1:])
        return sum(
            row[9] in inodes and row[3] == _ESTABLISHED and int(row[2].rpartition(":")[2], 16) == port for row in rows
        )

    def stop(self) -> None:
        """End it in good order, or at once when it does not."""
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(15)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()


def _sockets(pid: int) -> Iterator[str]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # Closed meanwhile: then it is no connection of this process any more.
            target = str(entry.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours, with this checkout importable."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path, **(extra or {})}


@contextlib.contextmanager
def python(name: str, folder: Path, arguments: Sequence[str]) -> Iterator[Process]:
    """A Python child for the length of the block; `arguments` as after `python -P`."""
    errors = folder / f"{name}.log"
    with errors.open("w") as stream:
        child = subprocess.Popen(
            [sys.executable, "-P", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            env=environment(),
            cwd=ROOT,
        )
        process = Process(child, name, errors)
        try:
            yield process
        finally:
            process.stop()


def free_port() -> int:
    """A port of the loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
