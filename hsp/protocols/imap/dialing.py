"""From an endpoint to an open, greeted and, where asked for, encrypted connection.

Promise: with "tls" and "starttls" nothing the server said before the handshake is believed after it, and no handshake
is skipped: a missing STARTTLS, a PREAUTH greeting before it, bytes slipped in behind its answer: each ends the attempt.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

from hsp.protocols.imap.connection import Connection
from hsp.protocols.imap.errors import ConnectError, ConnectionLost, ProtocolViolation, Rejected
from hsp.protocols.imap.model import Endpoint


@lru_cache(maxsize=1)
def default_context() -> ssl.SSLContext:
    """One verifying context for all connections: making it costs 20 ms."""
    return ssl.create_default_context()


async def dial(endpoint: Endpoint, *, monotonic: Callable[[], float]) -> Connection:
    """A TCP (and, with "tls", TLS) connection before its greeting. Raises ConnectError."""
    loop = asyncio.get_running_loop()
    context = (endpoint.ssl_context or default_context()) if endpoint.security == "tls" else None
    try:
        async with asyncio.timeout(endpoint.connect_timeout):
            _, connection = await loop.create_connection(
                lambda: Connection(endpoint, monotonic=monotonic), endpoint.host, endpoint.port, ssl=context
            )
    except (OSError, UnicodeError) as error:
        raise _sorted(error, endpoint) from error
    return connection


def _sorted(error: Exception, endpoint: Endpoint) -> ConnectError:
    where = f"{endpoint.host}:{endpoint.port}"
    if isinstance(error, TimeoutError):
        return ConnectError("timeout", f"{where} did not answer in time")
    if isinstance(error, ssl.SSLError | ssl.CertificateError):
        return ConnectError("tls", f"no trusted TLS connection to {where}: {error}")
    # UnicodeError is what a name gives that cannot be put in DNS.
    if isinstance(error, UnicodeError | socket.gaierror):
        return ConnectError("dns", f"the name {endpoint.host} cannot be resolved")
    return ConnectError("refused", f"no connection to {where}: {error}")


async def upgrade(connection: Connection, endpoint: Endpoint) -> None:
    """STARTTLS. Raises ConnectError("tls") when the server will not, or the handshake fails."""
    try:
        await connection.run("STARTTLS")
        await connection.start_tls(
            endpoint.ssl_context or default_context(), endpoint.host, max(endpoint.connect_timeout, 0.001)
        )
    except Rejected as error:
        raise ConnectError("tls", f"the server refuses STARTTLS: {error.text}") from error
    except ProtocolViolation as error:
        raise ConnectError("tls", f"STARTTLS was tampered with: {error}") from error
    except (OSError, ConnectionLost) as error:
        raise ConnectError("tls", f"the TLS handshake failed: {error}") from error


def is_private(connection: Connection) -> bool:
    """True when nobody on the network can read along: TLS, a Unix socket, or a peer on the loopback interface.

    The peer's own address decides, not the name that led to it: names can be made to point anywhere.
    """
    transport = connection.transport
    if transport.get_extra_info("ssl_object") is not None:
        return True
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return True
    address = ip_address(str(peer[0]).split("%", 1)[0])
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
