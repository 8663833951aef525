"""A large mailbox, written as Maildir files before its server looks: thousands of messages in a second or two."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

_PEOPLE = (
    "Nora Lindqvist",
    "Jürgen Weiß",
    "Amélie Fournier",
    "Rafael Ortega",
    "Chloé Martin",
    "Sam O'Connor",
    "田中 海",
)
_TOPICS = (
    "Budget for the spring",
    "Notes from Tuesday",
    "Réunion de jeudi",
    "Invoice",
    "Photos",
    "Train tickets",
    "Re: 計画",
)
_FIRST = datetime(2025, 1, 6, 8, 0, tzinfo=UTC)
_CRLF = "\r\n"


def fill(maildir: Path, count: int) -> None:
    """Write `count` messages of several kinds into `maildir`, owned like the folder it lies in."""
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        raw = _message(number)
        flags = ("", "S", "S", "RS", "FS")[number % 5]
        name = f"{int((_FIRST + number * timedelta(minutes=7)).timestamp())}.M{number}.bench,S={len(raw)}:2,{flags}"
        path = maildir / "cur" / name
        path.write_bytes(raw)
    if os.getuid() == 0:
        _own(maildir.parent)


def _own(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        shutil.chown(path, "nobody", "nogroup")


def _message(number: int) -> bytes:
    name, topic = _PEOPLE[number % len(_PEOPLE)], _TOPICS[number % len(_TOPICS)]
    sent = format_datetime(_FIRST + number * timedelta(minutes=7))
    head = [
        f"Date: {sent}",
        f"From: {_word(name)} <person{number % 97}@example.org>",
        "To: Alice <alice@demo.test>",
        f"Subject: {_word(topic)} {number}",
        f"Message-ID: <{number}.bench@example.org>",
        "MIME-Version: 1.0",
    ]
    text = f"Message {number}.{_CRLF}{_CRLF}" + f"The quick brown fox jumps over the lazy dog.{_CRLF}" * (
        number % 9 + 1
    )
    return _CRLF.join((*head, *_body(number, text))).encode()


def _word(text: str) -> str:
    """As RFC 2047 wants it where it is not ASCII."""
    from email.header import Header

    return text if text.isascii() else Header(text, "utf-8").encode()


def _body(number: int, text: str) -> tuple[str, ...]:
    plain = ("Content-Type: text/plain; charset=utf-8", "", text)
    if number % 3 == 0:
        return plain
    html = ("Content-Type: text/html; charset=utf-8", "", f"<p>{text}</p>")
    parts = (plain, html) if number % 3 == 1 else (plain, _ATTACHMENT)
    kind = "alternative" if number % 3 == 1 else "mixed"
    lines = [f'Content-Type: multipart/{kind}; boundary="b"', ""]
    for part in parts:
        lines += ["--b", *part]
    return (*lines, "--b--", "")


_ATTACHMENT = (
    'Content-Type: application/pdf; name="report.pdf"',
    'Content-Disposition: attachment; filename="report.pdf"',
    "Content-Transfer-Encoding: base64",
    "",
    "JVBERi0xLjQKJSVFT0YK",
)
