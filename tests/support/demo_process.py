"""The demonstration as a process of its own, and a look at the processes below it."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60


class DemoProcess:
    """A running demonstration; `url` comes from its ready line."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "hsp.demo", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(cwd)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.line = self._first_line()

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], START_SECONDS)[0]:
            self.process.kill()
        return self.process.stdout.readline()

    @property
    def url(self) -> str:
        return self.line.split()[1]

    def children(self) -> list[int]:
        """Every process below this one, the grandchildren too."""
        return below(self.process.pid)

    def close(self) -> str:
        """Ends it in any case; returns what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.communicate(timeout=START_SECONDS)[1]


def below(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*"):
        for child in (int(number) for number in (task / "children").read_text().split()):
            found += [child, *below(child)]
    return found


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@contextmanager
def watched(pids: list[int]) -> Iterator[list[int]]:
    """Handles that become readable when their process ends, whoever its parent is by then."""
    handles = [os.pidfd_open(pid) for pid in pids]
    try:
        yield handles
    finally:
        for handle in handles:
            os.close(handle)


def all_ended(handles: list[int], seconds: float = START_SECONDS) -> bool:
    waiting = list(handles)
    while waiting:
        ended = select.select(waiting, [], [], seconds)[0]
        if not ended:
            return False
        waiting = [handle for handle in waiting if handle not in ended]
    return True


@contextmanager
def demo(*arguments: str, cwd: Path) -> Iterator[DemoProcess]:
    process = DemoProcess(*arguments, cwd=cwd)
    try:
        yield process
    finally:
        process.close()
