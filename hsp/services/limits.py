"""The HTTP limits of one listener, in bytes and seconds."""

from __future__ import annotations

from dataclasses import dataclass

from hsp.config import Listener, Webmail


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """What a connection may ask of us before any application code runs."""

    head_bytes: int = 64 * 1024
    head_count: int = 100
    url_bytes: int = 8 * 1024
    head_seconds: float = 20
    idle_seconds: float = 300
    """0 = never."""
    max_connections: int = 1000
    keep_alive: bool = True
    read_rest: bool = False
    """Whether a body nobody wants any more is read to its end instead of being cut off."""

    @classmethod
    def of(cls, webmail: Webmail, listener: Listener) -> HttpLimits:
        """The limits an operator chose."""
        return cls(
            head_bytes=webmail.http_headers_max_size * 1024,
            head_count=webmail.http_headers_max_count,
            url_bytes=webmail.http_url_max_size * 1024,
            head_seconds=webmail.http_headers_timeout,
            idle_seconds=listener.idle_timeout,
            max_connections=listener.max_connections,
            keep_alive=webmail.allow_keep_alive,
            read_rest=webmail.allow_large_incoming_data,
        )
