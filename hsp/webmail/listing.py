"""A page of a folder as the templates want it: rows with words for dates, links to neighbours, targets to move to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from hsp.mail import Folder, MailPage, MailRow
from hsp.webmail import words
from hsp.webmail.format import Dates
from hsp.webmail.shell import Place, folder_place
from hsp.zones import PageRequest

MAX_QUERY = 200
_MAX_DIGITS = 9
_MARK = "ID"


class RowView(NamedTuple):
    """One mail of the list, in the order in which the template unpacks it."""

    id: str
    link: str
    people: str
    subject: str
    time: str
    iso: str
    unread: bool
    flagged: bool
    answered: bool
    forwarded: bool
    draft: bool
    clip: bool


@dataclass(frozen=True, slots=True)
class Where:
    """Which page of which folder, as an address says it. `folder` None is the inbox."""

    folder: str | None
    number: int
    query: str

    def params(self, folder_id: str) -> dict[str, object]:
        """The parameters of a link back to here; what is as usual is left out."""
        number = self.number if self.number > 1 else None
        return {"folder": folder_id, "page": number, "q": self.query or None}


@dataclass(frozen=True, slots=True)
class ListView:
    """The context of `layouts/list.hsp`."""

    heading: str
    title: str
    unread: int
    link: str
    clear_link: str
    folder_id: str
    query: str
    rows: tuple[RowView, ...]
    number: int
    open_id: str
    targets: tuple[Place, ...]
    in_trash: bool
    where: str
    newer_link: str
    older_link: str
    empty_icon: str
    empty_text: str
    total_text: str


def where(fields: "PageRequest | dict[str, str]", *, posted: bool = False) -> Where:
    """The place an address (or a posted form) names. An impossible page number is the first page."""
    source = fields if isinstance(fields, dict) else fields.form if posted else fields.query
    number = source.get("page", "")
    usable = number.isascii() and number.isdigit() and len(number) <= _MAX_DIGITS
    query = " ".join(source.get("q", "").split())[:MAX_QUERY]
    return Where(source.get("folder") or None, max(int(number), 1) if usable else 1, query)


def list_view(
    request: PageRequest,
    page: MailPage,
    folders: Sequence[Folder],
    at: Where,
    dates: Dates,
    size: int,
    open_id: str = "",
) -> ListView:
    """The list of one page. `open_id` is the mail shown beside it."""
    at = Where(page.folder.id, page.number, at.query)
    title = "Inbox" if page.folder.role == "inbox" else page.folder.label
    icon, text = words.EMPTY.get(page.folder.role or "", ("folder", "This folder is empty."))
    first = (page.number - 1) * size + 1
    return ListView(
        heading="h2" if open_id else "h1",
        title=title,
        unread=page.unread,
        link=request.url_for("mail", **at.params(page.folder.id)),
        clear_link=request.url_for("mail", folder=page.folder.id),
        folder_id=page.folder.id,
        query=at.query,
        rows=_rows(request, page, at, dates),
        number=page.number,
        open_id=open_id,
        targets=tuple(
            folder_place(request, folder) for folder in folders if folder.selectable and folder.id != page.folder.id
        ),
        in_trash=page.folder.role == "trash",
        where=f"{first:,}–{first + len(page.rows) - 1:,} of {page.total:,}",
        newer_link=_neighbour(request, page, at, -1),
        older_link=_neighbour(request, page, at, 1),
        empty_icon="search" if at.query else icon,
        empty_text=f"Nothing in {title} matches “{at.query}”." if at.query else text,
        total_text=f"{page.total:,} {'mail' if page.total == 1 else 'mails'}",
    )


def _rows(request: PageRequest, page: MailPage, at: Where, dates: Dates) -> tuple[RowView, ...]:
    params = {**at.params(page.folder.id), "folder": None}
    # One link is written and its id exchanged: fifty calls of url_for cost more than the rest of the row.
    if page.folder.role == "drafts":
        before, _, after = request.url_for("compose", draft=_MARK).partition(f"={_MARK}")
    else:
        before, _, after = request.url_for("message", id=_MARK, **params).partition(f"={_MARK}")
    before += "="
    sent = page.folder.role in {"sent", "drafts"}
    return tuple(_row(row, f"{before}{row.id}{after}", dates, sent=sent) for row in page.rows)


def _row(row: MailRow, link: str, dates: Dates, *, sent: bool) -> RowView:
    return RowView(
        row.id,
        link,
        people(row, sent=sent),
        row.subject or "No subject",
        dates.short(row.date),
        dates.iso(row.date),
        row.unread,
        row.flagged,
        row.answered,
        row.forwarded,
        row.draft,
        row.has_attachments,
    )


def people(row: MailRow, *, sent: bool) -> str:
    """Whom a row is about: who wrote it, or in Sent and Drafts to whom it goes."""
    if sent:
        return f"To {row.recipients}" if row.recipients else "No recipient"
    return row.senders or row.from_address or "Unknown sender"


def _neighbour(request: PageRequest, page: MailPage, at: Where, by: int) -> str:
    number = page.number + by
    if not 1 <= number <= page.pages:
        return ""
    return request.url_for("mail", **Where(at.folder, number, at.query).params(page.folder.id))
