"""What people type into the search field, as IMAP SEARCH criteria (RFC 9051 section 6.4.4).

Promise: text becomes a value, never a search key: every key comes from the tables below, and values are written by the
client as quoted strings or literals.
"""

from __future__ import annotations

import re

from hsp.protocols.imap import Atom
from hsp.protocols.imap.wire import Argument

__all__ = ["search_criteria"]

_TERM = re.compile(r'(?:(?P<key>[A-Za-z]+):)?(?:"(?P<phrase>[^"]*)"?|(?P<word>\S+))')
_FIELDS = {"from": "FROM", "to": "TO", "cc": "CC", "subject": "SUBJECT", "body": "BODY"}
_STATES = {
    "unread": "UNSEEN",
    "read": "SEEN",
    "flagged": "FLAGGED",
    "starred": "FLAGGED",
    "answered": "ANSWERED",
    "draft": "DRAFT",
}
_MAX_LENGTH = 500
_MAX_TERMS = 20


def search_criteria(query: str) -> list[Argument]:
    """Criteria that all must hold; empty for a query without any content."""
    criteria: list[Argument] = []
    text = "".join(c if c.isprintable() else " " for c in query[:_MAX_LENGTH])
    for number, match in enumerate(_TERM.finditer(text)):
        if number >= _MAX_TERMS:
            break
        value = match["phrase"] if match["phrase"] is not None else match["word"]
        if value.strip():
            criteria += _criterion((match["key"] or "").lower(), value)
    return criteria


def _criterion(key: str, value: str) -> list[Argument]:
    if key in _FIELDS:
        return [Atom(_FIELDS[key]), value]
    if key == "is" and value.lower() in _STATES:
        return [Atom(_STATES[value.lower()])]
    if key == "has" and value.lower() in {"attachment", "attachments"}:
        return [Atom("HEADER"), "Content-Type", "multipart/mixed"]
    # Not one of ours, such as "https://...": the writer meant the text as it stands.
    return [Atom("TEXT"), f"{key}:{value}" if key else value]
