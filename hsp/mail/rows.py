"""Rows of a message list. What a message is never changes under its UID: a row is made once, only flags are asked."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from hsp.mail.content import TooComplex, decode_header, read_structure
from hsp.mail.ids import FolderRef
from hsp.protocols.imap import Address, BodyPart, Envelope, Fetched

__all__ = ["ROW_ITEMS", "MailRow", "RowCache", "address_of", "build_row", "message_date"]

ROW_ITEMS = ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE")
_SHOWN = 3
_ROW_OVERHEAD = 900
_EMPTY = Envelope("", b"", (), (), (), (), (), (), "", "")


@dataclass(frozen=True, slots=True)
class MailRow:
    """One line of a list. `date` is epoch seconds, `size` bytes; texts are decoded and clean, but not yet escaped."""

    id: str
    subject: str
    senders: str
    recipients: str
    from_address: str
    date: float
    size: int
    has_attachments: bool
    unread: bool = False
    flagged: bool = False
    answered: bool = False
    forwarded: bool = False
    draft: bool = False


class RowCache:
    """Rows by folder number and UID, least recently used out, at most about `capacity` bytes."""

    def __init__(self, capacity: int = 64 * 2**20) -> None:
        self._capacity = capacity
        self._rows: OrderedDict[tuple[int, int], tuple[frozenset[str], MailRow]] = OrderedDict()
        self.size = 0

    def get(self, folder: int, uid: int, flags: frozenset[str] | None) -> MailRow | None:
        """The row with these flags on it; with None, whether there is one at all."""
        kept = self._rows.get((folder, uid))
        if kept is None:
            return None
        self._rows.move_to_end((folder, uid))
        if flags is None or kept[0] == flags:
            return kept[1]
        row = _marked(kept[1], flags)
        self._rows[folder, uid] = (flags, row)
        return row

    def put(self, folder: int, uid: int, flags: frozenset[str], row: MailRow) -> None:
        """Keep a row; the oldest ones go when the bytes are used up."""
        if (folder, uid) not in self._rows:
            self.size += _weight(row)
        self._rows[folder, uid] = (flags, row)
        while self.size > self._capacity and len(self._rows) > 1:
            _, (_, oldest) = self._rows.popitem(last=False)
            self.size -= _weight(oldest)


def build_row(ref: FolderRef, fetched: Fetched) -> MailRow:
    """One line of the list, from what a FETCH told."""
    envelope = fetched.envelope or _EMPTY
    authors = envelope.from_ or envelope.sender
    row = MailRow(
        id=ref.mail_id(fetched.uid),
        subject=decode_header(envelope.subject),
        senders=_names(authors),
        recipients=_names(envelope.to or envelope.cc),
        from_address=next((address_of(one) for one in authors if one.host), ""),
        date=message_date(envelope.date, fetched.internal_date),
        size=fetched.size,
        has_attachments=_has_attachments(fetched.structure),
    )
    return _marked(row, fetched.flags)


def address_of(address: Address) -> str:
    """`mailbox@host`, readable; empty for the marks of a group."""
    return decode_header(f"{address.mailbox or ''}@{address.host or ''}") if address.host else ""


def message_date(header: str, internal: datetime | None) -> float:
    """Epoch seconds of the Date header if it is one and not in the future of its arrival, else of arrival."""
    arrived = internal.timestamp() if internal is not None else None
    try:
        written = parsedate_to_datetime(header)
        written = written if written.tzinfo is not None else written.replace(tzinfo=UTC)
        stamp = written.timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return arrived or 0.0
    plausible = stamp >= 0 and (arrived is None or stamp <= arrived + 86_400)
    return stamp if plausible else arrived or 0.0


def _marked(row: MailRow, flags: frozenset[str]) -> MailRow:
    lower = {flag.lower() for flag in flags}
    return replace(
        row,
        unread="\\seen" not in lower,
        flagged="\\flagged" in lower,
        answered="\\answered" in lower,
        forwarded="$forwarded" in lower,
        draft="\\draft" in lower,
    )


def _names(addresses: Sequence[Address]) -> str:
    people = [one for one in addresses if one.host]
    names = [decode_header(one.name) or address_of(one) for one in people[:_SHOWN]]
    return ", ".join(names) + (f" +{len(people) - _SHOWN}" if len(people) > _SHOWN else "")


def _has_attachments(structure: BodyPart | None) -> bool:
    if structure is None:
        return False
    try:
        return bool(read_structure(structure).attachments)
    except TooComplex:
        return True


def _weight(row: MailRow) -> int:
    return _ROW_OVERHEAD + 2 * (len(row.subject) + len(row.senders) + len(row.recipients) + len(row.from_address))
