"""Raw header text to readable text that can do nothing. Never raises; the result holds no control characters, no line
ends and no bidirectional overrides that reach beyond it.

Sources: RFC 2047 (encoded words), RFC 2231 (parameters), RFC 6532 (raw UTF-8), UAX #9 (isolates and overrides).
The result is text, not markup: templates escape it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from hsp.mail.content.charset import codec_for, decode_bytes
from hsp.mail.content.limits import MAX_HEADER_CHARACTERS

_WORD: Final = re.compile(
    r"=\?([A-Za-z0-9_.:+-]{1,64})(?:\*[A-Za-z0-9-]{0,32})?\?([BbQq])\?([^?]*(?:\?(?!=)[^?]*){0,8})\?="
)
_BETWEEN_WORDS: Final = re.compile(r"(\?=)[ \t\r\n]+(?==\?)")
_Q_ESCAPE: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\ufeff\ud800-\udfff]+")
# Embeddings, overrides, isolates and the marks that may reorder what stands next to them, and invisible tag characters.
_BIDI: Final = re.compile("[\u202a-\u202e\u2066-\u2069\u206a-\u206f\U000e0000-\U000e007f]")
_SPACES: Final = re.compile(r"[ \t]+")


def clean_text(text: str) -> str:
    """One line of text without control characters and bidirectional controls; runs of blanks become one."""
    return _SPACES.sub(" ", _CONTROL.sub(" ", _BIDI.sub("", text))).strip()


def decode_header(raw: str | bytes) -> str:
    """The readable text of a raw header value: RFC 2047 words decoded, raw 8-bit bytes guessed, controls removed."""
    text = raw if isinstance(raw, str) else _raw_text(raw)
    text = _undo_surrogates(text[:MAX_HEADER_CHARACTERS])
    if "=?" in text:
        text = _decode_words(_BETWEEN_WORDS.sub(r"\1", text))
    return clean_text(text)


def _raw_text(raw: bytes) -> str:
    return decode_bytes(raw[:MAX_HEADER_CHARACTERS])


def _undo_surrogates(text: str) -> str:
    # Python's own parsers carry raw bytes as lone surrogates (PEP 383); read them as the bytes they were.
    if not any("\udc80" <= char <= "\udcff" for char in text):
        return text
    return decode_bytes(text.encode("utf-8", "surrogateescape" if _only_escapes(text) else "replace"))


def _only_escapes(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" and not "\udc80" <= char <= "\udcff" for char in text)


def _decode_words(text: str) -> str:
    """Decode encoded words. Neighbours in one charset are joined as bytes first: senders cut inside characters."""
    out: list[str] = []
    pending: bytes = b""
    charset = ""
    position = 0
    for word in _WORD.finditer(text):
        gap = text[position : word.start()]
        same = not gap and word.group(1).lower() == charset
        if not same:
            out.append(_word_text(pending, charset))
            out.append(gap)
            pending, charset = b"", word.group(1).lower()
        pending += _word_bytes(word.group(2), word.group(3))
        position = word.end()
    out.append(_word_text(pending, charset))
    out.append(text[position:])
    return "".join(out)


def _word_text(data: bytes, charset: str) -> str:
    return decode_bytes(data, charset) if data else ""


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("utf-8", "replace")
    if encoding in "Qq":
        return _Q_ESCAPE.sub(lambda found: bytes([int(found.group(1), 16)]), raw.replace(b"_", b" "))
    try:
        return base64.b64decode(re.sub(rb"[^A-Za-z0-9+/]", b"", raw) + b"===", validate=False)
    except binascii.Error:
        return raw


def decode_parameter(params: Mapping[str, str], name: str) -> str:
    """A MIME parameter in clear: RFC 2231 continuations and charsets, RFC 2047 words where they do not belong but are
    common, or the plain value; empty when it is absent."""
    lower = {key.lower(): value for key, value in params.items()}
    extended = _rfc2231(lower, name)
    if extended is not None:
        return clean_text(extended)
    return decode_header(lower.get(name, ""))


def _rfc2231(params: Mapping[str, str], name: str) -> str | None:
    if f"{name}*" in params:
        return _percent(params[f"{name}*"], first=True)[0]
    pieces: list[bytes] = []
    charset = ""
    for index in range(100):
        plain, starred = params.get(f"{name}*{index}"), params.get(f"{name}*{index}*")
        if starred is not None:
            _, data, label = _percent(starred, first=index == 0)
            charset = label or charset
            pieces.append(data)
        elif plain is not None:
            pieces.append(plain.encode("utf-8", "surrogateescape" if _only_escapes(plain) else "replace"))
        else:
            break
    return decode_bytes(b"".join(pieces), charset) if pieces else None


def _percent(value: str, *, first: bool) -> tuple[str, bytes, str]:
    charset = ""
    if first and value.count("'") >= 2:
        charset, _, value = value.split("'", 2)
    charset = charset if codec_for(charset) else ""
    data = unquote_to_bytes(value.encode("utf-8", "replace"))
    return decode_bytes(data, charset), data, charset
