"""One seeded message: its octets, and where and how it lies in a mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """`raw` is the message with CRLF line ends; `flags` are IMAP flags; `arrived` is its internal date."""

    raw: bytes
    folder: str
    flags: tuple[str, ...]
    arrived: datetime
