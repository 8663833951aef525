"""The values that pass between an IMAP server and us. All immutable; text from messages stays raw.

The types made once per message are named tuples: a page of fifty rows makes a thousand of them, and a named tuple is
built four times as fast as a frozen dataclass.
"""

import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

Value = str | bytes | list["Value"] | None
"""A value on the wire: atoms are str, strings and literals bytes, NIL None, parenthesised lists list."""

Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is and how to speak to it. Times are seconds, sizes are bytes.

    `command_timeout` is how long the server may stay silent while it owes an answer. `max_line` bounds what a response
    holds outside literals (number lists may reach `max_literal`), `max_answer` all answers of the commands in flight.
    """

    host: str
    port: int
    security: Security = "tls"
    allow_plaintext: bool = False
    ssl_context: ssl.SSLContext | None = None
    connect_timeout: float = 10
    command_timeout: float = 60
    max_literal: int = 64 * 2**20
    max_line: int = 2**20
    max_answer: int = 256 * 2**20


class Address(NamedTuple):
    """One address of an ENVELOPE (RFC 9051 section 7.5.2); `name` is raw header text.

    A host of None marks group syntax: with a mailbox it begins the group of that name, without one it ends the group.
    """

    name: bytes
    mailbox: str | None
    host: str | None


class Envelope(NamedTuple):
    """What the server read from a message's header; `subject` and names are raw, RFC 2047 is the reader's business."""

    date: str
    subject: bytes
    from_: tuple[Address, ...]
    sender: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    in_reply_to: str
    message_id: str


class BodyPart(NamedTuple):
    """One node of a BODYSTRUCTURE (RFC 9051 section 7.5.2).

    `section` is what BODY[...] takes: "1.2"; a message's own multipart is "TEXT" (in part 3: "3.TEXT"). Types,
    encodings and parameter names are lower case, sizes bytes. A message/rfc822 part has its message's structure as its
    only child in `parts` and its `envelope`.
    """

    section: str
    type: str
    subtype: str
    params: dict[str, str]
    content_id: str = ""
    description: bytes = b""
    encoding: str = ""
    size: int = 0
    lines: int | None = None
    disposition: str = ""
    disposition_params: dict[str, str] = {}  # noqa: RUF012  never changed: every value is replaced, none edited
    language: tuple[str, ...] = ()
    parts: "tuple[BodyPart, ...]" = ()
    envelope: Envelope | None = None


class Fetched(NamedTuple):
    """What a FETCH told about one message; what was not asked for is empty.

    `sections` is keyed by the section asked for: "" (whole message), "HEADER", "1.2.MIME", "HEADER.FIELDS (SUBJECT)";
    a partial answer has its origin behind it: "1.2<4096>"; BINARY[1] is "BINARY 1". Envelope and structure are None
    when the server sent nonsense for them. `extra` holds items this package has no field for (EMAILID, PREVIEW ...),
    `items` the names of all that was told.
    """

    seq: int
    uid: int
    flags: frozenset[str]
    internal_date: datetime | None
    size: int
    modseq: int
    envelope: Envelope | None
    structure: BodyPart | None
    sections: dict[str, bytes]
    extra: dict[str, Value]
    items: frozenset[str]


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of a folder (STATUS, RFC 9051 section 6.3.11); None is what the server did not say."""

    messages: int | None = None
    unseen: int | None = None
    uidnext: int | None = None
    uidvalidity: int | None = None
    highestmodseq: int | None = None
    mailboxid: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """One folder of LIST: its decoded name, flags as the server wrote them, special use without backslash."""

    name: str
    delimiter: str | None
    flags: frozenset[str]
    special_use: str | None = None
    status: Status | None = None

    @property
    def selectable(self) -> bool:
        return not self.flags & {"\\Noselect", "\\NonExistent"}


@dataclass(frozen=True, slots=True)
class Selected:
    """What SELECT or EXAMINE told (RFC 9051 section 6.3.2); with QRESYNC also what changed since (RFC 7162)."""

    name: str
    exists: int
    uidvalidity: int = 0
    uidnext: int = 0
    highestmodseq: int = 0
    flags: frozenset[str] = frozenset()
    permanent_flags: frozenset[str] = frozenset()
    mailboxid: str | None = None
    read_only: bool = False
    vanished: tuple[range, ...] = ()
    changed: tuple[Fetched, ...] = ()


@dataclass(frozen=True, slots=True)
class AppendUid:
    """Where an appended message went (UIDPLUS, RFC 4315)."""

    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True)
class CopyUid:
    """Where copied messages went: `uids` maps source UID to new UID (UIDPLUS, RFC 4315)."""

    uidvalidity: int
    uids: dict[int, int]


@dataclass(frozen=True, slots=True)
class Quota:
    """Use and limit of a quota root (RFC 9208): storage in bytes, messages by number; None where there is no limit."""

    root: str
    storage_used: int | None = None
    storage_limit: int | None = None
    messages_used: int | None = None
    messages_limit: int | None = None


@dataclass(frozen=True, slots=True)
class Namespaces:
    """NAMESPACE (RFC 2342): (prefix, delimiter) pairs."""

    personal: tuple[tuple[str, str | None], ...] = ()
    others: tuple[tuple[str, str | None], ...] = ()
    shared: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Untagged:
    """News the server tells by itself.

    EXISTS and EXPUNGE come with their number, VANISHED with UID ranges, FETCH with flags, OK, NO and BYE with text.
    """

    kind: str
    number: int | None = None
    uids: tuple[range, ...] = ()
    fetched: Fetched | None = None
    code: str = ""
    text: str = ""
