"""Cuts the byte stream of a server into responses.

Promise: whatever bytes come, in whatever pieces, memory stays within the limits and the cost is linear. A response is a
list of segments, line, literal, line, literal, ... line, so that a literal's content is never looked at as protocol
(RFC 9051 section 4.3). Status responses end in free text and hold no literals: a text that ends in "{3}" opens none.
"""

import re

from hsp.protocols.imap.errors import ProtocolViolation

MAX_LITERALS = 10_000
_LITERAL_AT_END = re.compile(rb"\{(\d{1,19})\+?\}\Z")
_STATUS = re.compile(rb"(?:\+|(?:\*|[^\s*]+) (?:OK|NO|BAD|BYE|PREAUTH)(?: |\Z))", re.IGNORECASE)
# Lists of numbers grow with the mailbox; they are split in one go, so a long one is no danger.
_NUMBER_LIST = re.compile(rb"\* (?:SEARCH|SORT|ESEARCH|VANISHED|THREAD) ", re.IGNORECASE)

Segments = list[bytes]


class Framer:
    """An incremental cutter: feed it bytes, get whole responses."""

    def __init__(self, *, max_line: int, max_literal: int) -> None:
        self._max_line = max_line
        self._max_literal = max_literal
        self._partial = bytearray()
        self._segments: Segments = []
        self._line_bytes = 0
        self._literal_bytes = 0
        self._missing = 0
        self._pieces: list[bytes] = []

    @property
    def is_clean(self) -> bool:
        """True between two responses, when not one byte of a next one has come."""
        return not (self._partial or self._segments)

    def feed(self, data: bytes) -> list[Segments]:
        """Take what has come and return what is complete. Raises ProtocolViolation beyond the limits."""
        if self._partial:
            scanned = max(len(self._partial) - 1, 0)
            self._partial += data
            if self._partial.find(b"\r\n", scanned) < 0:
                self._check_line(len(self._partial), self._partial)
                return []
            data = bytes(self._partial)
            self._partial.clear()
        return self._cut(data)

    def _cut(self, data: bytes) -> list[Segments]:
        responses: list[Segments] = []
        position, size = 0, len(data)
        while position < size:
            if self._missing:
                position = self._fill(data, position)
                continue
            end = data.find(b"\r\n", position)
            if end < 0:
                self._partial += data[position:]
                self._check_line(size - position, data[position : position + 32])
                break
            if self._take_line(data[position:end]):
                responses.append(self._segments)
                self._reset()
            position = end + 2
        return responses

    def _take_line(self, line: bytes) -> bool:
        """Add a line; true when it ends the response."""
        self._check_line(len(line), line)
        self._line_bytes += len(line)
        self._segments.append(line)
        match = _LITERAL_AT_END.search(line, max(len(line) - 24, 0)) if line.endswith(b"}") else None
        if match is None or (len(self._segments) == 1 and _STATUS.match(line)):
            return True
        self._open_literal(int(match[1]))
        return False

    def _open_literal(self, size: int) -> None:
        self._literal_bytes += size
        if self._literal_bytes > self._max_literal or len(self._segments) > 2 * MAX_LITERALS:
            raise ProtocolViolation(
                f"a response with literals of more than {self._max_literal} bytes, or too many of them"
            )
        self._missing = size
        if not size:
            self._segments.append(b"")

    def _fill(self, data: bytes, position: int) -> int:
        piece = data[position : position + self._missing]
        self._missing -= len(piece)
        self._pieces.append(piece)
        if not self._missing:
            self._segments.append(self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces))
            self._pieces = []
        return position + len(piece)

    def _check_line(self, size: int, line: bytes | bytearray) -> None:
        if self._line_bytes + size <= self._max_line:
            return
        first = self._segments[0] if self._segments else line
        if not _NUMBER_LIST.match(first) or self._line_bytes + size > self._max_literal:
            raise ProtocolViolation(f"a response line of more than {self._max_line} bytes")

    def _reset(self) -> None:
        self._segments = []
        self._line_bytes = self._literal_bytes = 0
