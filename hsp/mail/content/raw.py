"""The structure of a message read from its bytes: for servers whose BODYSTRUCTURE is nonsense.

Sections are numbered as IMAP numbers them (RFC 9051 section 6.4.5), so that the answer fits wherever the server's own
would. Never raises but `TooComplex`.
"""

from __future__ import annotations

import email.message
import email.parser
import email.policy
from typing import TYPE_CHECKING

from hsp.mail.content.limits import MAX_DEPTH, MAX_PARTS, MAX_RAW_BYTES, TooComplex
from hsp.protocols.imap import BodyPart

if TYPE_CHECKING:
    from email.message import Message

Sections = dict[str, bytes]


def structure_from_raw(raw: bytes) -> tuple[BodyPart, Sections]:
    """The tree of parts and, by section, the still encoded bytes of every leaf. Raises `TooComplex`."""
    if len(raw) > MAX_RAW_BYTES:
        raise TooComplex("message too large")
    sections: Sections = {}
    try:
        # compat32 reads five times as fast as the default policy and keeps raw bytes as surrogate escapes.
        message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(raw)
        return _part(message, "", sections, 0), sections
    except RecursionError as error:
        raise TooComplex("parts nested too deeply") from error


def _part(message: Message, section: str, sections: Sections, depth: int) -> BodyPart:
    """`section` is empty for the message itself, whose parts are numbered from 1."""
    if depth > MAX_DEPTH or len(sections) > MAX_PARTS:
        raise TooComplex("too many parts")
    if not message.is_multipart():
        return _leaf(message, section or "1", sections)
    payload = message.get_payload()
    children = [child for child in payload if isinstance(child, email.message.Message)]
    if message.get_content_type() in {"message/rfc822", "message/global"} and children:
        return _enclosed(message, children[0], section or "1", sections, depth)
    if message.get_content_maintype() == "message":  # delivery status: Python cuts it into blocks, IMAP does not
        return _leaf(message, section or "1", sections)
    prefix = f"{section}." if section else ""
    parts = tuple(_part(child, f"{prefix}{i}", sections, depth + 1) for i, child in enumerate(children, 1))
    return _build(message, section or "TEXT", 0, parts)


def _enclosed(message: Message, inner: Message, section: str, sections: Sections, depth: int) -> BodyPart:
    data = _bytes_of(inner)
    sections[section] = data
    if sum(map(len, sections.values())) > 2 * MAX_RAW_BYTES:  # each level of enclosed messages copies those below it
        raise TooComplex("messages enclosed in messages")
    child = (
        _part(inner, section, sections, depth + 1) if inner.is_multipart() else _leaf(inner, f"{section}.1", sections)
    )
    child = child._replace(section=f"{section}.TEXT") if inner.is_multipart() else child
    return _build(message, section, len(data), (child,))


def _leaf(message: Message, section: str, sections: Sections) -> BodyPart:
    payload = message.get_payload()
    if isinstance(payload, str):
        data = payload.encode("utf-8", "surrogateescape")
    else:
        data = b"\n".join(_bytes_of(child) for child in payload if isinstance(child, email.message.Message))
    sections[section] = data
    return _build(message, section, len(data), ())


def _bytes_of(message: Message) -> bytes:
    try:
        return message.as_bytes()
    except (UnicodeError, ValueError, KeyError, LookupError):  # a message Python reads but cannot write: its text form
        return str(message.get_payload()).encode("utf-8", "replace")


def _build(message: Message, section: str, size: int, parts: tuple[BodyPart, ...]) -> BodyPart:
    disposition, disposition_params = _parameters(message, "content-disposition")
    _, params = _parameters(message, "content-type")
    return BodyPart(
        section=section,
        type=message.get_content_maintype(),
        subtype=message.get_content_subtype(),
        params=params,
        content_id=_field(message, "content-id"),
        description=_field(message, "content-description").encode("utf-8", "surrogateescape"),
        encoding=_field(message, "content-transfer-encoding").strip().lower(),
        size=size,
        disposition=disposition,
        disposition_params=disposition_params,
        parts=parts,
    )


def _field(message: Message, name: str) -> str:
    value = message.get(name, "")
    # compat32 answers a Header object where raw bytes occur; its raw text is what we want.
    return str(value) if isinstance(value, str) else str(value).encode("utf-8", "replace").decode()


def _parameters(message: Message, name: str) -> tuple[str, dict[str, str]]:
    """The value and parameters as they stand: RFC 2231 is undone by the header module, once."""
    pieces = email.message._parseparam(f";{_raw_field(message, name)}")  # type: ignore[attr-defined]  # the standard library's own cutter at semicolons outside quotes
    value = pieces[0].strip().lower() if pieces else ""
    params: dict[str, str] = {}
    for piece in pieces[1:]:
        key, equals, text = piece.partition("=")
        if equals:
            params.setdefault(key.strip().lower(), _unquote(text.strip()))
    return value, params


def _raw_field(message: Message, name: str) -> str:
    found = next((value for key, value in message.raw_items() if key.lower() == name), "")
    return str(found).replace("\r", " ").replace("\n", " ")


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text
