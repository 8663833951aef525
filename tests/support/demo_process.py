"""The demonstration as a process of its own, and a look at the processes below it."""

import os
import re
import select
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, Request, build_opener

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60


class DemoProcess:
    """A running demonstration; `url` comes from its ready line."""

    def __init__(self, *arguments: str, cwd: Path, command: Sequence[str] = (), checkout: bool = True) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.process = subprocess.Popen(
            [*(command or (sys.executable, "-P", "-m", "hsp.demo")), *arguments],
            cwd=cwd,
            env={**environment, **({"PYTHONPATH": str(ROOT)} if checkout else {}), "TMPDIR": str(cwd)},
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


class Visitor:
    """Somebody at the demonstration's pages, with nothing but HTTP and cookies."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))
        self.key = ""

    def get(self, path: str) -> str:
        with self._opener.open(self.url + path, timeout=START_SECONDS) as answer:
            assert answer.status == 200
            return str(answer.read().decode())

    def log_in(self, username: str, password: str = "demo") -> str:
        """The page after the login; the session key is kept in `key`."""
        fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', self.get("/")))
        form = urlencode({**fields, "action": "login", "username": username, "password": password}).encode()
        with self._opener.open(Request(self.url + "/", form, {"Origin": self.url}), timeout=START_SECONDS) as answer:
            self.key = parse_qs(urlsplit(answer.url).query)["_h"][0]
            return str(answer.read().decode())


@contextmanager
def demo(*arguments: str, cwd: Path, command: Sequence[str] = (), checkout: bool = True) -> Iterator[DemoProcess]:
    process = DemoProcess(*arguments, cwd=cwd, command=command, checkout=checkout)
    try:
        yield process
    finally:
        process.close()
