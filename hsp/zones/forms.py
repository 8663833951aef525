"""Query strings and posted forms, read within limits.

Promise: nothing past the configured size is kept, invalid UTF-8 and NUL are refused before a handler sees them, and a
broken body is a clear 400 or 413, never a crash (class SC-30).
"""

import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

MAX_FIELDS = 2000
MAX_FILES = 200
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]*(?:&[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]*){0,20}")


class BadInput(Exception):
    """The request cannot be read; `status` is the answer, `key` names the sentence shown to the user."""

    def __init__(self, key: str, status: int = 400) -> None:
        super().__init__(key)
        self.key = key
        self.status = status


class BodyTooLarge(BadInput):
    """The body is over the limit (413)."""

    def __init__(self) -> None:
        super().__init__("body_too_large", 413)


class ClientGone(Exception):
    """The client closed the connection before its body was complete."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file. `filename` and `content_type` are what the client claims: data, never trusted."""

    filename: str
    content_type: str
    size: int
    file: IO[bytes]

    def read(self) -> bytes:
        """The whole content, from its beginning."""
        self.file.seek(0)
        return self.file.read()


@dataclass(slots=True)
class Fields(Mapping[str, str]):
    """Names and values of a query or a form. Mapping access gives the first value of a name."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    uploads: list[tuple[str, Upload]] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        for key, value in self.pairs:
            if key == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(dict(self.pairs))

    def __len__(self) -> int:
        return len(dict(self.pairs))

    def getlist(self, name: str) -> list[str]:
        """Every value of a name, in order."""
        return [value for key, value in self.pairs if key == name]

    def files(self, name: str) -> list[Upload]:
        """The uploaded files of a field; fields left empty by the browser are none."""
        return [upload for key, upload in self.uploads if key == name and (upload.filename or upload.size)]

    def close(self) -> None:
        """Close the temporary files."""
        for _, upload in self.uploads:
            upload.file.close()


def parse_query(raw: bytes) -> Fields:
    """The query string. Raises BadInput for invalid UTF-8, control characters or too many fields."""
    if _PLAIN.fullmatch(raw):  # nothing is encoded, so nothing is hidden: most queries of ours are of this kind
        return Fields([(name, value) for name, _, value in [part.partition("=") for part in raw.decode().split("&")]])
    fields = Fields(_pairs(raw))
    for name, value in fields.pairs:
        if not (name + value).isprintable() and any(c < " " or c == "\x7f" for c in name + value):
            raise BadInput("control_characters")
    return fields


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    if not raw:
        return []
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError:
        raise BadInput("invalid_utf8") from None
    except ValueError:
        raise BadInput("too_many_fields") from None


async def parse_form(headers: Headers, receive: Receive, *, limit: int, drain: bool = False) -> Fields:
    """The posted form, urlencoded or multipart, of at most `limit` bytes.

    With `drain` the rest of an oversized body is read and thrown away, so that the client sees the answer
    (`allowLargeIncomingData`). Raises BadInput, BodyTooLarge or ClientGone. Other content types give an empty form.
    """
    body = _limited(headers, receive, limit, drain)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        fields = await _multipart(headers, body, limit)
    elif kind == "application/x-www-form-urlencoded":
        fields = Fields(_pairs(b"".join([chunk async for chunk in body]).strip()))
    else:
        async for _ in body:
            pass
        return Fields()
    _refuse_nul(fields)
    return fields


async def _limited(headers: Headers, receive: Receive, limit: int, drain: bool) -> AsyncIterator[bytes]:
    declared = headers.get("content-length", "")
    too_large = declared.isascii() and declared.isdigit() and int(declared) > limit
    if too_large and not drain:
        raise BodyTooLarge
    seen = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        seen += len(chunk)
        too_large = too_large or seen > limit
        if too_large and not drain:
            raise BodyTooLarge
        if chunk and not too_large:
            yield chunk
        if not message.get("more_body", False):
            break
    if too_large:
        raise BodyTooLarge


class _StrictParser(MultiPartParser):
    """Starlette's parser without its leniency: UTF-8 or nothing, and no body cut off before its last boundary.

    The charset a client names is not honoured: browsers name none, and some codecs take quadratic time.
    """

    _complete = False

    def on_headers_finished(self) -> None:
        """A part's headers are read: its name and file name must be UTF-8. Raises UnicodeDecodeError."""
        (self._current_part.content_disposition or b"").decode("utf-8")
        self._charset = "utf-8"
        super().on_headers_finished()

    def on_part_end(self) -> None:
        """A part is read: a field must be UTF-8. Raises UnicodeDecodeError."""
        self._current_part.data.decode("utf-8")
        super().on_part_end()

    def on_end(self) -> None:
        """The last boundary was there."""
        self._complete = True

    async def parse(self) -> FormData:
        """The form. Raises MultiPartException for a body that was cut off."""
        form = await super().parse()
        if not self._complete:
            await form.close()
            raise MultiPartException("The body ends before its last boundary.")
        return form


async def _multipart(headers: Headers, body: AsyncIterator[bytes], limit: int) -> Fields:
    parser = _StrictParser(
        headers,
        body,  # type: ignore[arg-type]  # it only iterates
        max_files=MAX_FILES,
        max_fields=MAX_FIELDS,
        max_part_size=limit,
    )
    try:
        form = await parser.parse()
    except UnicodeError:
        raise BadInput("invalid_utf8") from None
    except (MultiPartException, KeyError, ValueError):
        raise BadInput("broken_form") from None
    except OSError:  # the spool directory is full: fail closed, the page keeps what the browser still has
        raise BadInput("disk_full", 507) from None
    fields = Fields()
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            fields.uploads.append((name, _upload(value)))
        else:
            fields.pairs.append((name, value))
    return fields


def _upload(value: UploadFile) -> Upload:
    return Upload(value.filename or "", value.content_type or "application/octet-stream", value.size or 0, value.file)


def _refuse_nul(fields: Fields) -> None:
    names = [(name, upload.filename + upload.content_type) for name, upload in fields.uploads]
    if any("\0" in name or "\0" in value for name, value in (*fields.pairs, *names)):
        fields.close()
        raise BadInput("control_characters")


def pack(fields: Fields, *, skip: Sequence[str] = ()) -> dict[str, object]:
    """A form as plain JSON data (files in Latin-1), for keeping an interrupted POST."""
    return {
        "fields": [[name, value] for name, value in fields.pairs if name not in skip],
        "files": [
            [name, upload.filename, upload.content_type, upload.read().decode("latin-1")]
            for name, upload in fields.uploads
        ],
    }


def unpack(data: Mapping[str, object]) -> Fields:
    """The form that `pack` made plain."""
    fields = Fields([(str(name), str(value)) for name, value in data["fields"]])  # type: ignore[attr-defined]  # our own record
    for name, filename, content_type, text in data["files"]:  # type: ignore[attr-defined]  # our own record
        content = text.encode("latin-1")
        file = tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115  # closed with the form
        file.write(content)
        fields.uploads.append((name, Upload(filename, content_type, len(content), file)))
    return fields
