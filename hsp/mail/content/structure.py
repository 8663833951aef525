"""Which parts of a message are its text, its inline images and its attachments.

Source: RFC 2046 section 5.1 (mixed, alternative, related), RFC 2387, RFC 2183 (disposition), RFC 1847 (signed),
RFC 6047 (calendar alternatives). Works on the server's BODYSTRUCTURE alone, so that only what is shown is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hsp.mail.content.attachments import Attachment, attachment_of
from hsp.mail.content.limits import MAX_DEPTH, MAX_PARTS, TooComplex

if TYPE_CHECKING:
    from hsp.protocols.imap import BodyPart

BodyKind = Literal["html", "text", "none"]


@dataclass(frozen=True, slots=True)
class Body:
    """One readable stretch of a message: a part and how it is to be read."""

    section: str
    kind: BodyKind
    part: BodyPart


@dataclass(frozen=True, slots=True)
class Plan:
    """What to fetch of a message and how to show it.

    `body_section` is empty when nothing is readable. `further` holds later text parts of a mixed message, in order.
    `alternatives` are the readable versions not chosen; `inline` maps Content-IDs to sections; `calendar` lists the
    invitations; `attachments` are in the order of the message."""

    body_section: str = ""
    body_kind: BodyKind = "none"
    body: BodyPart | None = None
    further: tuple[Body, ...] = ()
    alternatives: tuple[Body, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    inline: dict[str, Attachment] = field(default_factory=dict)
    calendar: tuple[BodyPart, ...] = ()
    signed: bool = False
    encrypted: bool = False


@dataclass(slots=True)
class _Reading:
    prefer_html: bool
    bodies: list[Body] = field(default_factory=list)
    alternatives: list[Body] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    inline: dict[str, Attachment] = field(default_factory=dict)
    calendar: list[BodyPart] = field(default_factory=list)
    signed: bool = False
    encrypted: bool = False


def read_structure(part: BodyPart, *, prefer_html: bool = True) -> Plan:
    """Choose the body of a message and list what else it carries; raises `TooComplex` beyond the limits."""
    check_limits(part)
    reading = _Reading(prefer_html)
    _read(part, reading, related=False)
    first = reading.bodies[0] if reading.bodies else None
    return Plan(
        body_section=first.section if first else "",
        body_kind=first.kind if first else "none",
        body=first.part if first else None,
        further=tuple(reading.bodies[1:]),
        alternatives=tuple(reading.alternatives),
        attachments=tuple(reading.attachments),
        inline=reading.inline,
        calendar=tuple(reading.calendar),
        signed=reading.signed,
        encrypted=reading.encrypted,
    )


def check_limits(part: BodyPart) -> None:
    """Raise `TooComplex` when a structure is deeper or wider than this gateway follows."""
    level, count = [part], 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_PARTS:
            raise TooComplex("too many parts")
        level = [child for one in level for child in one.parts]
        if not level:
            return
    raise TooComplex("parts nested too deeply")


def walk(part: BodyPart) -> Iterator[BodyPart]:
    """Every part of one message in order; does not enter enclosed messages."""
    yield part
    if _type(part) != "message/rfc822":
        for child in part.parts:
            yield from walk(child)


def _type(part: BodyPart) -> str:
    return f"{part.type}/{part.subtype}".lower()


def _read(part: BodyPart, reading: _Reading, *, related: bool) -> None:
    kind = _type(part)
    if not kind.startswith("multipart/"):
        _read_leaf(part, reading, related=related)
    elif kind == "multipart/alternative":
        _read_alternative(part, reading, related=related)
    elif kind == "multipart/related":
        _read_related(part, reading)
    else:
        _read_sequence(part, reading, related=related)


def _read_sequence(part: BodyPart, reading: _Reading, *, related: bool) -> None:
    kind = _type(part)
    reading.signed |= kind == "multipart/signed"
    reading.encrypted |= kind == "multipart/encrypted"
    for child in part.parts:
        _read(child, reading, related=related)


def _read_related(part: BodyPart, reading: _Reading) -> None:
    """RFC 2387: the root is named by `start`, else the first part; the others belong to it."""
    start = next((str(v) for k, v in part.params.items() if k.lower() == "start"), "").strip("<> ")
    children = list(part.parts)
    root = next(
        (child for child in children if start and content_id(child) == start), children[0] if children else None
    )
    for child in children:
        _read(child, reading, related=child is not root)


def _read_alternative(part: BodyPart, reading: _Reading, *, related: bool) -> None:
    """RFC 2046 section 5.1.4: the last version we can show wins; the others are kept as alternatives."""
    versions: list[_Reading] = []
    for child in part.parts:
        version = _Reading(reading.prefer_html)
        _read(child, version, related=related)
        versions.append(version)
    chosen = _choose(versions, prefer_html=reading.prefer_html)
    for version in versions:
        reading.calendar += version.calendar
        reading.signed |= version.signed
        reading.encrypted |= version.encrypted
        reading.inline |= version.inline
        reading.attachments += version.attachments
        reading.alternatives += version.alternatives
        if version is chosen:
            reading.bodies += version.bodies
        else:
            reading.alternatives += version.bodies


def _choose(versions: list[_Reading], *, prefer_html: bool) -> _Reading | None:
    readable = [version for version in versions if version.bodies]
    wanted = "html" if prefer_html else "text"
    fitting = [version for version in readable if any(body.kind == wanted for body in version.bodies)]
    # An empty HTML version beside a full plain one is a known defect of some senders.
    fitting = [version for version in fitting if any(body.part.size for body in version.bodies)] or fitting
    return (fitting or readable or [None])[-1]  # type: ignore[list-item]  # None stands for "nothing readable"


def _read_leaf(part: BodyPart, reading: _Reading, *, related: bool) -> None:
    kind = _type(part)
    named = bool(attachment_of(part).given_name)
    attached = part.disposition is not None and part.disposition.lower() == "attachment"
    if kind == "text/calendar":
        reading.calendar.append(part)
    body_kind: BodyKind = {"text/html": "html", "text/plain": "text", "text/enriched": "text"}.get(kind, "none")  # type: ignore[assignment]  # the values are BodyKind
    if body_kind != "none" and not attached and not (named and reading.bodies) and not (related and content_id(part)):
        reading.bodies.append(Body(part.section, body_kind, part))
        return
    attachment = attachment_of(part, inline=related and not attached)
    if attachment.content_id:
        reading.inline.setdefault(attachment.content_id, attachment)
    if kind != "text/calendar" or named or attached:
        reading.attachments.append(attachment)


def content_id(part: BodyPart) -> str:
    """The Content-ID without its angle brackets, empty when there is none."""
    return (part.content_id or "").strip().strip("<>").strip()
