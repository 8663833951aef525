"""A mail from the fields of a form: RFC 5322 bytes, and the envelope to send them with.

Promise: no field can add a header, a part or a recipient beyond what it stands for; Bcc never leaves with the message;
what cannot be sent is named field by field (`BadDraft`), nothing is silently dropped.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from hsp.mail.addresses import Mailbox, parse_address, parse_addresses
from hsp.mail.errors import BadDraft, TooLarge
from hsp.mail.header_writer import address_field, clean_text, message_ids, text_field, token_field

__all__ = ["Attached", "ComposeLimits", "Composed", "Draft", "compose"]

_POLICY = SMTP.clone(cte_type="7bit")
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_MAX_REFERENCES = 20
_FALLBACK_TYPE = ("application", "octet-stream")


@dataclass(frozen=True, slots=True)
class Attached:
    """A file to go with a mail. A `content_id` (without brackets) makes it an inline part of the HTML body."""

    filename: str
    content_type: str
    data: bytes
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields as the form has them. `sender` is the address to send from, set by us and never by the form.

    `answers` and `forwards` are ids of the mail this one replies to or passes on; `form_key` is the form's own random
    key, by which a form sent twice makes one mail.
    """

    sender: str
    sender_name: str = ""
    to: str = ""
    cc: str = ""
    bcc: str = ""
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[Attached, ...] = ()
    in_reply_to: str = ""
    references: str = ""
    answers: str = ""
    forwards: str = ""
    form_key: str = ""


@dataclass(frozen=True, slots=True)
class ComposeLimits:
    """`message_size` is bytes of the whole message as sent, i.e. about 4/3 of its attachments."""

    recipients: int = 500
    subject: int = 990
    message_size: int = 36 * 2**20


@dataclass(frozen=True, slots=True)
class Composed:
    """A mail ready for the outbox. `digest` is the same for the same fields, whenever and wherever composed."""

    message: bytes
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    bcc_field: bytes
    subject: str
    digest: str
    answers: str = ""
    forwards: str = ""
    form_key: str = ""

    @property
    def saved_copy(self) -> bytes:
        """The message for Sent: the sender may see whom Bcc named."""
        return self.bcc_field + self.message


def compose(
    draft: Draft,
    *,
    now: float,
    limits: ComposeLimits | None = None,
    token: Callable[[], str] = lambda: secrets.token_hex(16),
) -> Composed:
    """Build the message; `now` is epoch seconds for its Date. Work for a thread when attachments are large.

    Raises BadDraft with every problem found, TooLarge when the message exceeds the limit.
    """
    limits = limits or ComposeLimits()
    sender, lists = _check(draft, limits)
    message_id = f"<{token()}@{_id_domain(sender)}>"
    fields = [
        token_field("Date", [format_datetime(datetime.fromtimestamp(int(now), UTC))]),
        address_field("From", [Mailbox(draft.sender_name, sender)]),
        *(address_field(name, lists[name]) for name in ("To", "Cc") if lists[name]),
        text_field("Subject", draft.subject),
        token_field("Message-ID", [message_id]),
        *_thread_fields(draft),
    ]
    if not lists["To"] and not lists["Cc"]:
        fields.insert(2, b"To: undisclosed-recipients:;\r\n")
    message = b"".join(fields) + _body(draft).as_bytes(policy=_POLICY)
    if len(message) > limits.message_size:
        raise TooLarge(f"{len(message)} bytes, at most {limits.message_size}")
    everybody = dict.fromkeys(mailbox.address for name in ("To", "Cc", "Bcc") for mailbox in lists[name])
    return Composed(
        message,
        message_id,
        sender,
        tuple(everybody),
        address_field("Bcc", lists["Bcc"]) if lists["Bcc"] else b"",
        clean_text(draft.subject),
        _digest(draft),
        draft.answers,
        draft.forwards,
        draft.form_key,
    )


def _check(draft: Draft, limits: ComposeLimits) -> tuple[str, dict[str, list[Mailbox]]]:
    problems: list[tuple[str, str]] = []
    sender = parse_address(draft.sender)
    if sender is None:
        problems.append(("from", "bad_address"))
    lists: dict[str, list[Mailbox]] = {}
    for name, text in (("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc)):
        lists[name], bad = parse_addresses(text)
        problems.extend((name.lower(), f"bad_address: {clean_text(piece)[:80]}") for piece in bad)
    count = sum(len(mailboxes) for mailboxes in lists.values())
    if count == 0 and not problems:
        problems.append(("to", "no_recipient"))
    if count > limits.recipients:
        problems.append(("to", "too_many_recipients"))
    if len(draft.subject) > limits.subject:
        problems.append(("subject", "too_long"))
    if problems or sender is None:
        raise BadDraft(tuple(problems))
    return sender, lists


def _id_domain(sender: str) -> str:
    domain = sender.rpartition("@")[2]
    return domain if domain.isascii() else "localhost"


def _thread_fields(draft: Draft) -> Iterable[bytes]:
    parents = message_ids(draft.in_reply_to)[:1]
    chain = [one for one in message_ids(draft.references) if one not in parents] + parents
    if len(chain) > _MAX_REFERENCES:
        chain = chain[:1] + chain[-(_MAX_REFERENCES - 1) :]
    if parents:
        yield token_field("In-Reply-To", parents)
    if chain:
        yield token_field("References", chain)


def _body(draft: Draft) -> EmailMessage:
    body = EmailMessage(policy=_POLICY)
    body.set_content(_clean_body(draft.text), charset="utf-8")
    inline = [one for one in draft.attachments if one.content_id and draft.html]
    if draft.html:
        body.add_alternative(_clean_body(draft.html), subtype="html", charset="utf-8")
        html_part = list(body.iter_parts())[1]
        for one in inline:
            html_part.add_related(one.data, *_type(one), cid=f"<{clean_text(one.content_id)}>", filename=_filename(one))
    for one in draft.attachments:
        if one not in inline:
            body.add_attachment(one.data, *_type(one), filename=_filename(one))
    return body


def _clean_body(text: str) -> str:
    # A lone surrogate cannot be encoded, a NUL may not be sent (RFC 5322 section 4): neither is worth a refusal.
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _type(attached: Attached) -> tuple[str, str]:
    main, _, sub = attached.content_type.partition(";")[0].strip().lower().partition("/")
    usable = _TYPE.fullmatch(main) and _TYPE.fullmatch(sub) and main not in {"multipart", "message"}
    return (main, sub) if usable else _FALLBACK_TYPE


def _filename(attached: Attached) -> str:
    # Some browsers send the whole path; only its last part is the file's name.
    name = re.split(r"[/\\]", clean_text(attached.filename))[-1]
    return name[:200] or "attachment"


def _digest(draft: Draft) -> str:
    digest = hashlib.sha256()
    texts = (draft.sender, draft.to, draft.cc, draft.bcc, draft.subject, draft.text, draft.html, draft.in_reply_to)
    for value in texts:
        _feed(digest.update, value.encode("utf-8", "surrogatepass"))
    for attached in draft.attachments:
        _feed(digest.update, attached.filename.encode("utf-8", "surrogatepass"))
        _feed(digest.update, attached.data)
    return digest.hexdigest()


def _feed(update: Callable[[bytes], None], data: bytes) -> None:
    update(len(data).to_bytes(8, "big"))
    update(data)
