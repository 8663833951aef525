"""One message of the embedded IMAP server, as pymap wants to see it.

pymap reads headers with the strict parser of the standard library: a broken Date ends the connection, a part's size
counts its header, and parts inside a forwarded message get wrong numbers. This view answers from `hsp.demo.mime`.
"""

from __future__ import annotations

import base64
import binascii
import quopri
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from email.header import decode_header, make_header
from email.utils import parsedate_to_datetime
from typing import Any, cast

from pymap.backend.dict.mailbox import LoadedMessage
from pymap.backend.dict.mailbox import Message as DictMessage
from pymap.bytes import Writeable, WriteStream
from pymap.interfaces.message import LoadedMessageInterface
from pymap.parsing.primitives import List
from pymap.parsing.response.fetch import BodyStructure, EnvelopeStructure
from pymap.parsing.specials import FetchRequirement, Flag, ObjectId

from hsp.demo.envelope import body_structure, envelope
from hsp.demo.mime import Part

_CHARSETS_OF_OLD_MAIL = ("utf-8", "latin-1")


class Message(DictMessage):
    """A message of the mailbox; `part` is its octets and their tree."""

    __slots__ = ("part",)

    def __init__(
        self,
        uid: int,
        internal_date: datetime,
        flags: Iterable[Flag],
        part: Part,
        *,
        email_id: ObjectId,
        thread_id: ObjectId,
        recent: bool = False,
        expunged: bool = False,
    ) -> None:
        super().__init__(
            uid, internal_date, flags, expunged=expunged, email_id=email_id, thread_id=thread_id, recent=recent
        )
        self.part = part

    def twin(self, uid: int, *, recent: bool = False, expunged: bool = False) -> Message:
        """The same message under another number, or as it was before it was expunged."""
        return Message(
            uid,
            self.internal_date,
            self.permanent_flags,
            self.part,
            email_id=self.email_id,
            thread_id=self.thread_id,
            recent=recent,
            expunged=expunged,
        )

    async def load_content(self, requirement: FetchRequirement) -> LoadedMessage:
        return cast("LoadedMessage", Loaded(self.part, requirement))


class _Envelope(EnvelopeStructure):
    def __init__(self, part: Part) -> None:
        lists = [[_readable(value) for value in part.all(name)] for name in ("from", "to", "cc", "bcc")]
        # SEARCH asks these for their text alone, so plain strings stand where pymap has header objects.
        subject = _readable(part.first("subject") or "")
        super().__init__(
            cast("Any", _Sent.of(part)), cast("Any", subject), cast("Any", lists[0]), None, None,
            cast("Any", lists[1]), cast("Any", lists[2]), cast("Any", lists[3]), None, None,
        )  # fmt: skip
        self._part = part

    def write(self, writer: WriteStream) -> None:
        writer.write(bytes(self))

    def __bytes__(self) -> bytes:
        return envelope(self._part)


class _Sent:
    """What SENTBEFORE, SENTON and SENTSINCE compare; a date nobody can read matches none of them."""

    def __init__(self, when: datetime) -> None:
        self.datetime = when

    @classmethod
    def of(cls, part: Part) -> _Sent | None:
        try:
            return cls(parsedate_to_datetime(part.first("date") or ""))
        except (TypeError, ValueError, IndexError):
            return None


class _Structure(BodyStructure):
    def __init__(self, part: Part) -> None:
        super().__init__(part.type, part.subtype, None, None, None, None)
        self._part = part

    def write(self, writer: WriteStream) -> None:
        writer.write(bytes(self))

    def __bytes__(self) -> bytes:
        return body_structure(self._part, extended=False)

    @property
    def extended(self) -> List:
        return List([body_structure(self._part, extended=True)[1:-1]])


class Loaded(LoadedMessageInterface):
    """The content of one message while one answer is written."""

    def __init__(self, part: Part, requirement: FetchRequirement) -> None:
        self._part = part
        self._requirement = requirement

    @property
    def requirement(self) -> FetchRequirement:
        return self._requirement

    def __bytes__(self) -> bytes:
        return self._part.raw

    def _find(self, section: Sequence[int] | None) -> Part | None:
        try:
            return self._part.find(section or ())
        except IndexError:
            return None

    def get_header(self, name: bytes) -> Sequence[str]:
        return [_readable(value) for value in self._part.all(name.decode("latin-1").lower())]

    def get_headers(self, section: Sequence[int]) -> Writeable:
        part = self._find(section)
        return Writeable.wrap(part.header if part else b"")

    def get_message_headers(
        self, section: Sequence[int] | None = None, subset: Collection[bytes] | None = None, inverse: bool = False
    ) -> Writeable:
        part = self._message(section)
        if part is None:
            return Writeable.empty()
        if subset is None:
            return Writeable.wrap(part.header)
        wanted = {name.decode("latin-1").lower() for name in subset}
        lines = [raw for name, raw, _ in part.fields if inverse != (name in wanted)]
        return Writeable.wrap(b"".join(lines) + b"\r\n")

    def get_message_text(self, section: Sequence[int] | None = None) -> Writeable:
        part = self._message(section)
        return Writeable.wrap(part.body if part else b"")

    def _message(self, section: Sequence[int] | None) -> Part | None:
        """HEADER and TEXT of a numbered part exist where that part is a message."""
        part = self._find(section)
        return part.message if part and section else part

    def get_body(self, section: Sequence[int] | None = None, binary: bool = False) -> Writeable:
        part = self._find(section)
        if part is None:
            return Writeable.empty()
        body = _decoded(part) if binary else part.body
        return Writeable.wrap(body if section else part.header + body)

    def get_size(self, section: Sequence[int] | None = None) -> int:
        part = self._find(section)
        if part is None:
            return 0
        return len(part.body) if section else len(part.header) + len(part.body)

    def get_envelope_structure(self) -> EnvelopeStructure:
        return _Envelope(self._part)

    def get_body_structure(self) -> BodyStructure:
        return _Structure(self._part)

    def contains(self, value: bytes) -> bool:
        needle = value.decode("utf-8", "replace").casefold()
        for part in self._part.walk():
            header = " ".join(_readable(text) for _, _, text in part.fields)
            if needle in header.casefold():
                return True
            if part.type == "text" and needle in _text(part).casefold():
                return True
        return False


def _decoded(part: Part) -> bytes:
    """The body without its transfer encoding; one that cannot be undone stays as it is."""
    encoding = part.encoding.lower()
    try:
        if encoding == "base64":
            return base64.b64decode(part.body)
        if encoding == "quoted-printable":
            return quopri.decodestring(part.body)
    except binascii.Error:
        return part.body
    return part.body


def _text(part: Part) -> str:
    return _to_text(_decoded(part), part.content_type.get("charset"))


def _to_text(octets: bytes, charset: str) -> str:
    for name in (charset or "utf-8", *_CHARSETS_OF_OLD_MAIL):
        try:
            return octets.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return ""


def _readable(value: str) -> str:
    """Header text as a person reads it: RFC 2047 words decoded, raw octets taken for UTF-8 when they are that."""
    try:
        value = value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
    try:
        return str(make_header(decode_header(value))) if "=?" in value else value
    except (LookupError, UnicodeError, ValueError):
        return value
