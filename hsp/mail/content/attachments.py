"""Attachments are data: their names are text, their types are claims, their answers can run nothing (SC-05).

Sources: RFC 2183, RFC 2231 (names), RFC 6266 and RFC 8187 (Content-Disposition), RFC 2045 (sizes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from hsp.mail.content.header import clean_text, decode_header, decode_parameter
from hsp.mail.content.limits import MAX_FILE_NAME_BYTES

if TYPE_CHECKING:
    from hsp.protocols.imap import BodyPart

INLINE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types a browser may show by itself; anything else is saved."""

ATTACHMENT_CSP: Final = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

_TYPE: Final = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\Z")
_UNSAFE_NAME: Final = re.compile(r'[<>:"|?*\\/]')
_WINDOWS_DEVICE: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z)", re.IGNORECASE)
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
)
_EXTENSIONS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/ms-tnef": ".dat",
    "application/pgp-signature": ".asc",
    "application/pkcs7-signature": ".p7s",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/vcard": ".vcf",
}


@dataclass(frozen=True, slots=True)
class Attachment:
    """One downloadable part. `size` is in bytes after decoding, estimated from the encoded size."""

    section: str
    name: str
    type: str
    size: int
    content_id: str
    inline: bool
    encoding: str
    given_name: bool


def attachment_of(part: BodyPart, *, inline: bool = False) -> Attachment:
    """What a part looks like as a download."""
    declared = safe_type(f"{part.type}/{part.subtype}")
    given = decode_parameter(part.disposition_params or {}, "filename") or decode_parameter(part.params, "name")
    return Attachment(
        section=part.section,
        name=safe_name(given) if given else _invented_name(part, declared),
        type=declared,
        size=decoded_size(part.size or 0, part.encoding or ""),
        content_id=(part.content_id or "").strip().strip("<>").strip(),
        inline=inline,
        encoding=(part.encoding or "").lower(),
        given_name=bool(given),
    )


def _invented_name(part: BodyPart, declared: str) -> str:
    subject = getattr(part.envelope, "subject", "") if declared == "message/rfc822" else part.description
    stem = decode_header(subject or "")[:80] or f"part-{part.section or '1'}"
    return safe_name(stem + _EXTENSIONS.get(declared, ".bin"))


def safe_type(declared: str) -> str:
    """The declared media type in lower case, ``application/octet-stream`` when it is malformed."""
    name = declared.strip().lower().split(";", 1)[0].strip()
    return name if _TYPE.match(name) else "application/octet-stream"


def safe_name(name: str) -> str:
    """A file name that names one file in one folder: no path, no controls, no overrides, not hidden, not overlong."""
    name = clean_text(name).replace("\\", "/").rsplit("/", 1)[-1]
    name = _UNSAFE_NAME.sub("_", name).strip(" .")
    name = f"_{name}" if _WINDOWS_DEVICE.match(name) else name
    return _shorten(name) or "attachment"


def _shorten(name: str) -> str:
    if len(name.encode()) <= MAX_FILE_NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = dot + ending if stem and len(ending.encode()) <= 16 else ""
    stem = stem if tail else name
    return stem.encode()[: MAX_FILE_NAME_BYTES - len(tail.encode())].decode("utf-8", "ignore").rstrip() + tail


def decoded_size(encoded: int, encoding: str) -> int:
    """Bytes after decoding, from the size the server tells (RFC 3501 counts encoded octets). Base64 in lines of 76
    with CRLF carries 57 bytes in 78 octets."""
    return encoded * 57 // 78 if encoding.strip().lower() == "base64" else encoded


def sniff(data: bytes) -> str:
    """The type the first bytes show, empty when they show none of the ones we act upon."""
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if data[4:8] == b"ftyp" and data[8:12] in {b"avif", b"avis"} else ""


def attachment_headers(name: str, type: str, *, first_bytes: bytes | None = None) -> dict[str, str]:  # noqa: A002  # the word of the field
    """Answer headers for one part. Only short-listed images, and plain text as UTF-8-agnostic text, are shown inline;
    with `first_bytes` an image must also look like what it claims."""
    declared = safe_type(type)
    shown = declared in INLINE_TYPES and (first_bytes is None or sniff(first_bytes) == declared)
    disposition = "inline" if shown or declared == "text/plain" else "attachment"
    served = declared if shown else {"text/plain": "text/plain"}.get(declared, "application/octet-stream")
    return {
        "Content-Type": served,
        "Content-Disposition": content_disposition(disposition, name),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": ATTACHMENT_CSP,
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "private, no-store",
    }


def content_disposition(disposition: str, name: str) -> str:
    """RFC 6266 with both forms of the name: an ASCII one for old programs and RFC 8187 for everyone else."""
    safe = safe_name(name)
    plain = re.sub(r"[^A-Za-z0-9 ._()+,=@!#$&~^-]", "_", safe)
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"
