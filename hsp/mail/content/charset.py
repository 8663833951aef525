"""Bytes of a text part to text. Never raises, never returns half a surrogate, never believes a charset blindly.

Sources: RFC 2045 section 6 (transfer encodings), RFC 2046 section 4.1.2 (charset), the WHATWG Encoding Standard
(which labels the web's own readers take for which decoder).
"""

from __future__ import annotations

import base64
import binascii
import codecs
import quopri
import re
from typing import TYPE_CHECKING, Final

import charset_normalizer

from hsp.mail.content.limits import MAX_TEXT_BYTES

if TYPE_CHECKING:
    from hsp.protocols.imap import BodyPart

# Labels seen in mail, and the decoder that reads what their senders really wrote: supersets first.
_ALIASES: Final = {
    "ansi_x3.4-1968": "ascii",
    "us-ascii": "ascii",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "iso-8859-6-i": "iso8859-6",
    "iso-8859-6-e": "iso8859-6",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "x-gbk": "gb18030",
    "hz-gb-2312": "hz",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "windows-949": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "ms_kanji": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext",
    "x-euc-jp": "euc_jp",
    "big5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "koi8": "koi8_r",
    "utf8": "utf-8",
    "utf-8-mac": "utf-8",
    "unicode-1-1-utf-8": "utf-8",
    "unicode": "utf-16",
}
# No charset at all, in the words of programs that did not know it either.
_UNKNOWN: Final = frozenset(
    {
        "",
        "unknown",
        "unknown-8bit",
        "x-unknown",
        "x-user-defined",
        "default",
        "default_charset",
        "8bit",
        "binary",
        "none",
    }
)
# UTF-7 hides markup from every filter that looks at bytes; the web's readers refuse it as well.
_REFUSED: Final = frozenset(
    {"utf-7", "utf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7", "csunicode11utf7", "utf-7-imap"}
)
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs", "oem"}
)
_LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,63}\Z")
_META: Final = re.compile(rb"<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,64})", re.IGNORECASE)
_GUESS_BYTES: Final = 32 * 1024
_GUESS_LEAST: Final = 32
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def decode_transfer(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding (RFC 2045 section 6). Damaged input gives what can be read of it; unknown
    encodings and the identity ones give the bytes back."""
    name = encoding.strip().lower()
    if name == "base64":
        return _base64(data)
    if name == "quoted-printable":
        return quopri.decodestring(data)
    if name in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecode(data)
    return data


def _base64(data: bytes) -> bytes:
    # Some list servers append a plain footer after the padding: what follows it is not base64.
    body = data.split(b"=", 1)[0]
    clean = _NOT_BASE64.sub(b"", body)
    clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
    return base64.b64decode(clean + b"=" * (-len(clean) % 4))


def _uudecode(data: bytes) -> bytes:
    out: list[bytes] = []
    started = False
    for line in data.splitlines():
        if not started:
            started = line.startswith(b"begin ")
            continue
        if line.strip() in {b"end", b"`", b""}:
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            count = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders pad lines wrongly: read what the length says
            try:
                out.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                break
    return b"".join(out) if started else data


def codec_for(label: str) -> str | None:
    """The Python decoder for a charset label, or None when it is unknown, refused or no text encoding."""
    name = label.strip().strip("\"'").lower()
    if name in _UNKNOWN or name in _REFUSED or not _LABEL.match(name):
        return None
    name = _ALIASES.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return None
    # Python also registers bytes-to-bytes codecs (bombs) and escape codecs under names that a sender may write.
    if not info._is_text_encoding or info.name.replace("_", "-") in _NO_CHARSETS:
        return None
    return info.name


def decode_text(data: bytes, part: BodyPart) -> str:
    """The text of a part whose transfer encoding is already undone. Line ends become ``\\n``.

    Order: byte order mark, the declared charset when it fits, UTF-8 when it fits, for HTML its own ``<meta charset>``,
    then a guess from the bytes; last, the declared charset with replacement characters."""
    data = data[:MAX_TEXT_BYTES]
    hint = _meta_charset(data) if part.subtype.lower() == "html" else ""
    return decode_bytes(data, _parameter(part, "charset"), hint)


def decode_bytes(data: bytes, label: str = "", hint: str = "") -> str:
    """Text of `data` that is said to be in `label` (or in `hint`); never raises."""
    text = _strictly(data, label) or _strictly(data, "utf-8") or _strictly(data, hint)
    if text is None and data:
        text = _guess(data) if codec_for(label) is None else None
    if text is None:
        text = data.decode(codec_for(label) or codec_for(hint) or "utf-8", "replace")
    return _SURROGATES.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def _parameter(part: BodyPart, name: str) -> str:
    return next((str(value) for key, value in part.params.items() if key.lower() == name), "")


def _meta_charset(data: bytes) -> str:
    found = _META.search(data[:4096])
    return found.group(1).decode("ascii") if found else ""


def _strictly(data: bytes, label: str) -> str | None:
    for mark, codec in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace")
    codec_name = codec_for(label)
    if codec_name is None:
        return None
    try:
        return data.decode(codec_name)
    except (UnicodeError, ValueError):
        return None


def _guess(data: bytes) -> str | None:
    if len(data) < _GUESS_LEAST:
        return data.decode("cp1252", "replace")
    try:
        best = charset_normalizer.from_bytes(data[:_GUESS_BYTES], steps=5, chunk_size=512).best()
    except Exception:  # a guesser that fails leaves us where we were: fail open to the replacement characters
        return None
    codec_name = codec_for(best.encoding) if best is not None else None
    if codec_name is None or codec_name.startswith("utf-"):  # UTF-16 without a mark is the guesser's favourite error
        return data.decode("cp1252", "replace")
    return data.decode(codec_name, "replace")
