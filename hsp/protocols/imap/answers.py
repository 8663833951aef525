"""The answers of a server other than message data: status texts, folders, counts, number lists."""

import re
from typing import NamedTuple

from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.framing import Segments
from hsp.protocols.imap.model import FolderInfo, Namespaces, Quota, Status, Value
from hsp.protocols.imap.structure import number, raw, text
from hsp.protocols.imap.tokens import tokenize
from hsp.protocols.imap.utf7 import decode_name

MAX_NUMBERS = 10_000_000
_CODE = re.compile(rb"\[([^\s\]]+)(?: ([^\]]*))?\] ?")
_SPECIAL_USES = {"all", "archive", "drafts", "flagged", "junk", "sent", "trash", "important"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class StatusText(NamedTuple):
    """OK, NO, BAD, BYE or PREAUTH with response code and text (RFC 9051 section 7.1)."""

    status: str
    code: str
    argument: str
    text: str


def parse_status(line: bytes) -> StatusText:
    """Read a status response without its tag; the text is made safe to log and to show."""
    status, _, rest = line.partition(b" ")
    match = _CODE.match(rest)
    code, argument = (match[1], match[2] or b"") if match else (b"", b"")
    shown = rest[match.end() :] if match else rest
    return StatusText(
        status.decode("latin-1").upper(),
        code.decode("latin-1").upper(),
        argument.decode("latin-1"),
        _CONTROL.sub(" ", shown[:1000].decode("utf-8", "replace")),
    )


def _values(segments: Segments, least: int) -> list[Value]:
    values = tokenize(segments)
    if len(values) < least:
        raise ProtocolViolation("an answer with fields missing")
    return values


def _words(value: Value) -> list[str]:
    return [text(word) for word in value] if isinstance(value, list) else []


def parse_list(segments: Segments, *, utf8: bool = False) -> FolderInfo:
    """`* LIST (flags) delimiter name [extended]`."""
    values = _values(segments, 5)
    flags = frozenset(map(_canonical_attribute, _words(values[2])))
    uses = [flag[1:].lower() for flag in flags if flag[1:].lower() in _SPECIAL_USES]
    return FolderInfo(
        name=decode_mailbox(values[4], utf8=utf8),
        delimiter=text(values[3]) or None,
        flags=flags,
        special_use=min(uses, default=None),
    )


_ATTRIBUTES = {
    name.lower(): name
    for name in ("\\Noselect", "\\NonExistent", "\\Noinferiors", "\\HasChildren", "\\HasNoChildren", "\\Subscribed")
}


def _canonical_attribute(flag: str) -> str:
    return _ATTRIBUTES.get(flag.lower(), flag)


def decode_mailbox(value: Value, *, utf8: bool = False) -> str:
    """A folder name of an answer; INBOX in any case is INBOX (RFC 9051 section 5.1)."""
    encoded = value if isinstance(value, bytes) else text(value).encode("latin-1", "replace") if value else b"NIL"
    name = decode_name(encoded, utf8=utf8)
    return "INBOX" if name.upper() == "INBOX" else name


def parse_status_data(segments: Segments, *, utf8: bool = False) -> tuple[str, Status]:
    """`* STATUS name (item value ...)`."""
    values = _values(segments, 4)
    pairs = values[3] if isinstance(values[3], list) else []
    items = {text(pairs[i]).upper(): pairs[i + 1] for i in range(0, len(pairs) - 1, 2)}
    mailboxid = items.get("MAILBOXID")
    return decode_mailbox(values[2], utf8=utf8), Status(
        messages=number(items.get("MESSAGES")),
        unseen=number(items.get("UNSEEN")),
        uidnext=number(items.get("UIDNEXT")),
        uidvalidity=number(items.get("UIDVALIDITY")),
        highestmodseq=number(items.get("HIGHESTMODSEQ")),
        mailboxid=text(mailboxid[0]) if isinstance(mailboxid, list) and mailboxid else None,
        size=number(items.get("SIZE")),
    )


def parse_numbers(segments: Segments) -> list[int]:
    """`* SEARCH n n n` or `* SORT n n n`, with or without `(MODSEQ n)` behind."""
    body = segments[0].split(b"(", 1)[0]
    try:
        return list(map(int, body.split()[2:]))
    except ValueError as error:
        raise ProtocolViolation("a list of numbers that holds something else") from error


def parse_esearch(segments: Segments) -> tuple[str, list[int]]:
    """`* ESEARCH (TAG "x") UID ALL 1:5,7`: the tag and the numbers (RFC 4731)."""
    values = tokenize(segments)[2:]
    correlator = values[0] if values and isinstance(values[0], list) else []
    tag = text(correlator[1]) if len(correlator) > 1 else ""
    upper = [word.upper() if isinstance(word, str) else "" for word in values]
    position = upper.index("ALL") + 1 if "ALL" in upper else len(values)
    return tag, expand(parse_ranges(text(values[position]))) if position < len(values) else []


def parse_ranges(sequence_set: str) -> tuple[range, ...]:
    """A sequence set of an answer as ranges, in the server's order; "*" has no place in answers."""
    try:
        pairs = [part.partition(":") for part in sequence_set.split(",")] if sequence_set else []
        bounds = [(int(first), int(last or first)) for first, _, last in pairs]
    except ValueError as error:
        raise ProtocolViolation("a malformed sequence set") from error
    if any(not 0 <= value < 2**32 for bound in bounds for value in bound):
        raise ProtocolViolation("a sequence number out of range")
    return tuple([range(min(bound), max(bound) + 1) for bound in bounds])


def expand(ranges: tuple[range, ...]) -> list[int]:
    """All numbers of the ranges; a set that would fill the memory is a ProtocolViolation."""
    if sum(map(len, ranges)) > MAX_NUMBERS:
        raise ProtocolViolation(f"a sequence set of more than {MAX_NUMBERS} numbers")
    return [value for part in ranges for value in part]


def parse_quota(segments: Segments) -> Quota:
    """`* QUOTA root (STORAGE used limit ...)` (RFC 9208); storage comes in units of 1024 bytes."""
    values = _values(segments, 4)
    triples = values[3] if isinstance(values[3], list) else []
    found = {
        text(triples[i]).upper(): (number(triples[i + 1]), number(triples[i + 2]))
        for i in range(0, len(triples) - 2, 3)
    }
    storage, messages = found.get("STORAGE", (None, None)), found.get("MESSAGE", (None, None))
    used, limit = (None if value is None else value * 1024 for value in storage)
    return Quota(text(values[2]), used, limit, *messages)


def parse_id(segments: Segments) -> dict[str, str]:
    """`* ID (field value ...)` (RFC 2971)."""
    values = tokenize(segments)
    pairs = values[2] if len(values) > 2 and isinstance(values[2], list) else []
    return {text(pairs[i]).lower(): text(pairs[i + 1]) for i in range(0, len(pairs) - 1, 2)}


def parse_namespace(segments: Segments, *, utf8: bool = False) -> Namespaces:
    """`* NAMESPACE personal others shared` (RFC 2342)."""
    values = _values(segments, 5)

    def pairs(value: Value) -> tuple[tuple[str, str | None], ...]:
        entries = (
            [entry for entry in value if isinstance(entry, list) and len(entry) > 1] if isinstance(value, list) else []
        )
        return tuple((decode_name(raw(entry[0]), utf8=utf8), text(entry[1]) or None) for entry in entries)

    return Namespaces(pairs(values[2]), pairs(values[3]), pairs(values[4]))
