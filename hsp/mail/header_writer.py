"""Header fields as bytes: encoded, folded, and unable to contain another header.

Promise: whatever text is given, one call writes exactly one field. Line breaks and control characters become spaces;
lines stay within 78 characters where white space allows and within 998 always (RFC 5322 section 2.1.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.header import Header

from hsp.mail.addresses import Mailbox

__all__ = ["address_field", "clean_text", "message_ids", "text_field", "token_field"]

_LINE = 78
_LONG_TOKEN = 60
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_FOLD = "\r\n "


def clean_text(text: str) -> str:
    """One line without control characters or lone surrogates; runs of white space become one space."""
    printable = "".join(c if c.isprintable() else " " for c in text.encode("utf-8", "replace").decode())
    return " ".join(printable.split())


def text_field(name: str, text: str) -> bytes:
    """An unstructured field such as Subject."""
    value = clean_text(text)
    if _needs_words(value):
        return _line(name, _words(value, len(name) + 2))
    return _line(name, _fold(value.split(" "), " ", len(name) + 2))


def address_field(name: str, mailboxes: Iterable[Mailbox]) -> bytes:
    """An address list; addresses outside ASCII stay UTF-8 (RFC 6532), which needs SMTPUTF8."""
    parts = [_mailbox(mailbox) for mailbox in mailboxes]
    return _line(name, _fold(parts, ", ", len(name) + 2))


def token_field(name: str, tokens: Sequence[str]) -> bytes:
    """Tokens such as message ids, which are never encoded and never broken."""
    return _line(name, _fold(list(tokens), " ", len(name) + 2))


def message_ids(text: str) -> list[str]:
    """The well-formed message ids in `text`, in order, each once."""
    return list(dict.fromkeys(_MESSAGE_ID.findall(text)))


def _line(name: str, value: str) -> bytes:
    return f"{name}: {value}\r\n".encode()


def _mailbox(mailbox: Mailbox) -> str:
    name = clean_text(mailbox.name)
    if not name:
        return mailbox.address
    if _needs_words(name):
        return f"{_words(name, 1)} <{mailbox.address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{mailbox.address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{mailbox.address}>'


def _needs_words(text: str) -> bool:
    return not text.isascii() or "=?" in text or any(len(token) > _LONG_TOKEN for token in text.split(" "))


def _words(text: str, column: int) -> str:
    """RFC 2047 encoded words, at most 75 characters each, never splitting a character."""
    header = Header(charset="utf-8", maxlinelen=_LINE - 2, header_name="X" * max(column - 2, 0))
    header.append(text, charset="utf-8")
    return header.encode(linesep="\r\n")


def _fold(parts: Sequence[str], separator: str, column: int) -> str:
    lines: list[str] = []
    current = ""
    for index, part in enumerate(parts):
        piece = part + (separator.rstrip() if index < len(parts) - 1 else "")
        room = _LINE - (column if not lines else 1)
        if current and len(current) + 1 + len(piece) > room:
            lines.append(current)
            current = piece
        else:
            current = f"{current} {piece}" if current else piece
    lines.append(current)
    return _FOLD.join(lines)
