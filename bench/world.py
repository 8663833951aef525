"""Redis, Dovecot, one or two gateways and the floors, for the length of one run."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.mailbox import fill
from bench.processes import Process, free_port, python
from tests.support.dovecot import PASSWORD, DovecotServer
from tests.support.redis_server import RedisServer

READER = "alice@demo.test"
_SERVE = "import sys; sys.argv[0] = 'hsp'; from hsp.cli import main; sys.exit(main())"
_CONFIGURATION = """
[server]
primaryDomain = "demo.test"
serverName = "demo.test"
dataDir = "{folder}"
keyRingFile = "{ring}"
[server.redis]
url = "{redis}"
namespace = "{namespace}"
[[webmail.listeners]]
address = "127.0.0.1:{port}"
maxConnections = 2000
[[domains]]
name = "demo.test"
imap = "imap"
smtp = "smtp"
[upstreams.imap]
kind = "imap"
host = "127.0.0.1"
port = {imap}
security = "none"
[upstreams.smtp]
kind = "smtp"
host = "127.0.0.1"
port = 9
security = "none"
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A process that answers HTTP on a port of the loopback."""

    process: Process
    port: int


@dataclass
class World:
    """What the figures measure. Gateways and floors are started by the figure that needs them."""

    folder: Path
    redis: RedisServer
    dovecot: DovecotServer
    quick: bool
    _filled: dict[str, int] = field(default_factory=dict)

    def filled(self, account: str, count: int) -> str:
        """The account, with that many messages in its inbox. Call it before the account's first login."""
        if self._filled.get(account) != count:
            fill(self.dovecot.root / "mail" / account.partition("@")[0] / "Maildir", count)
            self._filled[account] = count
        return account

    def logins(self) -> int:
        """How many times somebody has logged in at the IMAP server."""
        return self.dovecot.log.count("imap-login: Info: Login: ") + self.dovecot.log.count("imap-login: Login: ")

    def configuration(self, name: str, port: int, *, imap_port: int | None = None, namespace: str = "bench") -> Path:
        """The configuration file of a gateway, as an operator would have written it. All share one key ring."""
        folder = self.folder / name
        folder.mkdir()
        path = folder / "hsp.toml"
        path.write_text(
            _CONFIGURATION.format(
                folder=folder,
                ring=self.folder / "keys.jsonl",
                redis=self.redis.url,
                namespace=namespace,
                port=port,
                imap=imap_port or self.dovecot.imap_port,
            )
        )
        return path

    @contextlib.contextmanager
    def gateway(self, name: str) -> Iterator[Served]:
        """`hsp serve`, as it is installed: one worker with access log and all limits on."""
        port = free_port()
        configuration = self.configuration(name, port)
        with python(name, self.folder, ["-c", _SERVE, "serve", "--config", str(configuration)]) as process:
            process.wait_ready()
            yield Served(process, port)

    @contextlib.contextmanager
    def floor(self, kind: str, **order: object) -> Iterator[Served]:
        """One of the floors (see floors.py)."""
        port = free_port()
        told = json.dumps({"kind": kind, "port": port, "redis": self.redis.url, **order})
        with python(f"floor-{kind}", self.folder, ["-m", "bench.floors", told]) as process:
            process.wait_ready()
            yield Served(process, port)


@contextlib.contextmanager
def world(*, quick: bool) -> Iterator[World]:
    """Real servers in a temporary folder, gone afterwards. Raises RuntimeError when one of them does not start."""
    with contextlib.ExitStack() as stack:
        # Not below a deep folder: Dovecot's sockets need a short path.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hsp-bench-")))
        mail = folder / "dovecot"
        mail.mkdir()
        folder.chmod(0o755)
        redis = RedisServer(folder)
        stack.callback(redis.kill)
        redis.start()
        dovecot = DovecotServer(mail)
        stack.callback(dovecot.stop)
        dovecot.start()
        yield World(folder, redis, dovecot, quick)


__all__ = ["PASSWORD", "READER", "Served", "World", "world"]
