"""Folder names on the wire: modified UTF-7 (RFC 3501 section 5.1.3) or UTF-8 (RFC 6855).

Promise: `encode_name(decode_name(raw)) == raw` for every name a server may list, so no folder is out of reach. A name
that is not valid modified UTF-7 keeps its odd bytes as private-use characters, U+F700 plus the byte.
"""

import binascii
import re

_ESCAPE_BASE = 0xF700
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_NEEDS_SHIFT = re.compile(r"&|[^\x20-\x7e]+")
_ODD_BYTES = frozenset({*range(0x20), 0x26, *range(0x7F, 0x100)})
_ESCAPED = re.compile(f"([{''.join(chr(_ESCAPE_BASE + byte) for byte in sorted(_ODD_BYTES))}])")


def decode_name(raw: bytes, *, utf8: bool = False) -> str:
    """The readable name of a listed folder; never raises."""
    try:
        name = raw.decode("utf-8") if utf8 else _unshift(raw.decode("ascii"))
        if encode_name(name, utf8=utf8) == raw:
            return name
    except ValueError:
        pass  # Fails open: an odd name stays reachable in its escaped form.
    return "".join(chr(_ESCAPE_BASE + byte) if byte in _ODD_BYTES else chr(byte) for byte in raw)


def encode_name(name: str, *, utf8: bool = False) -> bytes:
    """The wire form of a folder name. ValueError for what cannot be written, such as half a surrogate pair."""
    return b"".join(
        bytes([ord(piece) - _ESCAPE_BASE]) if _ESCAPED.match(piece) else _encode_piece(piece, utf8=utf8)
        for piece in _ESCAPED.split(name)
    )


def _encode_piece(piece: str, *, utf8: bool) -> bytes:
    return piece.encode("utf-8") if utf8 else _NEEDS_SHIFT.sub(_shift, piece).encode("ascii")


def _shift(match: re.Match[str]) -> str:
    run = match[0]
    if run == "&":
        return "&-"
    encoded = binascii.b2a_base64(run.encode("utf-16-be"), newline=False).decode("ascii")
    return f"&{encoded.rstrip('=').replace('/', ',')}-"


def _unshift(text: str) -> str:
    return _SHIFTED.sub(_unshift_run, text)


def _unshift_run(match: re.Match[str]) -> str:
    run = match[1].replace(",", "/")
    return binascii.a2b_base64(run + "=" * (-len(run) % 4)).decode("utf-16-be") if run else "&"
