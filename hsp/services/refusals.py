"""The small answers given before the application runs."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus


def refusal(status: int, reason: str, request_id: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
    """A whole response that closes the connection; `reason` is ours, never the client's text."""
    phrase = HTTPStatus(status).phrase
    body = f"{status} {phrase}: {reason}\nRequest {request_id}\n".encode()
    lines = [f"HTTP/1.1 {status} {phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    lines += [
        b"content-type: text/plain; charset=utf-8",
        b"content-length: %d" % len(body),
        b"cache-control: no-store",
        b"x-request-id: " + request_id.encode(),
        b"connection: close",
    ]
    if status == 503:
        lines.append(b"retry-after: 5")
    return b"\r\n".join(lines) + b"\r\n\r\n" + body
