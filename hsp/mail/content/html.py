"""An HTML mail as a safe document for its frame. Never raises but `TooComplex`; what cannot be cleaned within its
limits is shown as plain text.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from hsp.mail.content.cleaner import PLACEHOLDER, Cleaned
from hsp.mail.content.document import frame_document
from hsp.mail.content.limited import CleaningFailedError, clean_limited
from hsp.mail.content.limits import MAX_TEXT_BYTES, TooComplex
from hsp.mail.content.text import text_to_html

Resolve = Callable[[str], "str | None"]

_INVISIBLE: Final = ("style", "script", "head", "title", "template")
_BREAK: Final = re.compile(r"</?(?:br|p|div|tr|h[1-6]|li|ul|ol|table|blockquote|hr)\b[^<>]*>", re.IGNORECASE)
_TAG: Final = re.compile(r"<[^<>]{0,20000}>")
_MANY_BREAKS: Final = re.compile(r"\n(?:[ \t\r]*+\n)+")
_OUR_ADDRESS: Final = re.compile(r"/[A-Za-z0-9_.~!*:@,;=&?%/+-]*\Z|https?://[A-Za-z0-9_.~!*:@,;=&?%/+\[\]-]+\Z")


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """A full document for the frame. `blocked` counts the distinct remote addresses held back; `simplified` tells that
    the mail is shown as plain text because its HTML could not be cleaned."""

    html: str
    blocked: int
    simplified: bool = False


def safe_html(html: str, *, inline: Resolve, remote: Resolve | None) -> SafeHtml:
    """Clean a mail's HTML. `inline` gives our address for a Content-ID, `remote` our address for an outside image
    (None: the reader has not asked); either may answer None. Raises `TooComplex` when it is larger than we show."""
    if len(html) > MAX_TEXT_BYTES:
        raise TooComplex("HTML too large")
    try:
        cleaned = clean_limited(html)
    except CleaningFailedError:
        return SafeHtml(frame_document(text_to_html(html_to_text(html))), 0, simplified=True)
    return _resolve(cleaned, inline, remote)


def _resolve(cleaned: Cleaned, inline: Resolve, remote: Resolve | None) -> SafeHtml:
    addresses: dict[str, str] = {}
    blocked = 0
    for number, (kind, address) in enumerate(cleaned.references):
        resolve = inline if kind == "cid" else remote
        ours = resolve(unquote(address) if kind == "cid" else address) if resolve else None
        if ours is not None and _OUR_ADDRESS.match(ours):
            addresses[f"{cleaned.mark}-{number}"] = ours
        else:
            blocked += kind == "remote"
    fragment = _fill_in(cleaned.fragment, cleaned.mark, addresses)
    sheet = _fill_in(cleaned.sheet, cleaned.mark, addresses)
    return SafeHtml(frame_document(fragment, sheet=sheet, coloured=cleaned.coloured), blocked)


def _fill_in(text: str, mark: str, addresses: dict[str, str]) -> str:
    """Put our addresses where placeholders stand; attributes and values that have none go."""
    token = rf"{PLACEHOLDER}:({mark}-[0-9]+)"
    text = re.sub(rf' srcset="({PLACEHOLDER}:{mark}-[^"]*)"', lambda m: _srcset(m.group(1), token, addresses), text)
    text = re.sub(rf' (src|background)="{token}"', lambda m: _attribute(m.group(1), addresses.get(m.group(2))), text)
    return re.sub(rf"url\({token}\)", lambda m: _css(addresses.get(m.group(1))), text)


def _attribute(name: str, address: str | None) -> str:
    return f' {name}="{entities.escape(address)}"' if address else ""


def _css(address: str | None) -> str:
    return f"url({entities.escape(address)})" if address else "none"


def _srcset(value: str, token: str, addresses: dict[str, str]) -> str:
    kept = []
    for candidate in value.split(", "):
        found = re.match(token + r"(.*)\Z", candidate)
        address = addresses.get(found.group(1)) if found else None
        if found and address and "," not in address:
            kept.append(entities.escape(address) + found.group(2))
    return f' srcset="{", ".join(kept)}"' if kept else ""


def html_to_text(html: str) -> str:
    """The readable text of an HTML document, without parsing it: for snippets, quotes and as the last resort. The
    result is text; it is escaped where it is shown."""
    text = html[:MAX_TEXT_BYTES]
    for name in _INVISIBLE:
        text = _without(text, name)
    text = _TAG.sub("", _BREAK.sub("\n", text))
    return _MANY_BREAKS.sub("\n\n", entities.unescape(text)).strip()


def _without(text: str, name: str) -> str:
    """`text` without the elements of one name. Two searches that only move forward: a regular expression would start
    over at every unclosed tag."""
    opening, closing = (
        re.compile(rf"<{name}(?=[\s/>])", re.IGNORECASE),
        re.compile(rf"</{name}\b[^<>]*>", re.IGNORECASE),
    )
    out: list[str] = []
    position = 0
    while (start := opening.search(text, position)) and (end := closing.search(text, start.end())):
        out.append(text[position : start.start()])
        position = end.end()
    return "".join(out) + text[position:]
