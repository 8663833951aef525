"""Judges a request head before the application sees it.

Promise: two programs in a row never read one request in two ways. Whatever leaves a choice about where a body ends
or which host is meant is refused (RFC 9112 sections 3.2, 3.2.2, 6.1 and 6.3).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

Headers = Sequence[tuple[bytes, bytes]]

_HOST = re.compile(rb"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([/?].*)?", re.IGNORECASE | re.DOTALL)


def _values(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value.strip(b" \t") for name, value in headers if name == wanted]


def head_problem(version: str, url: bytes, headers: Headers) -> tuple[int, str] | None:
    """Status and reason when a head must be refused, else None. Header names are in lower case."""
    if version not in ("1.0", "1.1"):
        return 505, "HTTP version not supported"
    names = [name for name, _ in headers]
    has_body = b"content-length" in names or b"transfer-encoding" in names
    reason = (_framing_problem(version, headers) if has_body else "") or _host_problem(version, url, headers)
    return (400, reason) if reason else None


def _framing_problem(version: str, headers: Headers) -> str:
    lengths = _values(headers, b"content-length")
    codings = _values(headers, b"transfer-encoding")
    if codings and (lengths or version == "1.0"):
        return "the end of the body is ambiguous"
    if len(lengths) > 1 or any(not length.isdigit() or len(length) > 18 for length in lengths):
        return "wrong Content-Length"
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked"):
        return "unknown Transfer-Encoding"
    return ""


def _host_problem(version: str, url: bytes, headers: Headers) -> str:
    hosts = _values(headers, b"host")
    if len(hosts) > 1 or (not hosts and version == "1.1"):
        return "exactly one Host header is needed"
    if hosts and not _HOST.fullmatch(hosts[0]):
        return "wrong Host header"
    if b"#" in url:  # a fragment never travels: the parser would cut it off and show another address than was sent
        return "wrong request target"
    if url.startswith(b"/"):
        return ""
    absolute = _ABSOLUTE.fullmatch(url)
    if absolute is None or not hosts or absolute[1].lower() != hosts[0].lower():
        return "wrong request target"
    return ""
