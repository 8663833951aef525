"""Writes commands (RFC 9051 section 2.2.1).

Promise: no value can become protocol. Everything that is not an `Atom`, a number or a list of these is written as a
quoted string or a literal, chosen by its bytes; an Atom accepts no character that ends it. What has no safe form (NUL,
which even literals may not hold) is a ValueError before one byte is sent.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hsp.protocols.imap.utf7 import encode_name

MAX_QUOTED = 1000
MAX_DEPTH = 50
MAX_SET = 7000
"""Bytes of one sequence set: RFC 7162 section 4 asks clients for command lines below 8192."""

_ATOM = re.compile(r"[^\x00-\x20\x7f-\U0010ffff(){%\"]+")
_SET = re.compile(r"(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?(?:,(?:\d{1,10}|\*)(?::(?:\d{1,10}|\*))?)*")
_ITEM = re.compile(r"[A-Za-z0-9.\-]+(?:\[[A-Za-z0-9.\- ()_]*\])?(?:<\d+\.\d+>)?")
_FLAG = re.compile(r"\\?[^\x00-\x20\x7f-\U0010ffff(){%*\"\\\]]+")
_QUOTABLE = re.compile(rb"[\x20-\x7e]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAMED_MONTHS = re.findall("...", "JanFebMarAprMayJunJulAugSepOctNovDec")


class Atom(str):
    """Protocol text such as a search key or a sequence set, checked to hold nothing that could end it."""

    __slots__ = ()

    def __new__(cls, value: str) -> "Atom":
        if not _ATOM.fullmatch(value):
            raise ValueError("not an IMAP atom")
        return super().__new__(cls, value)


class FetchItem(str):
    """One fetch item, such as BODY.PEEK[HEADER.FIELDS (SUBJECT)]<0.100>."""

    __slots__ = ()

    def __new__(cls, value: str) -> "FetchItem":
        if not _ITEM.fullmatch(value):
            raise ValueError("not a fetch item")
        return super().__new__(cls, value)


@dataclass(frozen=True, slots=True)
class Literal8:
    """A literal that may hold NUL (RFC 3516, RFC 6855)."""

    data: bytes


class LiteralBytes(bytes):
    """Bytes that go as a literal however short they are: APPEND takes no quoted string."""

    __slots__ = ()


Argument = str | bytes | int | Literal8 | Sequence["Argument"]


def flag(name: str) -> Atom:
    """A flag or keyword. ValueError for what no flag may hold."""
    if not _FLAG.fullmatch(name):
        raise ValueError("not an IMAP flag")
    return Atom(name)


def mailbox(name: str, *, utf8: bool = False) -> bytes:
    """A folder name in wire form. ValueError for an empty name or control characters (RFC 9051 section 5.1)."""
    if not name or _CONTROL.search(name):
        raise ValueError("not a folder name")
    return encode_name(name, utf8=utf8)


def sequence_set(uids: Iterable[int] | str) -> list[Atom]:
    """The UIDs as one or more sequence sets, each short enough for one command line.

    Text such as "1:*" is checked and passed as it is. Numbers keep no order. ValueError for numbers out of range.
    """
    if isinstance(uids, str):
        if not _SET.fullmatch(uids):
            raise ValueError("not a sequence set")
        return [Atom(uids)]
    sets: list[Atom] = []
    parts: list[str] = []
    length = 0
    for first, last in _runs(uids):
        part = str(first) if first == last else f"{first}:{last}"
        if parts and length + len(part) + 1 > MAX_SET:
            sets.append(Atom(",".join(parts)))
            parts, length = [], 0
        parts.append(part)
        length += len(part) + 1
    if parts:
        sets.append(Atom(",".join(parts)))
    return sets


def _runs(uids: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for uid in sorted(set(uids)):
        if not 0 < uid < 2**32:
            raise ValueError("a UID is a number from 1 to 4294967295")
        if runs and runs[-1][1] == uid - 1:
            runs[-1] = (runs[-1][0], uid)
        else:
            runs.append((uid, uid))
    return runs


def date_time(moment: datetime) -> str:
    """The date-time of APPEND. ValueError without a zone."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("an arrival time needs a zone")
    minutes = int(offset.total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    month = _NAMED_MONTHS[moment.month - 1]
    clock = f"{moment:%H:%M:%S}"
    return f"{moment.day:2d}-{month}-{moment.year:04d} {clock} {sign}{minutes // 60:02d}{minutes % 60:02d}"


class CommandWriter:
    """Renders one command into the chunks to write; between two chunks the server must say "+" first.

    `non_sync` is the longest literal that needs no such leave: 0 without an extension, 4096 with LITERAL-, all with
    LITERAL+ (RFC 7888).
    """

    def __init__(self, *, non_sync: int) -> None:
        self._non_sync = non_sync
        self._chunks: list[bytes] = []
        self._current: list[bytes] = []

    def render(self, tag: str, arguments: Sequence[Argument]) -> list[bytes]:
        """A command as chunks to write: a chunk that ends in a synchronising literal waits for the server."""
        self._chunks, self._current = [], [tag.encode("ascii")]
        for argument in arguments:
            self._current.append(b" ")
            self._write(argument, 0)
        self._current.append(b"\r\n")
        self._chunks.append(b"".join(self._current))
        return self._chunks

    def _write(self, argument: Argument, depth: int) -> None:
        if isinstance(argument, Atom | FetchItem):
            self._current.append(argument.encode("ascii"))
        elif isinstance(argument, str):
            self._write_string(argument.encode("utf-8"))
        elif isinstance(argument, LiteralBytes):
            self._write_literal(argument, b"")
        elif isinstance(argument, bytes):
            self._write_string(argument)
        elif isinstance(argument, int):
            self._current.append(b"%d" % argument)
        elif isinstance(argument, Literal8):
            self._write_literal(argument.data, b"~")
        else:
            self._write_list(argument, depth + 1)

    def _write_list(self, arguments: Sequence[Argument], depth: int) -> None:
        if depth > MAX_DEPTH:
            raise ValueError(f"lists nested deeper than {MAX_DEPTH}")
        for i, argument in enumerate(arguments):
            self._current.append(b" " if i else b"(")
            self._write(argument, depth)
        self._current.append(b")" if arguments else b"()")

    def _write_string(self, data: bytes) -> None:
        if len(data) <= MAX_QUOTED and _QUOTABLE.fullmatch(data):
            self._current.append(b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')
        else:
            self._write_literal(data, b"")

    def _write_literal(self, data: bytes, prefix: bytes) -> None:
        if not prefix and b"\0" in data:
            raise ValueError("a string for IMAP must not hold NUL")
        if len(data) <= self._non_sync:
            self._current.append(b"%s{%d+}\r\n" % (prefix, len(data)))
        else:
            self._current.append(b"%s{%d}\r\n" % (prefix, len(data)))
            self._chunks.append(b"".join(self._current))
            self._current = []
        self._current.append(data)


def needs_charset(arguments: Sequence[Argument]) -> bool:
    """True when a search must name its charset because some value is not ASCII."""
    return any(
        needs_charset(argument)
        if isinstance(argument, list | tuple)
        else isinstance(argument, str) and not argument.isascii()
        for argument in arguments
    )
