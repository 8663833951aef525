"""Links in plain text (SC-04). Text is cut first and escaped piece by piece, so nothing a sender writes is ever looked
at twice: once as text and once as markup.
"""

from __future__ import annotations

import html
import re
from typing import Final

_LINK: Final = re.compile(
    r"(?<![\w@./:-])(?:(?P<url>https?://[^\s<>\"'`\x00-\x1f{}|\\^]{1,2000}|www\.[^\s<>\"'`\x00-\x1f{}|\\^]{3,2000})"
    r"|(?P<mail>[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}\.){1,8}[A-Za-z]{2,24}))(?![\w@])?",
    re.IGNORECASE,
)
_TRAILING: Final = ".,;:!?'\"*_~"
_PAIRS: Final = {")": "(", "]": "["}


def linkify(text: str) -> str:
    """`text` escaped, with its web and mail addresses as links."""
    out: list[str] = []
    position = 0
    for found in _LINK.finditer(text):
        shown = _trim(found.group(0))
        if not shown:
            continue
        out.append(html.escape(text[position : found.start()]))
        out.append(_anchor(shown, mail=found.group("mail") is not None))
        position = found.start() + len(shown)
    out.append(html.escape(text[position:]))
    return "".join(out)


def _anchor(shown: str, *, mail: bool) -> str:
    target = f"mailto:{shown}" if mail else shown if "://" in shown[:8] else f"http://{shown}"
    return (
        f'<a href="{html.escape(target)}" target="_blank" rel="noopener noreferrer nofollow">{html.escape(shown)}</a>'
    )


def _trim(address: str) -> str:
    """Punctuation at the end belongs to the sentence, and so does a closing bracket that was not opened inside."""
    unopened = {closing: address.count(closing) - address.count(opening) for closing, opening in _PAIRS.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if last not in _TRAILING and unopened.get(last, 0) <= 0:
            break
        unopened[last] = unopened.get(last, 0) - 1
        end -= 1
    address = address[:end]
    return "" if address.endswith("://") else address
