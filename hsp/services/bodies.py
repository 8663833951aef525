"""Limits on request bodies.

Promise: a body above its limit is never collected in memory or on disk. Which limit applies is decided by whoever
knows the route; here it is only kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Message, Receive


class BodyTooLarge(Exception):
    """A request body is above its limit, in bytes; the answer is 413."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body above {limit} bytes")
        self.limit = limit


def declared_length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The Content-Length of a request, None when it has none (or a broken one, which no listener lets through)."""
    values = [value for name, value in headers if name == b"content-length"]
    return int(values[0]) if values and values[0].isdigit() else None


def limit_body(receive: Receive, max_bytes: int, *, declared: int | None = None) -> Receive:
    """A `receive` that raises BodyTooLarge as soon as more than `max_bytes` are announced or have come."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        if declared is not None and declared > max_bytes:
            raise BodyTooLarge(max_bytes)
        message = await receive()
        received += len(message.get("body", b""))
        if received > max_bytes:
            raise BodyTooLarge(max_bytes)
        return message

    return limited


async def read_rest(receive: Receive) -> None:
    """Read a refused body to its end and forget it (allowLargeIncomingData): the client then reads the answer."""
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
