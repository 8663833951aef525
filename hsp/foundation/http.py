"""The one door to HTTP servers outside. Everything that speaks HTTP imports its library from here.

Promises: an outside fetch reaches public addresses only, whatever the address in the URL looks like, whatever its name
resolves to and however often that changes: each name is resolved once per hop, every address of the answer is checked,
and the connection goes to a checked address, not to the name. Redirects are never followed here; whoever follows one
passes this door again (SC-11).

Sources: RFC 6890 and the IANA special-purpose address registries, RFC 6052 (NAT64), RFC 3056 (6to4).
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import ipaddress
import re
import socket
import ssl
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import httpx
else:
    # Authlib and Starlette's test client take httpx2 as soon as it is there; mixing the two breaks `isinstance`.
    httpx = importlib.import_module("httpx2" if importlib.util.find_spec("httpx2") else "httpx")

__all__ = ["AddressRefusedError", "FencedTransport", "Resolver", "SystemResolver", "client", "httpx", "is_public"]

_PORTS: Final = {"http": 80, "https": 443}
_MAX_URL: Final = 8192
_MAX_ADDRESSES: Final = 16
_NUMBERS: Final = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)\Z")
_HOST_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)+[A-Za-z0-9-]{2,63}\Z"
)

_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_IPV6_GLOBAL: Final = ipaddress.ip_network("2000::/3")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class AddressRefusedError(Exception):
    """The URL or an address it leads to is not one an outside fetch may reach."""


class Resolver(Protocol):
    """Names to addresses; tests pass their own."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """The addresses of `host` as text. Raises OSError when there are none."""


class SystemResolver:
    """The resolver of the operating system."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return tuple(dict.fromkeys(str(address[0]) for *_, address in answers))


def is_public(address: str) -> bool:
    """Whether an IP address in text form belongs to the public Internet; anything else and any other text is not."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in block for block in _NOT_PUBLIC if block.version == 4)
    if parsed.scope_id is not None:
        return False
    if parsed in _NAT64:  # DNS64 networks answer so for every IPv4 host: what counts is the address inside
        return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)))
    # Mapped (::ffff:0:0/96), compatible, local and site-local forms all lie outside 2000::/3.
    return parsed in _IPV6_GLOBAL and not any(parsed in block for block in _NOT_PUBLIC if block.version == 6)


def check_url(url: httpx.URL) -> tuple[str, int]:
    """Host and port of a URL that may be fetched; raises `AddressRefusedError`. Numbers that only some parsers read as
    an address (decimal, octal, hexadecimal, short forms) are refused as spellings."""
    if url.scheme not in _PORTS or len(str(url)) > _MAX_URL:
        raise AddressRefusedError("scheme or length")
    if url.userinfo or "@" in url.netloc.decode("ascii", "replace"):
        raise AddressRefusedError("user information")
    port = _PORTS[url.scheme] if url.port is None else url.port
    if port not in _PORTS.values():
        raise AddressRefusedError("port")
    host = url.raw_host.decode("ascii", "replace").strip("[]").removesuffix(".")
    if not _is_literal(host):
        if _NUMBERS.match(host.rsplit(".", 1)[-1]) or not _HOST_NAME.match(host):
            raise AddressRefusedError("host name")
    elif not is_public(host):
        raise AddressRefusedError("address")
    return host, port


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class FencedTransport(httpx.AsyncBaseTransport):
    """A transport that reaches public addresses only. `inner` makes the connections; it must not keep them, since one
    address may serve many names."""

    def __init__(self, *, resolver: Resolver | None = None, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._resolver = resolver or SystemResolver()
        self._inner = inner or httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=0),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` to a checked address of its host. Raises `AddressRefusedError`, OSError, `httpx.HTTPError`."""
        host, port = check_url(request.url)
        addresses = await self._checked(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.handle_async_request(_towards(request, host, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # the next checked address may answer
                failure = error
        raise failure or httpx.ConnectError("no address answered", request=request)

    async def _checked(self, host: str, port: int) -> Sequence[str]:
        addresses = (host,) if _is_literal(host) else await self._resolver.resolve(host, port)
        # One local address among public ones is a trap, not a choice: the whole answer is refused.
        if not addresses or len(addresses) > _MAX_ADDRESSES or not all(is_public(one) for one in addresses):
            raise AddressRefusedError("address")
        return addresses

    async def aclose(self) -> None:
        await self._inner.aclose()


def _towards(request: httpx.Request, host: str, address: str) -> httpx.Request:
    """The same request to an address; Host header and TLS name stay those of the URL."""
    extensions = {**request.extensions, "sni_hostname": host}
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions=extensions,
    )


def client(*, timeout: float = 10.0, **options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - handed on to the library
    """A client for configured hosts (upstream APIs, providers): nothing from the environment, no redirects.
    For addresses that strangers choose use `FencedTransport`. `timeout` is in seconds."""
    options.setdefault("verify", _context())
    return httpx.AsyncClient(timeout=timeout, trust_env=False, follow_redirects=False, **options)


_shared: list[ssl.SSLContext] = []


def _context() -> ssl.SSLContext:
    # Loading the system's certificates costs 20 ms each time; one context serves all clients.
    if not _shared:
        _shared.append(ssl.create_default_context())
    return _shared[0]
