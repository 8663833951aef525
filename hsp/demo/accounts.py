"""Who lives in the demonstration, and where its servers listen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOMAIN: Final = "demo.test"
PASSWORD: Final = "demo"  # noqa: S105  # the whole point of the demonstration is that everybody knows it
ALICE: Final = f"alice@{DOMAIN}"
BOB: Final = f"bob@{DOMAIN}"
ACCOUNTS: Final = (ALICE, BOB)


@dataclass(frozen=True, slots=True)
class Upstreams:
    """Where the embedded servers listen: ports on 127.0.0.1 and the path of a Unix socket."""

    imap_port: int
    smtp_port: int
    redis_socket: Path
