"""One mail as its reader sees it: the header in words, and its text either as escaped markup of ours or for the frame.

Promise: nothing of a message becomes markup here but through `text_to_html` (which escapes) or `safe_html` (which
cleans); header fields stay text and are escaped where they are shown (SC-06).
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from hsp.mail import Mailbox, OpenedMail
from hsp.mail.addresses import parse_addresses
from hsp.mail.content import (
    Body,
    Plan,
    SafeHtml,
    TooComplex,
    decode_header,
    decode_text,
    html_to_text,
    read_structure,
    safe_html,
    text_to_html,
    unflow,
)
from hsp.protocols.imap import BodyPart

MAX_BODY_BYTES = 8 * 2**20
_MAX_FIELDS = 200
_MAX_VALUE = 4000
_FOLDED = re.compile(rb"\r?\n[ \t]+")
# A cheap look for what cleaning would hold back; the cleaner itself decides what is shown.
_REMOTE = re.compile(r"(?i)(?:\b(?:src|srcset|background|poster)\s*=\s*[\"']?\s*|url\(\s*[\"']?\s*)(?:https?:|//)")


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of a message in order, decoded to text that can do nothing."""

    fields: tuple[tuple[str, str], ...]
    raw: dict[str, str]

    def get(self, name: str) -> str:
        """The first field of that name, decoded; empty when there is none."""
        return next((value for known, value in self.fields if known.lower() == name), "")

    def addresses(self, *names: str) -> list[tuple[str, str]]:
        """Display names and addresses of these fields, in order; what is no address is a name without one."""
        found: list[tuple[str, str]] = []
        for name in names:
            known, bad = parse_addresses(self.raw.get(name, ""))
            found.extend((decode_header(one.name), decode_header(one.address)) for one in known)
            found.extend((decode_header(piece), "") for piece in bad)
        return found


def read_header(raw: bytes) -> Header:
    """A message's header block. Never raises; what is no field is left out."""
    fields: list[tuple[str, str]] = []
    first: dict[str, str] = {}
    for line in _FOLDED.sub(b" ", raw).splitlines()[:_MAX_FIELDS]:
        name, colon, value = line.partition(b":")
        if not colon or not name.strip().isascii():
            continue
        label = decode_header(name)
        fields.append((label, decode_header(value)[:_MAX_VALUE]))
        # Addresses are taken apart before their words are decoded: a decoded comma would make two of one (RFC 2047).
        first.setdefault(label.lower(), value.decode("utf-8", "surrogateescape").strip()[: _MAX_VALUE * 8])
    return Header(tuple(fields), first)


def sent_at(header: Header, arrival: float) -> float:
    """When the mail says it was written, else when it arrived; epoch seconds."""
    try:
        return parsedate_to_datetime(header.get("date")).timestamp() or arrival
    except (ValueError, TypeError, OverflowError, IndexError):
        return arrival


@dataclass(frozen=True, slots=True)
class Letter:
    """How to show a mail. `html` is for the frame and not yet clean, `markup` is escaped markup of our own."""

    plan: Plan
    html: str = ""
    markup: str = ""
    warning: str = ""

    @property
    def has_remote(self) -> bool:
        """Whether the mail names things outside."""
        return bool(_REMOTE.search(self.html))


async def read_letter(mailbox: Mailbox, mail: OpenedMail, *, prefer_html: bool = True) -> Letter:
    """Fetch what there is to read of a mail. Raises MailError; what is too large or too deep becomes a warning."""
    try:
        plan = read_structure(mail.structure, prefer_html=prefer_html)
    except TooComplex:
        return Letter(Plan(), warning="This mail is put together in a way we can't show. You can download it.")
    warning = "This mail is encrypted. You can download it and open it elsewhere." if plan.encrypted else ""
    bodies = _bodies(plan)
    if sum(body.part.size for body in bodies) > MAX_BODY_BYTES:
        return Letter(plan, warning="This mail is too long to show. You can download it.")
    texts = [(body.kind, await _text(mailbox, mail.id, body.part)) for body in bodies]
    if any(kind == "html" for kind, _ in texts):
        return Letter(plan, html="<hr>".join(_as_html(kind, text) for kind, text in texts), warning=warning)
    try:
        markup = await asyncio.to_thread(lambda: "<hr>".join(text_to_html(text) for _, text in texts))
    except TooComplex:
        return Letter(plan, warning="This mail is too long to show. You can download it.")
    return Letter(plan, markup=markup, warning=warning)


def _bodies(plan: Plan) -> list[Body]:
    if plan.body is None or plan.body_kind == "none":
        return []
    return [Body(plan.body_section, plan.body_kind, plan.body), *plan.further]


async def _text(mailbox: Mailbox, mail_id: str, part: BodyPart) -> str:
    text = decode_text(await mailbox.part(mail_id, part.section), part)
    if part.params.get("format", "").lower() == "flowed":
        return unflow(text, delsp=part.params.get("delsp", "").lower() == "yes")
    return text


def _as_html(kind: str, text: str) -> str:
    return text if kind == "html" else text_to_html(text)


async def plain_text(mailbox: Mailbox, mail: OpenedMail) -> str:
    """The text of a mail to quote or to edit; empty when there is none to read. Raises MailError."""
    try:
        plan = read_structure(mail.structure, prefer_html=False)
    except TooComplex:
        return ""
    texts = []
    for body in _bodies(plan):
        if body.part.size <= MAX_BODY_BYTES:
            text = await _text(mailbox, mail.id, body.part)
            texts.append(await asyncio.to_thread(html_to_text, text) if body.kind == "html" else text)
    return "\n\n".join(texts).replace("\r\n", "\n").strip("\n")


async def frame_of(
    html: str, *, inline: Callable[[str], str | None], remote: Callable[[str], str | None] | None
) -> SafeHtml:
    """The document for the frame, cleaned off the event loop. Raises TooComplex."""
    return await asyncio.to_thread(safe_html, html, inline=inline, remote=remote)


def names(people: Sequence[tuple[str, str]], own: str, most: int = 4) -> str:
    """`me, Sam Okafor and 12 more`."""
    shown = ["me" if address.lower() == own else name or address for name, address in people[:most]]
    more = len(people) - most
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
