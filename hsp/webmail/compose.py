"""Writing: `/compose.hsp`, empty or as a reply, a forward or a draft; sends through the outbox or keeps a draft.

Promise: nothing typed is lost. What cannot be sent comes back filled in, and files that came with it are kept as a
draft; a form sent twice makes one mail.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from hsp.mail import (
    Attached,
    BadDraft,
    Draft,
    Mailbox,
    MailError,
    MessageGone,
    NotAllowed,
    OverQuota,
    TooLarge,
    UpstreamAway,
    UpstreamBusy,
    compose,
)
from hsp.mail.content import Attachment, safe_name
from hsp.webmail import words
from hsp.webmail.drafting import (
    Letterhead,
    draft_message,
    fetch,
    files_of,
    forward,
    reopened,
    reply_to,
    thread,
)
from hsp.webmail.format import size
from hsp.webmail.letter import read_header
from hsp.webmail.message import FileView, file_view
from hsp.webmail.services import Webmail, principal
from hsp.webmail.shell import shell_of
from hsp.zones import BadInput, PageRequest, Pages, Permission, Zone

pages: Pages[Webmail] = Pages()

_MAX_KEY = 64
_FIELDS = ("to", "cc", "bcc", "subject", "attachment")
_KB = 1024


@dataclass(frozen=True, slots=True)
class Wrong:
    """One sentence for each field that needs a look, empty for the others."""

    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    attachment: str = ""


@dataclass(frozen=True, slots=True)
class FormView:
    """The context `draft` of `private/compose.hsp`."""

    title: str
    key: str
    mode: str
    to: str
    cc: str
    bcc: str
    subject: str
    text: str
    quote: str
    draft_id: str
    source_id: str
    answers_id: str
    back_link: str
    error: str
    error_help: str
    wrong: Wrong
    files: tuple[FileView, ...]
    limit: str
    focus: str


@pages.page(
    "compose",
    zone=Zone.PRIVATE,
    methods=("GET", "POST"),
    permission=Permission.WRITE,
    upload=True,
    replayable=True,
)
async def compose_page(request: PageRequest, webmail: Webmail) -> Response:
    """Show the form, send what it holds, or keep it. Raises MailError."""
    mailbox = webmail.mailbox(request)
    if request.method != "POST":
        return await _show(request, webmail, mailbox, await _begin(request, webmail, mailbox))
    verb = request.form.get("do", "send")
    if verb == "discard":
        return await _discard(request, mailbox)
    if verb not in {"send", "save"}:
        raise BadInput("unknown_action")
    letter = _typed(request)
    try:
        return await (_send if verb == "send" else _save)(request, webmail, mailbox, letter)
    except BadDraft as error:
        return await _again(request, webmail, mailbox, letter, problems=error.problems)
    except TooLarge:
        return await _again(request, webmail, mailbox, letter, problems=(("attachment", "too_large"),))
    except MessageGone as error:
        # The mail whose files were to be kept is gone: the next try goes without them, or there could never be one.
        letter.source_id = letter.draft_id = ""
        return await _again(request, webmail, mailbox, letter, failure=error)
    except (UpstreamAway, UpstreamBusy, OverQuota, NotAllowed) as error:
        return await _again(request, webmail, mailbox, letter, failure=error)


async def _begin(request: PageRequest, webmail: Webmail, mailbox: Mailbox) -> Letterhead:
    query, own, dates = request.query, request.session.account, webmail.dates(request)
    if mail_id := query.get("reply", "") or query.get("replyall", ""):
        return await reply_to(mailbox, await mailbox.open(mail_id), own, dates, everyone="replyall" in query)
    if mail_id := query.get("forward", ""):
        return await forward(mailbox, await mailbox.open(mail_id), dates)
    if mail_id := query.get("draft", ""):
        return await reopened(mailbox, await mailbox.open(mail_id))
    return Letterhead(
        to=query.get("to", ""),
        cc=query.get("cc", ""),
        bcc=query.get("bcc", ""),
        subject=query.get("subject", ""),
        text=query.get("body", ""),
    )


def _typed(request: PageRequest) -> Letterhead:
    """What the form says. Line ends of a form are CRLF; ours are LF."""
    form = request.form
    mode = form.get("mode", "new")
    titles = {"reply": "Reply", "forward": "Forward", "draft": "Draft"}
    return Letterhead(
        title=titles.get(mode, "New mail"),
        mode=mode if mode in titles else "new",
        to=form.get("to", ""),
        cc=form.get("cc", ""),
        bcc=form.get("bcc", ""),
        subject=form.get("subject", ""),
        text=form.get("text", "").replace("\r\n", "\n"),
        quote=form.get("quote", "").replace("\r\n", "\n"),
        draft_id=form.get("draft", ""),
        source_id=form.get("source", ""),
        answers=form.get("answers", "") if mode != "forward" else "",
        forwards=form.get("answers", "") if mode == "forward" else "",
    )


async def _draft(request: PageRequest, mailbox: Mailbox, letter: Letterhead) -> Draft:
    """The mail of the form with its files: those that came with it and those that are kept from before."""
    await _tie(mailbox, letter)
    kept = await fetch(mailbox, letter.source_id, await _kept_files(request, mailbox, letter))
    text = f"{letter.text.rstrip()}\n\n{letter.quote}" if letter.quote.strip() else letter.text
    return Draft(
        sender=request.session.account,
        to=letter.to,
        cc=letter.cc,
        bcc=letter.bcc,
        subject=letter.subject,
        text=text,
        attachments=(*kept, *await _uploaded(request)),
        in_reply_to=letter.in_reply_to,
        references=letter.references,
        answers=letter.answers,
        forwards=letter.forwards,
        form_key=request.form.get("key", "")[:_MAX_KEY],
    )


async def _tie(mailbox: Mailbox, letter: Letterhead) -> None:
    """Threading comes from the mail that is answered, never from the form. A mail that went away ties nothing."""
    try:
        if letter.answers:
            thread(letter, read_header((await mailbox.open(letter.answers)).header))
        elif letter.draft_id:
            header = read_header((await mailbox.open(letter.draft_id)).header)
            letter.in_reply_to, letter.references = header.raw.get("in-reply-to", ""), header.raw.get("references", "")
    except MessageGone:
        letter.answers = letter.draft_id = ""


async def _kept_files(request: PageRequest, mailbox: Mailbox, letter: Letterhead) -> list[Attachment]:
    wanted = set(request.form.getlist("keep"))
    if not letter.source_id or not wanted:
        return []
    return [one for one in files_of(await mailbox.open(letter.source_id)) if one.section in wanted]


async def _uploaded(request: PageRequest) -> Sequence[Attached]:
    files = request.form.files("attachment")
    return [Attached(safe_name(one.filename), one.content_type, await asyncio.to_thread(one.read)) for one in files]


async def _send(request: PageRequest, webmail: Webmail, mailbox: Mailbox, letter: Letterhead) -> Response:
    draft = await _draft(request, mailbox, letter)
    composed = await asyncio.to_thread(compose, draft, now=webmail.clock.time())
    delay = webmail.settings.webmail.send_mail_delay
    item = await webmail.outbox.submit(principal(request), composed, delay=delay)
    webmail.attention.forget(request.session.account)
    await _drop(mailbox, letter.draft_id)
    return request.redirect("mail", sent=item.id)


async def _save(request: PageRequest, webmail: Webmail, mailbox: Mailbox, letter: Letterhead) -> Response:
    draft_id = await _keep(request, webmail, mailbox, letter)
    if draft_id:
        return request.redirect("compose", draft=draft_id, notice="saved")
    return request.redirect("mail", notice="saved")


async def _keep(request: PageRequest, webmail: Webmail, mailbox: Mailbox, letter: Letterhead) -> str:
    """Save the form as a draft in place of the older one; the new one is there before the old one goes."""
    draft = await _draft(request, mailbox, letter)
    message = await draft_message(draft, webmail.clock.time())
    draft_id = await mailbox.append("drafts", message, ("\\Draft", "\\Seen"))
    await _drop(mailbox, letter.draft_id)
    return draft_id


async def _discard(request: PageRequest, mailbox: Mailbox) -> Response:
    await _drop(mailbox, request.form.get("draft", ""), for_ever=False)
    return request.redirect("mail", notice="draft_discarded")


async def _drop(mailbox: Mailbox, draft_id: str, *, for_ever: bool = True) -> None:
    """Take away a draft that was sent or replaced, or thrown away (to Trash). Only a draft: the id is from a form."""
    if not draft_id:
        return
    try:
        mail = await mailbox.open(draft_id)
        if mail.folder.role == "drafts":
            await (mailbox.remove if for_ever else mailbox.delete)([draft_id])
    except MailError:
        # Fails open: a draft too many is a nuisance, a mail that seems unsent because of it would be sent twice.
        return


async def _again(
    request: PageRequest,
    webmail: Webmail,
    mailbox: Mailbox,
    letter: Letterhead,
    *,
    problems: Sequence[tuple[str, str]] = (),
    failure: MailError | None = None,
) -> Response:
    """The form once more with everything that was typed; files that came with it go into a draft first."""
    lost = await _rescue_files(request, webmail, mailbox, letter)
    sentences = [(name, words.draft_problem(problem)) for name, problem in problems]
    title, text = words.ERRORS[failure.key] if failure else ("Not sent yet", "Everything you typed is still here.")
    if failure and failure.key == "message_gone":
        title, text = "Not sent yet", "A file you kept is no longer there. Everything you typed is still here."
    if lost:
        sentences.append(("attachment", f"Please attach again: {lost}"))
    wrong = Wrong(**{name: " ".join(said for known, said in sentences if known == name) for name in _FIELDS})
    status = (
        503 if isinstance(failure, (UpstreamAway, UpstreamBusy)) else 507 if isinstance(failure, OverQuota) else 422
    )
    response = await _show(request, webmail, mailbox, letter, error=(title, text), wrong=wrong, status=status)
    if status == 503:
        response.headers["retry-after"] = "10"
    return response


async def _rescue_files(request: PageRequest, webmail: Webmail, mailbox: Mailbox, letter: Letterhead) -> str:
    """A browser can't be given its files back: keep them in a draft. Names of those that could not be kept."""
    names = ", ".join(safe_name(one.filename) for one in request.form.files("attachment"))
    try:
        if names and (draft_id := await _keep(request, webmail, mailbox, letter)):
            letter.draft_id = letter.source_id = draft_id
            letter.files = files_of(await mailbox.open(draft_id))
            return ""
        if letter.source_id:
            letter.files = await _kept_files(request, mailbox, letter)
    except (MailError, BadInput):
        # Fails open: the text must come back even when the files cannot.
        return names
    return names


async def _show(
    request: PageRequest,
    webmail: Webmail,
    mailbox: Mailbox,
    letter: Letterhead,
    *,
    error: tuple[str, str] = ("", ""),
    wrong: Wrong | None = None,
    status: int = 200,
) -> Response:
    back = letter.answers or letter.forwards
    view = FormView(
        title=letter.title,
        key=request.form.get("key", "")[:_MAX_KEY] or secrets.token_urlsafe(18),
        mode=letter.mode,
        to=letter.to,
        cc=letter.cc,
        bcc=letter.bcc,
        subject=letter.subject,
        text=letter.text,
        quote=letter.quote,
        draft_id=letter.draft_id,
        source_id=letter.source_id,
        answers_id=back,
        back_link=request.url_for("message", id=back) if back else request.url_for("mail"),
        error=error[0],
        error_help=error[1],
        wrong=wrong or Wrong(),
        files=tuple(file_view(request, letter.source_id, one) for one in letter.files),
        limit=size(webmail.settings.webmail.upload_max_size * _KB),
        focus="" if error[0] else "text" if letter.to else "to",
    )
    shell = await shell_of(request, webmail, "compose", mailbox=mailbox)
    return request.render({"draft": view, "shell": shell}, status=status)
