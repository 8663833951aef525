"""Plain text as HTML: everything escaped, addresses linked, quotes folded by level.

Sources: RFC 3676 (format=flowed, delsp), RFC 2646. The result holds only elements written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from hsp.mail.content.charset import decode_text
from hsp.mail.content.limits import MAX_TEXT_BYTES, TooComplex
from hsp.mail.content.linkify import linkify

if TYPE_CHECKING:
    from hsp.protocols.imap import BodyPart

_QUOTE: Final = re.compile(r"(?:> ?)+")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_MAX_QUOTES: Final = 20
_FOLD_LINES: Final = 12


def text_to_html(text: str) -> str:
    """Escaped HTML of a plain text body; raises `TooComplex` when it is larger than we show. Long quotes fold."""
    if len(text) > MAX_TEXT_BYTES:
        raise TooComplex("text too large")
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(_blocks([_level(line) for line in text.split("\n")]))


def _level(line: str) -> tuple[int, str]:
    found = _QUOTE.match(line)
    if not found:
        return 0, line
    return min(found.group(0).count(">"), _MAX_QUOTES), line[found.end() :]


def _blocks(lines: list[tuple[int, str]]) -> Iterator[str]:
    """Runs of one level become one block; a level is opened and closed one step at a time."""
    level = 0
    index = 0
    while index < len(lines):
        end = index
        while end < len(lines) and lines[end][0] == lines[index][0]:
            end += 1
        wanted = lines[index][0]
        yield "</blockquote></details>" * max(level - wanted, 0)
        for step in range(level, wanted):
            yield _opening(lines, index, step + 1)
        level = wanted
        yield f'<div class="hsp-text" dir="auto">{linkify(_joined(lines[index:end]))}</div>'
        index = end
    yield "</blockquote></details>" * level


def _joined(lines: list[tuple[int, str]]) -> str:
    return "\n".join(text for _, text in lines)


def _opening(lines: list[tuple[int, str]], index: int, step: int) -> str:
    count = 0
    while index + count < len(lines) and lines[index + count][0] >= step and count <= _FOLD_LINES:
        count += 1
    shown = "" if count > _FOLD_LINES or step > 2 else " open"
    return f'<details class="hsp-quote"{shown}><summary>&gt; &hellip;</summary><blockquote>'


def unflow(text: str, *, delsp: bool = False) -> str:
    """Undo format=flowed (RFC 3676 section 4): soft line ends joined within one quote level, stuffing removed."""
    out: list[str] = []
    pending: tuple[int, str] | None = None
    for line in text.replace("\r\n", "\n").split("\n"):
        quotes = len(line) - len(line.lstrip(">"))
        body = line[quotes:]
        body = body.removeprefix(" ")
        if pending is not None and pending[0] == quotes and body != "-- ":
            body = pending[1] + body
        elif pending is not None:
            out.append(_quoted(*pending))
        if body.endswith(" ") and not body.endswith("\n-- ") and body != "-- ":
            pending = (quotes, body[:-1] if delsp else body)
        else:
            pending = None
            out.append(_quoted(quotes, body))
    if pending is not None:
        out.append(_quoted(*pending))
    return "\n".join(out)


def read_text(data: bytes, part: BodyPart) -> str:
    """The text of a text/plain part whose transfer encoding is undone: charset and format=flowed as it declares."""
    text = decode_text(data, part)
    params = {name.lower(): value.strip().lower() for name, value in part.params.items()}
    return unflow(text, delsp=params.get("delsp") == "yes") if params.get("format") == "flowed" else text


def _quoted(quotes: int, body: str) -> str:
    return ">" * quotes + (" " if quotes else "") + body.rstrip(" ") if body != "-- " else body


def snippet(text: str, length: int = 140) -> str:
    """The first words of a text on one line, without quotes, for lists; at most `length` characters."""
    own = [line for line in text[: length * 40].split("\n") if not line.startswith(">")]
    flat = " ".join(_CONTROL.sub("", " ".join(own)).split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"
