"""How a seeded message is written down: a sketch without dates, and the letter it becomes when they are known."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final

ALICE: Final = "Alice Marlowe <alice@demo.test>"
BOB: Final = "Bob Fennimore <bob@demo.test>"
_FLAGS = {"S": "\\Seen", "A": "\\Answered", "F": "\\Flagged", "D": "\\Draft", ">": "$Forwarded", "J": "$Junk"}
_CONTENT = SMTP.clone(max_line_length=998)


@dataclass(frozen=True, slots=True)
class Letter:
    """`raw` is the message with CRLF line ends; `flags` are IMAP flags; `arrived` is its internal date."""

    raw: bytes
    folder: str
    flags: tuple[str, ...]
    arrived: datetime


@dataclass(frozen=True, slots=True)
class File:
    """An attachment; with a `content_id` it is an inline picture of the HTML text."""

    name: str
    type: str
    data: bytes
    content_id: str = ""
    params: tuple[tuple[str, str], ...] = ()
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Sketch:
    """One message before today's date is known.

    `age` is in days before now; `flags` has one letter each: S seen, A answered, F flagged, D draft, > forwarded,
    J junk; `charset` is that of text and header words; `headers` are added as they stand; `content` replaces text, html
    and files with MIME headers, an empty line and a body; `raw` replaces the whole message.
    """

    age: float
    sender: str
    subject: str
    text: str = ""
    html: str = ""
    to: str = ALICE
    cc: str = ""
    files: tuple[File, ...] = ()
    headers: tuple[str, ...] = ()
    folder: str = "INBOX"
    flags: str = "S"
    charset: str = "utf-8"
    encoding: str = ""
    date: str = ""
    references: tuple[str, ...] = ()
    content: Callable[[datetime], bytes] | None = None
    raw: Callable[[datetime], bytes] | None = field(default=None)

    @property
    def message_id(self) -> str:
        digest = hashlib.sha256(f"{self.sender}|{self.subject}|{self.age}".encode()).hexdigest()[:20]
        return f"<{digest}@{parseaddr(self.sender)[1].rpartition('@')[2] or 'nowhere.example'}>"

    def post(self, now: datetime) -> Letter:
        """The letter it is when read at `now`."""
        when = now - timedelta(days=self.age)
        raw = self.raw(when) if self.raw else self._header(when) + self._body(when)
        return Letter(raw, self.folder, tuple(_FLAGS[mark] for mark in self.flags), when)

    def _header(self, when: datetime) -> bytes:
        lines = [
            _line("From", self.sender, self.charset),
            _line("To", self.to, self.charset),
            _line("Cc", self.cc, self.charset),
            _line("Subject", self.subject, self.charset),
            f"Date: {self.date or format_datetime(when)}\r\n",
            f"Message-ID: {self.message_id}\r\n",
        ]
        if self.references:
            lines.append(f"In-Reply-To: {self.references[-1]}\r\n")
            lines.append("References: " + "\r\n ".join(self.references) + "\r\n")
        lines += [f"{line}\r\n" for line in self.headers]
        return "".join(lines).encode("utf-8")

    def _body(self, when: datetime) -> bytes:
        if self.content:
            return self.content(when)
        message = EmailMessage(policy=_CONTENT)
        message.set_content(_crlf_free(self.text), charset=self.charset, cte=self._encoding(self.text))
        if self.html:
            message.add_alternative(self.html, subtype="html", charset=self.charset, cte=self._encoding(self.html))
            self._add_pictures(message)
        for file in self.files:
            if not file.content_id:
                _attach(message, file)
        for number, part in enumerate(message.walk()):
            if part.is_multipart():
                part.set_boundary(f"tide-{self.message_id[1:9]}-{number}")  # the library's own would differ each time
        return message.as_bytes()

    def _encoding(self, text: str) -> str:
        if self.encoding:
            return self.encoding
        if self.charset == "iso-2022-jp" or (text.isascii() and max(map(len, text.split("\n"))) < 900):
            return "7bit"
        return "quoted-printable" if sum(letter.isascii() for letter in text) > len(text) / 2 else "base64"

    def _add_pictures(self, message: EmailMessage) -> None:
        pictures = [file for file in self.files if file.content_id]
        html = message.get_payload()[-1]  # type: ignore[index]  # an alternative was just added: the payload is a list
        for file in pictures:
            main, _, sub = file.type.partition("/")
            html.add_related(  # type: ignore[union-attr]  # its parts are EmailMessages
                file.data, main, sub, cid=f"<{file.content_id}>", filename=file.name, disposition="inline"
            )


def _attach(message: EmailMessage, file: File) -> None:
    main, _, sub = file.type.partition("/")
    disposition = "inline" if file.inline else "attachment"
    params = dict(file.params)
    if main == "text":
        # As octets: what add_attachment does with text would change line ends and charset.
        message.add_attachment(
            file.data, "application", "octet-stream", filename=file.name, disposition=disposition, params=params
        )
        part = message.get_payload()[-1]  # type: ignore[index]  # an attachment was just added: the payload is a list
        part.set_type(file.type)  # type: ignore[union-attr]  # its parts are EmailMessages
        return
    message.add_attachment(file.data, main, sub, filename=file.name, disposition=disposition, params=params)


def _crlf_free(text: str) -> str:
    return text.strip("\n") + "\n" if text else "\n"


def _line(name: str, value: str, charset: str) -> str:
    """One header line; words beyond ASCII as RFC 2047 encoded words in `charset`, addresses one by one."""
    if not value:
        return ""
    if name == "Subject":
        text = Header(value, None if value.isascii() else charset, maxlinelen=76, header_name=name).encode(
            linesep="\r\n"
        )
        return f"{name}: {text}\r\n"
    addresses = [_address(part.strip(), charset) for part in value.split(", ")]
    return f"{name}: " + ",\r\n ".join(addresses) + "\r\n"


def _address(address: str, charset: str) -> str:
    if address.isascii():
        return address
    name, _, spec = address.rpartition(" <")
    return f"{Header(name, charset, maxlinelen=60).encode(linesep=chr(13) + chr(10))} <{spec}"


def thread(subject: str, *posts: tuple[float, str, str], flags: Sequence[str] = (), **options: str) -> list[Sketch]:
    """A conversation: (age, sender, text) of each message in order; each answers and quotes the one before.

    What Alice wrote lies in Sent. `flags` go to the messages in order, "S" where they end.
    """
    sketches: list[Sketch] = []
    references: tuple[str, ...] = ()
    for number, (age, sender, text) in enumerate(posts):
        sketch = Sketch(
            age,
            sender,
            subject if not sketches else f"Re: {subject}",
            text.strip("\n") + (_quoted(sketches[-1]) if sketches else ""),
            to=_answered(sketches[-1], sender) if sketches else (BOB if sender == ALICE else ALICE),
            flags=flags[number] if number < len(flags) else "S",
            references=references,
        )
        if sender == ALICE:
            sketch = replace(sketch, folder="Sent", flags="S")
        sketches.append(replace(sketch, **options))  # type: ignore[arg-type]  # names of fields that hold text
        references = (*references, sketches[-1].message_id)
    return sketches


def _answered(previous: Sketch, sender: str) -> str:
    return previous.to if previous.sender == sender else previous.sender


def _quoted(previous: Sketch) -> str:
    own = previous.text.split("\n\nOn an earlier day", 1)[0]
    quoted = "\n".join(f"> {line}".rstrip() for line in own.strip("\n").split("\n"))
    return f"\n\nOn an earlier day {parseaddr(previous.sender)[0]} wrote:\n{quoted}"
