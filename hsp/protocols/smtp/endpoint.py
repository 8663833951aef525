"""Where and how to reach a submission server."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from typing import Literal

__all__ = ["SmtpEndpoint"]


@dataclass(frozen=True, slots=True)
class SmtpEndpoint:
    """A submission server. Times are seconds.

    `ssl_context` is shared between connections (making one costs 20 ms); None means the system's roots, verified.
    `helo` is the name we give ourselves; an address literal by default, so that no host name of ours leaks.
    """

    host: str
    port: int
    security: Literal["tls", "starttls", "none"]
    allow_plaintext: bool = False
    ssl_context: ssl.SSLContext | None = None
    connect_timeout: float = 10.0
    command_timeout: float = 60.0
    data_timeout: float = 300.0
    helo: str = "[127.0.0.1]"

    @property
    def may_carry_secrets(self) -> bool:
        """Whether a password may go over this connection: encrypted, loopback, or allowed by the admin."""
        return self.security != "none" or self.allow_plaintext or _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    # A name such as "localhost" is not taken at its word elsewhere either: only literal addresses and this one name.
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
