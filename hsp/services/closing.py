"""Closing a connection so that the last answer is read.

Closing while unread bytes wait makes the kernel reset the connection and throws our answer away, so we stop
sending, keep reading into the void for a moment, and only then let go (RFC 9112 section 9.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

LINGER_SECONDS = 2.0


def linger(transport: asyncio.Transport) -> float:
    """Stop sending; returns the seconds after which the connection should be dropped if the client has not left."""
    if transport.can_write_eof() and not transport.is_closing():
        transport.write_eof()
    return LINGER_SECONDS


class LingeringTransport:
    """What a request's answer is written to: the transport, whose closing is left to the connection."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close
