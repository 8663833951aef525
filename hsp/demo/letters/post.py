from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from hsp.demo.letters.letter import Letter


def seed(account: str, now: datetime) -> Iterator[Letter]:
    """The messages `account` begins with, oldest first."""
    for folder in ("INBOX", "Drafts", "Sent", "Trash", "Junk", "Archive"):
        text = f"From: Bob <bob@demo.test>\r\nTo: {account}\r\nSubject: Hello in {folder}\r\n\r\nHello.\r\n"
        yield Letter(text.encode(), folder, (), now)
