"""One mail: `/message.hsp?id=`, with its folder's page beside it on a wide screen."""

from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from hsp.mail import Folder, Mailbox, MessageGone, NotAllowed, OpenedMail
from hsp.mail.content import Attachment
from hsp.webmail.format import Dates, kind, plural, size
from hsp.webmail.letter import Header, Letter, names, read_header, read_letter, sent_at
from hsp.webmail.listing import Where, list_view, where
from hsp.webmail.services import Webmail
from hsp.webmail.shell import shell_of
from hsp.zones import PageRequest, Pages, Zone

pages: Pages[Webmail] = Pages()

_SHOWN_FIELDS = ("from", "sender", "reply-to", "to", "cc", "bcc", "date", "subject", "list-id", "message-id")


@dataclass(frozen=True, slots=True)
class FileView:
    """One attachment in words."""

    section: str
    name: str
    kind: str
    size: str
    icon: str
    link: str = ""
    kept: bool = True


@dataclass(frozen=True, slots=True)
class MailView:
    """The context `mail` of `private/message.hsp`. `text` is markup of our own, everything else is text."""

    id: str
    subject: str
    flagged: bool
    initial: str
    from_name: str
    from_address: str
    to_line: str
    date: str
    iso: str
    fields: tuple[tuple[str, str], ...]
    warning: str
    text: Markup
    frame_link: str
    blocked_link: str
    attachments: tuple[FileView, ...]
    attachments_title: str
    many: bool
    archive_id: str
    reply_link: str
    reply_all_link: str
    forward_link: str
    edit_link: str
    newer_link: str
    older_link: str
    source_link: str
    download_link: str


@pages.page("message", zone=Zone.PRIVATE)
async def message(request: PageRequest, webmail: Webmail) -> Response:
    """Show one mail and mark it as read, as every mail program does. Raises MailError."""
    mailbox, size_ = webmail.mailbox(request), webmail.settings.webmail.page_size
    mail = await mailbox.open(request.query.get("id", ""))
    letter = await read_letter(mailbox, mail)
    await _mark_seen(request, mailbox, mail)
    at = Where(mail.folder.id, where(request).number, where(request).query)
    page = await mailbox.page(mail.folder.id, at.number, size_, at.query)
    folders = await mailbox.folders()
    dates = webmail.dates(request)
    listed = list_view(request, page, folders, at, dates, size_, open_id=mail.id)
    place = "inbox" if mail.folder.role == "inbox" else "mail"
    shell = await shell_of(request, webmail, place, mailbox=mailbox, folders=folders, current=mail.folder.id)
    images = webmail.settings.webmail.remote_images
    view = mail_view(request, mail, letter, dates, at, archive=_archive(mail, folders), images=images)
    return request.render({"mail": view, "list": listed, "shell": shell})


async def _mark_seen(request: PageRequest, mailbox: Mailbox, mail: OpenedMail) -> None:
    """A browser that only looks ahead (Sec-Purpose: prefetch) has not read anything."""
    ahead = "prefetch" in request.headers.get("sec-purpose", "") or request.method == "HEAD"
    if "\\Seen" in mail.flags or ahead:
        return
    try:
        await mailbox.mark([mail.id], seen=True)
    except (NotAllowed, MessageGone):
        # Fails open: a folder that may only be read, or a mail that has just gone, can be shown all the same.
        return


def _archive(mail: OpenedMail, folders: list[Folder]) -> str:
    return next((one.id for one in folders if one.role == "archive" and one.id != mail.folder.id), "")


def mail_view(
    request: PageRequest, mail: OpenedMail, letter: Letter, dates: Dates, at: Where, *, archive: str, images: bool
) -> MailView:
    """A mail in words and links."""
    header = read_header(mail.header)
    name, address = next(iter(header.addresses("from", "sender")), ("", ""))
    others = header.addresses("to", "cc")
    epoch = sent_at(header, mail.date)
    around = {**at.params(mail.folder.id), "folder": None}
    shown = images and request.query.get("images") == "1"
    files = tuple(file_view(request, mail.id, one) for one in letter.plan.attachments)
    total = sum(one.size for one in letter.plan.attachments)
    draft = mail.folder.role == "drafts" or "\\Draft" in mail.flags
    return MailView(
        id=mail.id,
        subject=header.get("subject") or "No subject",
        flagged="\\Flagged" in mail.flags,
        initial=_initial(name or address),
        from_name=name or address or "Unknown sender",
        from_address=address if name else "",
        to_line=names(others, request.session.account) or "nobody in particular",
        date=dates.long(epoch),
        iso=dates.iso(epoch),
        fields=_fields(header),
        warning=letter.warning,
        text=Markup(letter.markup),  # noqa: S704  text_to_html escaped everything that came from the mail
        frame_link=request.url_for("body", id=mail.id, images=1 if shown else None) if letter.html else "",
        blocked_link=request.url_for("message", id=mail.id, **around, images=1)
        if images and not shown and letter.has_remote
        else "",
        attachments=files,
        attachments_title=f"{plural(len(files), 'attachment', 'attachments')} · {size(total)}",
        many=len(others) > 1,
        archive_id="" if draft else archive,
        reply_link=request.url_for("compose", reply=mail.id),
        reply_all_link=request.url_for("compose", replyall=mail.id),
        forward_link=request.url_for("compose", forward=mail.id),
        edit_link=request.url_for("compose", draft=mail.id) if draft else "",
        newer_link=request.url_for("message", id=mail.previous_id, **around) if mail.previous_id else "",
        older_link=request.url_for("message", id=mail.next_id, **around) if mail.next_id else "",
        source_link=request.url_for("part", id=mail.id, part="source"),
        download_link=request.url_for("part", id=mail.id, part="message"),
    )


def _initial(text: str) -> str:
    return next((character for character in text if character.isalnum()), "?").upper()


def _fields(header: Header) -> tuple[tuple[str, str], ...]:
    """The fields people ask for first, then all others."""
    order = {name: number for number, name in enumerate(_SHOWN_FIELDS)}
    return tuple(sorted(header.fields, key=lambda field: order.get(field[0].lower(), len(order))))


def file_view(request: PageRequest, mail_id: str, file: Attachment, *, kept: bool = True) -> FileView:
    """An attachment in words, with the link that downloads it."""
    name, icon = kind(file.type)
    link = request.url_for("part", id=mail_id, part=file.section)
    return FileView(file.section, file.name, name, size(file.size), icon, link, kept)
