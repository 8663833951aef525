"""Who is asking, and over what: the client address behind reverse proxies.

Promises: a header counts only when the peer is a trusted proxy (SC-24), and only the one header family the
operator named. Reading from the right, the client is the first hop that is not a trusted proxy; whatever stands
left of it was written by strangers. Garbage ends the reading. No application code sees the headers afterwards, so none
can trust them by mistake.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from starlette.types import ASGIApp, Receive, Scope, Send

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = Sequence[tuple[bytes, bytes]]

_SPENT = frozenset(
    b"forwarded x-forwarded-for x-forwarded-proto x-forwarded-host x-forwarded-port x-forwarded-prefix "
    b"x-forwarded-server x-forwarded-ssl x-forwarded-scheme x-real-ip x-client-ip true-client-ip "
    b"front-end-https x-original-url x-rewrite-url".split()
)
_NODE = re.compile(r"\[(?P<six>[0-9A-Fa-f:.]+)\](:\d{1,5})?|(?P<four>[0-9.]+)(:\d{1,5})?|(?P<bare>[0-9A-Fa-f:.]+)")
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s";,]+)\s*(;|\Z)')
_ELEMENTS = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"|")+')


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a request's way; `address` is None when it is hidden or garbage."""

    address: Address | None
    scheme: str | None = None


def parse_node(text: str) -> Address | None:
    """The address of a forwarded node with an optional port (RFC 7239 section 6), None when it is anything else."""
    match = _NODE.fullmatch(text.strip()) if len(text) < 100 else None
    if match is None or (match["six"] and ":" not in match["six"]):
        return None
    try:
        return plain(ipaddress.ip_address(match["six"] or match["four"] or match["bare"]))
    except ValueError:
        return None


def plain(address: Address) -> Address:
    """An IPv4 address that came through an IPv6 socket is the IPv4 address."""
    return getattr(address, "ipv4_mapped", None) or address


class ClientAddress:
    """ASGI middleware that writes the true client into `scope["client"]` and `scope["scheme"]`."""

    def __init__(
        self,
        app: ASGIApp,
        trusted: Sequence[Network | Literal["unix"]],
        header: Literal["X-Forwarded-For", "Forwarded"] = "X-Forwarded-For",
    ) -> None:
        self._app = app
        self._networks = [entry for entry in trusted if not isinstance(entry, str)]
        self._unix = "unix" in trusted
        self._hops = forwarded_hops if header == "Forwarded" else x_forwarded_hops

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers: Headers = scope["headers"]
            peer = _peer(scope["client"][0]) if scope.get("client") else None
            address, scheme = peer, None
            if self._trusts(peer):
                address, scheme = self._client(peer, self._hops(headers))
            port = scope["client"][1] if address is peer and address else 0
            scope["client"] = (_text(address), port) if address else None
            scope["scheme"] = scheme or scope["scheme"]
            scope["headers"] = [pair for pair in headers if pair[0] not in _SPENT]
        await self._app(scope, receive, send)

    def _trusts(self, peer: Address | None) -> bool:
        return self._unix if peer is None else any(peer in network for network in self._networks)

    def _client(self, peer: Address | None, hops: Sequence[Hop]) -> tuple[Address | None, str | None]:
        address, scheme = peer, None
        for hop in reversed(hops):
            if hop.address is None:
                break
            address, scheme = hop.address, hop.scheme or scheme
            if not self._trusts(hop.address):
                break
        return address, scheme


@lru_cache(maxsize=4096)
def _peer(text: str) -> Address | None:
    """The address of a peer as the kernel writes it, perhaps with a zone (RFC 4007 section 11)."""
    return parse_node(text.partition("%")[0])


@lru_cache(maxsize=4096)
def _text(address: Address) -> str:
    return str(address)


def _joined(headers: Headers, name: bytes) -> str:
    return ",".join(value.decode("latin-1") for key, value in headers if key == name)


def x_forwarded_hops(headers: Headers) -> list[Hop]:
    """The hops of X-Forwarded-For, with their schemes counted from the right as far as X-Forwarded-Proto goes."""
    nodes = [part for part in _joined(headers, b"x-forwarded-for").split(",") if part.strip()]
    schemes = [_scheme(part) for part in _joined(headers, b"x-forwarded-proto").split(",") if part.strip()]
    padded = [None] * len(nodes) + schemes
    return [Hop(parse_node(node), scheme) for node, scheme in zip(nodes, padded[len(schemes) :], strict=True)]


def forwarded_hops(headers: Headers) -> list[Hop]:
    """The hops of Forwarded (RFC 7239 section 4)."""
    return [_element(text) for text in _ELEMENTS.findall(_joined(headers, b"forwarded")) if text.strip()]


def _element(text: str) -> Hop:
    pairs: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None or match[1].lower() in pairs:
            return Hop(None)
        pairs[match[1].lower()] = re.sub(r"\\(.)", r"\1", match[2][1:-1]) if match[2].startswith('"') else match[2]
        at = match.end()
    return Hop(parse_node(pairs.get("for", "")), _scheme(pairs.get("proto", "")))


def _scheme(text: str) -> str | None:
    lowered = text.strip().lower()
    return lowered if lowered in ("http", "https") else None
