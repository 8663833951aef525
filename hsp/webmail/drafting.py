"""The fields of the compose page: where they come from (a reply, a forward, a kept draft) and what they become.

Promise: what was typed is never lost: addresses that are none are kept with the draft as they were typed.
"""

import asyncio
import re
from dataclasses import dataclass, field, replace

from hsp.mail import Attached, Draft, Mailbox, OpenedMail, compose
from hsp.mail.addresses import parse_addresses
from hsp.mail.content import Attachment, TooComplex, read_structure
from hsp.mail.header_writer import address_field, text_field
from hsp.webmail.format import Dates
from hsp.webmail.letter import Header, plain_text, read_header, sent_at

_REPLY = re.compile(r"(?i)(?:re|aw|sv|antw|ré|rif|odp)\s*(?:\[\d+\])?:\s*")
_FORWARD = re.compile(r"(?i)(?:fwd?|wg|tr|rv|vs|doorst)\s*:\s*")
_TO_LINE = re.compile(rb"^To: [^\r]*\r\n(?:[ \t][^\r]*\r\n)*", re.MULTILINE)
_AS_TYPED = "X-Hsp-Typed-"
_QUOTED_SIGNATURE = "\n-- \n"


@dataclass(slots=True)
class Letterhead:
    """What the compose form holds. `source_id` is the mail whose files can be kept, `draft_id` the draft it replaces,
    `answers` and `forwards` the mail it is about."""

    title: str = "New mail"
    mode: str = "new"
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    quote: str = ""
    draft_id: str = ""
    source_id: str = ""
    answers: str = ""
    forwards: str = ""
    in_reply_to: str = ""
    references: str = ""
    files: list[Attachment] = field(default_factory=list)


async def reply_to(mailbox: Mailbox, mail: OpenedMail, own: str, dates: Dates, *, everyone: bool) -> Letterhead:
    """A reply: to Reply-To or the author, or with `everyone` to all others as well. Raises MailError."""
    header = read_header(mail.header)
    to = header.addresses("reply-to") or header.addresses("from", "sender")
    if all(address.lower() == own for _, address in to):
        to = header.addresses("to")
    others = [one for one in header.addresses("to", "cc") if one not in to and one[1].lower() != own]
    letter = Letterhead(
        title="Reply to all" if everyone else "Reply",
        mode="reply",
        to=_line(to),
        cc=_line(others) if everyone else "",
        subject=_subject("Re: ", _REPLY, header),
        quote=_quote(header, await plain_text(mailbox, mail), dates.full(sent_at(header, mail.date))),
        answers=mail.id,
    )
    thread(letter, header)
    return letter


async def forward(mailbox: Mailbox, mail: OpenedMail, dates: Dates) -> Letterhead:
    """A mail passed on, its files kept. Raises MailError."""
    header = read_header(mail.header)
    lines = [f"{name.title()}: {header.get(name)}" for name in ("from", "to", "cc", "subject") if header.get(name)]
    lines.insert(1, f"Date: {dates.full(sent_at(header, mail.date))}")
    text = await plain_text(mailbox, mail)
    return Letterhead(
        title="Forward",
        mode="forward",
        subject=_subject("Fwd: ", _FORWARD, header),
        quote="\n".join(["---------- Forwarded mail ----------", *lines, "", text]),
        source_id=mail.id,
        forwards=mail.id,
        files=files_of(mail),
    )


async def reopened(mailbox: Mailbox, mail: OpenedMail) -> Letterhead:
    """A draft taken up again, with everything as it was typed. Raises MailError."""
    header = read_header(mail.header)

    def typed(name: str) -> str:
        return header.get(f"{_AS_TYPED}{name}".lower()) or _line(header.addresses(name.lower()))

    return Letterhead(
        title="Draft",
        mode="draft",
        to=typed("To"),
        cc=typed("Cc"),
        bcc=typed("Bcc"),
        subject=header.get("subject"),
        text=await plain_text(mailbox, mail),
        draft_id=mail.id,
        source_id=mail.id,
        in_reply_to=header.raw.get("in-reply-to", ""),
        references=header.raw.get("references", ""),
        files=files_of(mail),
    )


def thread(letter: Letterhead, header: Header) -> None:
    """Tie a reply to the mail it answers (RFC 5322 section 3.6.4)."""
    letter.in_reply_to = header.raw.get("message-id", "")
    letter.references = f"{header.raw.get('references', '')} {letter.in_reply_to}".strip()


def files_of(mail: OpenedMail) -> list[Attachment]:
    """The files a mail carries; none of a mail too deep to take apart."""
    try:
        plan = read_structure(mail.structure, prefer_html=False)
    except TooComplex:
        return []
    return [*plan.attachments, *plan.inline.values()]


async def fetch(mailbox: Mailbox, mail_id: str, files: list[Attachment]) -> list[Attached]:
    """These files of a mail with their content, to be sent along. Raises MailError."""
    return [Attached(one.name, one.type, await mailbox.part(mail_id, one.section)) for one in files]


async def draft_message(draft: Draft, now: float) -> bytes:
    """A draft as a message to keep. It may lack recipients or have wrong ones: they are kept as typed."""
    sayable = replace(draft, to=draft.sender, cc="", bcc="", subject=draft.subject[:900])
    composed = await asyncio.to_thread(compose, sayable, now=now)
    fields = b"".join(
        _kept_field(name, text) for name, text in (("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc)) if text
    )
    return _TO_LINE.sub(lambda _: fields, composed.message, count=1)


def _kept_field(name: str, text: str) -> bytes:
    mailboxes, bad = parse_addresses(text)
    return text_field(f"{_AS_TYPED}{name}", text) if bad else address_field(name, mailboxes)


def _line(people: list[tuple[str, str]]) -> str:
    return ", ".join(_person(name, address) for name, address in people if address)


def _person(name: str, address: str) -> str:
    if not name or name == address:
        return address
    plain = re.fullmatch(r"[^\"\\,;:<>@()\[\]]+", name)
    quoted = name if plain else '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
    return f"{quoted} <{address}>"


def _subject(prefix: str, known: re.Pattern[str], header: Header) -> str:
    subject = header.get("subject")
    while match := known.match(subject):
        subject = subject[match.end() :]
    return f"{prefix}{subject}"


def _quote(header: Header, text: str, date: str) -> str:
    """The mail with a line in front of each line, without its signature."""
    name, address = next(iter(header.addresses("from", "sender")), ("", ""))
    body = text.partition(_QUOTED_SIGNATURE)[0].rstrip()
    lines = [f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in body.split("\n")]
    return "\n".join([f"{name or address or 'Somebody'} wrote ({date}):", *lines])
