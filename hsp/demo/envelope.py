"""How the embedded IMAP server writes a message's ENVELOPE and BODYSTRUCTURE (RFC 3501 section 7.4.2).

Header text goes out as it was written: a broken date, raw octets or an unclosed quote are the client's to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from hsp.demo.mime import Part, Value, structured

_QUOTABLE = re.compile(r"[\x20-\x7e]*\Z")
_GROUP = re.compile(r'\s*([^:<>"@,]*):(.*);\s*\Z', re.DOTALL)
_ADDRESS = re.compile(
    r"""(?P<name>(?:"(?:[^"\\]|\\.)*"|\([^)]*\)?|[^,(<])*)   # everything before the angle bracket
        (?:<(?P<angle>[^>]*)>?)?[^,]*(?:,|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"\(([^)]*)\)?")
_LONGEST_QUOTED = 1000


def nstring(text: str | None) -> bytes:
    """An IMAP nstring (RFC 3501 section 9); what a quoted string may not hold travels as a literal, NUL as 0x80."""
    if text is None:
        return b"NIL"
    if len(text) <= _LONGEST_QUOTED and _QUOTABLE.match(text):
        return b'"' + re.sub(r'(["\\])', r"\\\1", text).encode("ascii") + b'"'
    octets = text.encode("latin-1", "replace").replace(b"\0", b"\x80")
    return b"{%d}\r\n%b" % (len(octets), octets)


def parenthesized(items: Iterable[bytes]) -> bytes:
    """An IMAP list of items that are written already."""
    return b"(" + b" ".join(items) + b")"


def addresses(values: list[str]) -> list[tuple[str | None, str | None, str | None]]:
    """(name, mailbox, host) of each address; a group is opened and closed by entries without a host."""
    found: list[tuple[str | None, str | None, str | None]] = []
    for value in values:
        group = _GROUP.match(value)
        if group:
            inside = addresses([group.group(2)])
            found += [(None, group.group(1).strip(), None), *inside, (None, None, None)]
        else:
            found += [address for match in _ADDRESS.finditer(value) if (address := _address(match))]
    return found


def _address(match: re.Match[str]) -> tuple[str | None, str | None, str | None] | None:
    name, spec = match["name"].strip(), match["angle"]
    if spec is None:
        comments = _COMMENT.findall(name)
        spec, name = _COMMENT.sub("", name).strip(), " ".join(comments)
    if not (spec or name):
        return None
    if name.startswith('"'):
        name = re.sub(r"\\(.)", r"\1", name[1:].removesuffix('"'))
    mailbox, at, host = spec.strip().rpartition("@")
    return (name or None, mailbox if at else host, host if at else "")


def envelope(part: Part) -> bytes:
    """The ENVELOPE of a message (RFC 9051, section 7.5.2)."""
    sender = part.all("from")
    return parenthesized(
        [
            nstring(part.first("date")),
            nstring(part.first("subject")),
            _address_list(sender),
            _address_list(part.all("sender") or sender),
            _address_list(part.all("reply-to") or sender),
            _address_list(part.all("to")),
            _address_list(part.all("cc")),
            _address_list(part.all("bcc")),
            nstring(part.first("in-reply-to")),
            nstring(part.first("message-id")),
        ]
    )


def _address_list(values: list[str]) -> bytes:
    listed = [
        parenthesized([nstring(name), b"NIL", nstring(mailbox), nstring(host)])
        for name, mailbox, host in addresses(values)
    ]
    return b"(" + b"".join(listed) + b")" if listed else b"NIL"


def body_structure(part: Part, *, extended: bool) -> bytes:
    """BODYSTRUCTURE, or BODY when not `extended`."""
    if part.parts:
        inner = b"".join(body_structure(child, extended=extended) for child in part.parts)
        items = [inner, nstring(part.subtype)]
        return parenthesized([*items, _parameters(part.content_type), *_tail(part)] if extended else items)
    items = [
        nstring(part.type),
        nstring(part.subtype),
        _parameters(part.content_type) if part.type != "multipart" else b"NIL",
        nstring(part.first("content-id")),
        nstring(part.first("content-description")),
        nstring(part.encoding),
        b"%d" % len(part.body),
    ]
    if part.message:
        items += [envelope(part.message), body_structure(part.message, extended=extended)]
    if part.type == "text" or part.message:
        items.append(b"%d" % part.body.count(b"\n"))
    return parenthesized([*items, b"NIL", *_tail(part)] if extended else items)


def _parameters(value: Value) -> bytes:
    if not value.parameters:
        return b"NIL"
    return parenthesized(nstring(text) for pair in value.parameters for text in pair)


def _tail(part: Part) -> list[bytes]:
    """The extension data after the MD5: disposition, language, location."""
    written = part.first("content-disposition")
    disposition = structured(written) if written else None
    return [
        parenthesized([nstring(disposition.main), _parameters(disposition)]) if disposition else b"NIL",
        nstring(part.first("content-language")),
        nstring(part.first("content-location")),
    ]
