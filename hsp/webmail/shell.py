"""What surrounds every private page: the folders, the account, the quota, and what has just happened."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hsp.mail import Folder, Mailbox, MailError, MessageGone
from hsp.protocols.imap import Quota
from hsp.webmail import words
from hsp.webmail.format import size
from hsp.webmail.services import Webmail, principal
from hsp.zones import PageRequest

_ICONS = {
    "inbox": "inbox",
    "drafts": "drafts",
    "sent": "sent",
    "trash": "trash",
    "junk": "junk",
    "archive": "archive",
}
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the sidebar."""

    label: str
    icon: str
    link: str
    folder_id: str = ""
    level: int = 1
    unread: int = 0
    count: str = ""
    count_word: str = ""
    current: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A run of places, with a title or without."""

    title: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Space:
    """How full the mailbox is."""

    percent: int
    text: str


@dataclass(frozen=True, slots=True)
class Undo:
    """A mail that can still be called back, and for how many seconds."""

    id: str
    seconds: int
    text: str


@dataclass(frozen=True, slots=True)
class Shell:
    """The context of `layouts/app.hsp`."""

    place: str
    groups: tuple[Group, ...]
    quota: Space | None
    notice: str
    undo: Undo | None


async def shell_of(
    request: PageRequest,
    webmail: Webmail,
    place: str,
    *,
    mailbox: Mailbox | None = None,
    folders: Sequence[Folder] | None = None,
    current: str = "",
) -> Shell:
    """The shell of a page. `place` names the page, `current` the folder it shows.

    Without `folders` they are asked for, and a mail server that is away costs the page its sidebar, not its content.
    """
    mailbox = mailbox or webmail.mailbox(request)
    quota: Quota | None = None
    try:
        folders = await mailbox.folders() if folders is None else folders
        quota = await mailbox.quota()
    except MailError:
        # Fails open: outbox, sessions and a half-written mail must not vanish with the mail server.
        folders = folders or ()
    await webmail.outbox.resume_waiting(principal(request))
    waiting = await webmail.attention.waiting(request.session.account)
    outbox = Place(
        "Outbox",
        "outbox",
        request.url_for("outbox"),
        unread=waiting,
        count=str(waiting or ""),
        count_word="not sent yet",
        current=place == "outbox",
    )
    notice, undo = await _news(request, webmail)
    return Shell(place, _groups(request, folders, outbox, current), _space(quota), notice, undo)


def folder_place(request: PageRequest, folder: Folder, current: str = "") -> Place:
    """A folder as a place; one that only holds others has no link."""
    drafts = folder.role == "drafts"
    count = folder.total if drafts else 0 if folder.role in {"trash", "sent"} else folder.unread
    return Place(
        label="Inbox" if folder.role == "inbox" else folder.label,
        icon=_ICONS.get(folder.role or "", "folder"),
        link=request.url_for("mail", folder=folder.id) if folder.selectable else "",
        folder_id=folder.id,
        level=min(folder.level + 1, _DEEPEST),
        unread=0 if drafts else count,
        count=str(count or ""),
        count_word="drafts" if drafts else "unread",
        current=folder.id == current,
    )


def _groups(request: PageRequest, folders: Sequence[Folder], outbox: Place, current: str) -> tuple[Group, ...]:
    known = [replace(folder_place(request, folder, current), level=1) for folder in folders if folder.role]
    others = [folder_place(request, folder, current) for folder in folders if not folder.role]
    first = Group("", (*known, outbox))
    return (first, Group("Folders", tuple(others))) if others else (first,)


def _space(quota: Quota | None) -> Space | None:
    if quota is None or not quota.storage_limit or quota.storage_used is None:
        return None
    percent = min(100, round(100 * quota.storage_used / quota.storage_limit))
    return Space(percent, f"{size(quota.storage_used)} of {size(quota.storage_limit)} used")


async def _news(request: PageRequest, webmail: Webmail) -> tuple[str, Undo | None]:
    """What the address says has just happened: a mail on its way, or a line of the fixed table."""
    item_id = request.query.get("sent", "")
    if item_id:
        try:
            item = await webmail.outbox.item(request.session.account, item_id)
        except MessageGone:
            return "", None
        left = math.ceil(item.send_at - webmail.clock.time())
        if item.state == "queued" and left > 0:
            return "", Undo(item.id, left, "Your mail is on its way.")
        return (words.notice("sent", "") if item.state == "sent" else ""), None
    return words.notice(request.query.get("notice", ""), request.query.get("n", "")), None
