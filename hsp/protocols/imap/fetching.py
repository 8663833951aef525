"""FETCH answers (RFC 9051 section 7.5.2) as values, and the merging of several answers about one message."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.framing import Segments
from hsp.protocols.imap.model import BodyPart, Envelope, Fetched, Value
from hsp.protocols.imap.structure import number, parse_envelope, parse_structure, raw, text
from hsp.protocols.imap.tokens import tokenize

_DATE = re.compile(r" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
_MONTHS = {name: i for i, name in enumerate(re.findall("...", "janfebmaraprmayjunjulaugsepoctnovdec"), 1)}
_SYSTEM_FLAGS = {
    flag.lower(): flag
    for flag in (
        "\\Seen",
        "\\Answered",
        "\\Flagged",
        "\\Deleted",
        "\\Draft",
        "\\Recent",
        "$Forwarded",
        "$MDNSent",
        "$Junk",
    )
}
_SECTION = re.compile(r"(BODY|BINARY|BINARY\.SIZE)\[([^\]]*)\](?:<(\d+)>)?", re.IGNORECASE | re.DOTALL)
_WHOLE = {"RFC822": "", "RFC822.HEADER": "HEADER", "RFC822.TEXT": "TEXT"}


@lru_cache(maxsize=64)
def _zone(sign: str, hours: str, minutes: str) -> timezone:
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if sign == "-" else offset) if offset else UTC


def parse_date(value: Value) -> datetime | None:
    """An INTERNALDATE with its zone; None for what is no date."""
    match = _DATE.match(text(value))
    if match is None:
        return None
    day, month, year, hour, minute, second, *zone = match.groups()
    try:
        return datetime(
            int(year), _MONTHS[month.lower()], int(day), int(hour), int(minute), int(second), tzinfo=_zone(*zone)
        )
    except (KeyError, ValueError):
        return None  # Fails open: a message without an arrival time is still a message.


def parse_flags(value: Value) -> frozenset[str]:
    """Flags with system flags in their usual spelling; keywords stay as they are."""
    if not isinstance(value, list):
        return frozenset()
    return frozenset([_SYSTEM_FLAGS.get(flag.lower(), flag) for flag in map(text, value)])


def _structure_or_none(value: Value) -> BodyPart | None:
    try:
        return parse_structure(value)
    except ValueError:
        return None  # Fails open: the caller reads the raw message instead.


def section_key(item: str) -> str | None:
    """The key in `Fetched.sections` of a fetch item, None when the item is no section: one rule for both directions."""
    whole = _WHOLE.get(item.upper())
    if whole is not None:
        return whole
    match = _SECTION.fullmatch(item)
    if match is None or match[1].upper() == "BINARY.SIZE":
        return None
    origin = f"<{match[3]}>" if match[3] is not None else ""
    prefix = "BINARY " if match[1].upper() == "BINARY" else ""
    return f"{prefix}{match[2].upper().replace(chr(34), '')}{origin}"


class _Builder:
    """Collects what one or several answers say about one message."""

    __slots__ = (
        "envelope",
        "extra",
        "flags",
        "internal_date",
        "items",
        "modseq",
        "sections",
        "seq",
        "size",
        "structure",
        "uid",
    )

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self.uid = self.size = self.modseq = 0
        self.flags: frozenset[str] = frozenset()
        self.internal_date: datetime | None = None
        self.envelope: Envelope | None = None
        self.structure: BodyPart | None = None
        self.sections: dict[str, bytes] = {}
        self.extra: dict[str, Value] = {}
        self.items: set[str] = set()

    def take(self, values: list[Value]) -> None:
        for i in range(0, len(values) - 1, 2):
            name, value = values[i], values[i + 1]
            if not isinstance(name, str):
                raise ProtocolViolation("a FETCH answer whose item has no name")
            setter = _SETTERS.get(name) or _SETTERS.get(name.upper())
            if setter is not None:
                setter(self, value)
                self.items.add(name.upper())
            else:
                self._take_section(name, value)

    def _take_section(self, name: str, value: Value) -> None:
        key = section_key(name)
        if key is not None:
            self.sections[key] = raw(value)
            self.items.add("BODY[" + key)
        else:
            self.extra[name.upper()] = value
            self.items.add(name.upper())

    def build(self) -> Fetched:
        return Fetched(
            self.seq,
            self.uid,
            self.flags,
            self.internal_date,
            self.size,
            self.modseq,
            self.envelope,
            self.structure,
            self.sections,
            self.extra,
            frozenset(self.items),
        )


def _set_modseq(builder: _Builder, value: Value) -> None:
    builder.modseq = number(value[0] if isinstance(value, list) and value else value) or 0


_SETTERS: dict[str, Callable[[_Builder, Value], None]] = {
    "UID": lambda builder, value: setattr(builder, "uid", number(value) or 0),
    "FLAGS": lambda builder, value: setattr(builder, "flags", parse_flags(value)),
    "INTERNALDATE": lambda builder, value: setattr(builder, "internal_date", parse_date(value)),
    "RFC822.SIZE": lambda builder, value: setattr(builder, "size", number(value) or 0),
    "MODSEQ": _set_modseq,
    "ENVELOPE": lambda builder, value: setattr(builder, "envelope", parse_envelope(value)),
    "BODYSTRUCTURE": lambda builder, value: setattr(builder, "structure", _structure_or_none(value)),
    "BODY": lambda builder, value: setattr(builder, "structure", _structure_or_none(value)),
}


def parse_fetch(segments: Segments) -> Fetched:
    """One `* n FETCH (...)` answer."""
    values = tokenize(segments)
    seq = number(values[1]) if len(values) > 3 else None
    items = values[3] if seq is not None else None
    if not isinstance(items, list) or seq is None:
        raise ProtocolViolation("a FETCH answer without its list")
    builder = _Builder(seq)
    builder.take(items)
    return builder.build()


def merge(first: Fetched, second: Fetched) -> Fetched:
    """Two answers about one message: servers may split what they tell (RFC 9051 section 7.5.2), the later one wins."""
    told = second.items
    return Fetched(
        second.seq,
        second.uid or first.uid,
        second.flags if "FLAGS" in told else first.flags,
        second.internal_date or first.internal_date,
        second.size if "RFC822.SIZE" in told else first.size,
        max(first.modseq, second.modseq),
        second.envelope or first.envelope,
        second.structure or first.structure,
        {**first.sections, **second.sections},
        {**first.extra, **second.extra},
        first.items | told,
    )
