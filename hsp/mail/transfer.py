"""Transfer encodings undone piece by piece (RFC 2045 section 6), for parts too large to hold."""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import AsyncIterator

__all__ = ["decoded"]

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")


async def decoded(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The decoded bytes of `pieces`; damage costs at most the damaged piece, never an exception."""
    match encoding.strip().lower():
        case "base64":
            decode = _base64
        case "quoted-printable":
            decode = _quoted_printable
        case _:
            async for piece in pieces:
                yield piece
            return
    rest = b""
    async for piece in pieces:
        done, rest = decode(rest + piece, last=False)
        if done:
            yield done
    done, _ = decode(rest, last=True)
    if done:
        yield done


def _base64(data: bytes, *, last: bool) -> tuple[bytes, bytes]:
    letters = _NOT_BASE64.sub(b"", data)
    whole = len(letters) - len(letters) % 4
    done, rest = letters[:whole], letters[whole:]
    if last and len(rest) > 1:
        done, rest = done + rest + b"=" * (4 - len(rest)), b""
    try:
        return base64.b64decode(done), rest
    except binascii.Error:
        return b"", rest


def _quoted_printable(data: bytes, *, last: bool) -> tuple[bytes, bytes]:
    cut = len(data) if last else data.rfind(b"\n") + 1
    return quopri.decodestring(data[:cut]), data[cut:]
