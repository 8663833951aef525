"""A tolerant walk through the MIME tree of one message, for the embedded IMAP server.

Promise: `parse` never raises and never alters an octet, whatever the message holds; what cannot be understood becomes a
plain text leaf. The sections it finds are the ones RFC 3501 section 6.4.5 numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_HEADER_END = re.compile(rb"\r?\n\r?\n")
_LINE_START = re.compile(rb"\A\r?\n")
_PARAMETER = re.compile(r';\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"?|[^;]*)', re.DOTALL)
_MAX_DEPTH = 40


@dataclass(frozen=True)
class Value:
    """A structured header value: its lower-cased main word and its raw parameters in order."""

    main: str
    parameters: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str:
        return next((value for key, value in self.parameters if key.lower() == name), "")


@dataclass(frozen=True)
class Part:
    """One node of the tree: `raw` octets, cut into `header` (with its empty line) and `body`."""

    header: bytes
    body: bytes
    depth: int = 0
    default_type: str = "text/plain"

    @property
    def raw(self) -> bytes:
        return self.header + self.body

    @cached_property
    def fields(self) -> tuple[tuple[str, bytes, str], ...]:
        """The header fields as (lower-cased name, raw octets with line end, unfolded value)."""
        return tuple(_fields(self.header))

    def all(self, name: str) -> list[str]:
        return [value for key, _, value in self.fields if key == name]

    def first(self, name: str) -> str | None:
        return next((value for key, _, value in self.fields if key == name), None)

    @cached_property
    def content_type(self) -> Value:
        """Type and parameters; text/plain where nothing usable is said (RFC 2045, section 5.2)."""
        value = structured(self.first("content-type") or self.default_type)
        main, slash, sub = value.main.partition("/")
        if not (main and slash and sub):
            return Value("text/plain", ())
        broken_multipart = main == "multipart" and not value.get("boundary")
        return Value("text/plain", ()) if broken_multipart else value

    @property
    def type(self) -> str:
        return "text" if self._is_hollow else self.content_type.main.partition("/")[0]

    @property
    def subtype(self) -> str:
        return "plain" if self._is_hollow else self.content_type.main.partition("/")[2]

    @property
    def _is_hollow(self) -> bool:
        """A multipart in which no part was found reads as text, as it does for a person."""
        return self.content_type.main.startswith("multipart/") and not self.parts

    @property
    def encoding(self) -> str:
        return (self.first("content-transfer-encoding") or "7bit").strip()

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The parts of a multipart; none of anything else, and none below the deepest level."""
        main = self.content_type.main
        if self.depth >= _MAX_DEPTH or not main.startswith("multipart/"):
            return ()
        default = "message/rfc822" if main == "multipart/digest" else "text/plain"
        pieces = _split(self.body, self.content_type.get("boundary"))
        return tuple(parse(piece, self.depth + 1, default) for piece in pieces)

    @cached_property
    def message(self) -> Part | None:
        """The message inside a message/rfc822 part."""
        if self.depth >= _MAX_DEPTH or self.content_type.main != "message/rfc822":
            return None
        return parse(self.body, self.depth + 1)

    def find(self, section: Sequence[int]) -> Part:
        """The part a section number names (RFC 3501 6.4.5); raises IndexError when there is none."""
        level: Part | None = self
        part = self
        for number in section:
            if level is None or number < 1:
                raise IndexError(number)
            if level.parts:
                part = level.parts[number - 1]
            elif number == 1:
                part = level
            else:
                raise IndexError(number)
            level = part.message or (part if part.parts else None)
        return part

    def walk(self) -> list[Part]:
        """This part and every part below it, in the order in which they stand in the message."""
        below = [*self.parts, *([self.message] if self.message else [])]
        return [self, *(found for part in below for found in part.walk())]


def parse(raw: bytes, depth: int = 0, default_type: str = "text/plain") -> Part:
    """Cuts the header off `raw` at the first empty line; the tree below is read when it is asked for."""
    found = _LINE_START.match(raw) or _HEADER_END.search(raw)
    end = found.end() if found else len(raw)
    return Part(raw[:end], raw[end:], depth, default_type)


def structured(text: str) -> Value:
    """Reads `word; name=value; name="value"` without decoding RFC 2231, so that a client sees what was written."""
    main, _, rest = text.partition(";")
    pairs = [(name, _unquote(value)) for name, value in _PARAMETER.findall(";" + rest)]
    return Value(main.strip().lower(), tuple(pairs))


def _unquote(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:].removesuffix('"'))
    return value


def _fields(header: bytes) -> list[tuple[str, bytes, str]]:
    found: list[tuple[str, bytes, str]] = []
    lines: list[bytes] = []
    for line in [*header.splitlines(keepends=True), b"\n"]:
        if lines and line[:1] in (b" ", b"\t") and line.strip():
            lines.append(line)
            continue
        name, colon, value = b"".join(lines).partition(b":")
        if colon:
            text = re.sub(rb"\r?\n", b"", value).strip()
            found.append((name.strip().lower().decode("latin-1"), b"".join(lines), text.decode("latin-1")))
        lines = [line]
    return found


def _split(body: bytes, boundary: str) -> list[bytes]:
    mark = re.escape(boundary.rstrip().encode("latin-1", "replace"))
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    pieces: list[bytes] = []
    start: int | None = None
    for found in delimiter.finditer(body):
        if start is not None:
            pieces.append(body[start : found.start()])
        start = None
        if found.group(1):
            break
        line_end = _LINE_START.match(body[found.end() : found.end() + 2])
        start = found.end() + (len(line_end.group()) if line_end else 0)
    if start is not None:
        pieces.append(body[start:])
    return pieces
