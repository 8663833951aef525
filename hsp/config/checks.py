"""What no single setting can know: whether the settings fit together and fit this machine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from ipaddress import IPv4Network, IPv6Network

from hsp.config.settings import Settings
from hsp.config.webmail import is_loopback

Place = tuple[str | int, ...]
Finding = tuple[Place, str]

_WIDEST = {4: 8, 6: 16}


def cross_check(settings: Settings, wrong: Collection[Place] = ()) -> Iterator[Finding]:
    """Every contradiction, with the place of the setting that should change.

    A check that reads a setting known to be wrong is left out: it could only mislead.
    """
    for check, reads in CHECKS:
        if not any(_overlap(place, read) for place in wrong for read in reads):
            yield from check(settings)


def _overlap(one: Place, other: Place) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]


def _public_urls(settings: Settings) -> Iterator[Finding]:
    reachable = any(listener.enable and not listener.is_loopback for listener in settings.webmail.listeners)
    if not settings.server.public_urls and (reachable or settings.server.trusted_proxies):
        yield (
            ("server", "public_urls"),
            "is required when others than this machine reach the gateway; links are never built from a request's Host",
        )


def _trusted_proxies(settings: Settings) -> Iterator[Finding]:
    for at, proxy in enumerate(settings.server.trusted_proxies):
        if isinstance(proxy, IPv4Network | IPv6Network) and proxy.prefixlen < _WIDEST[proxy.version]:
            yield (
                ("server", "trusted_proxies", at),
                f"{proxy} would let anyone claim any client address; name the proxies, or networks no wider than "
                f"/{_WIDEST[proxy.version]}",
            )


def _unix_peers(settings: Settings) -> Iterator[Finding]:
    for at, listener in enumerate(settings.webmail.listeners):
        if listener.enable and listener.unix_path and "unix" not in settings.server.trusted_proxies:
            yield (
                ("webmail", "listeners", at, "address"),
                "all clients behind a Unix socket would look like one; add unix to server.trustedProxies",
            )


def _listeners(settings: Settings) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, listener in enumerate(settings.webmail.listeners):
        place = ("webmail", "listeners", at)
        if listener.address in seen and not listener.address.endswith(":0"):
            yield (*place, "address"), f"{listener.address} is already taken by another listener"
        seen.add(listener.address)
        if not listener.enable:
            continue
        if not listener.allowed_versions:
            yield (*place, "allowed_versions"), "at least one TLS version must be allowed"
        if listener.ssl_enable and listener.certificate_file is None:
            yield (*place, "ssl_enable"), "TLS needs a certificate: set certFile"
        for name, file in (
            ("certificate_file", listener.certificate_file),
            ("private_key_file", listener.private_key_file),
        ):
            if listener.ssl_enable and file is not None and not file.is_file():
                yield (*place, name), f"there is no file {file}"
    if not any(listener.enable for listener in settings.webmail.listeners):
        yield ("webmail", "listeners"), "no listener is enabled, so nobody could connect"


def _domains(settings: Settings) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, domain in enumerate(settings.domains):
        place = ("domains", at)
        if domain.name in seen:
            yield (*place, "name"), f"the domain {domain.name} is given twice"
        seen.add(domain.name)
        for kind, name in (("imap", domain.imap), ("smtp", domain.smtp)):
            upstream = settings.upstreams.get(name)
            if upstream is None:
                known = ", ".join(settings.upstreams) or "none"
                yield (*place, kind), f"there is no upstream {name!r}; known are: {known}"
            elif upstream.kind != kind:
                yield (*place, kind), f"the upstream {name!r} speaks {upstream.kind}, not {kind}"


def _upstreams(settings: Settings) -> Iterator[Finding]:
    for name, upstream in settings.upstreams.items():
        place = ("upstreams", name)
        bare = upstream.security == "none" and not upstream.allow_plaintext_password
        if bare and not is_loopback(upstream.host):
            yield (
                (*place, "security"),
                f"passwords would cross the network to {upstream.host} readable by anyone; use tls or starttls, "
                "or accept it with allowPlaintextPassword = true",
            )
        if upstream.ca_file is not None and not upstream.ca_file.is_file():
            yield (*place, "ca_file"), f"there is no file {upstream.ca_file}"
        if upstream.connections_per_account < settings.server.nodes:
            yield (
                (*place, "connections_per_account"),
                f"{upstream.connections_per_account} connections for {settings.server.nodes} nodes: some get none",
            )


def _template_path(settings: Settings) -> Iterator[Finding]:
    path = settings.webmail.path
    if path is not None and not path.is_dir():
        yield ("webmail", "path"), f"there is no folder {path}"


def _one_node_sqlite(settings: Settings) -> Iterator[Finding]:
    if settings.server.nodes > 1 and settings.server.database.url.startswith("sqlite"):
        yield ("server", "nodes"), "SQLite serves one node; several nodes need a database server in server.database.url"


_PROXIES: Place = ("server", "trusted_proxies")
_LISTENERS: Place = ("webmail", "listeners")

CHECKS: tuple[tuple[Callable[[Settings], Iterator[Finding]], tuple[Place, ...]], ...] = (
    (_public_urls, (("server", "public_urls"), _PROXIES, _LISTENERS)),
    (_trusted_proxies, (_PROXIES,)),
    (_unix_peers, (_PROXIES, _LISTENERS)),
    (_listeners, (_LISTENERS,)),
    (_domains, (("domains",), ("upstreams",))),
    (_upstreams, (("upstreams",), ("server", "nodes"))),
    (_template_path, (("webmail", "path"),)),
    (_one_node_sqlite, (("server", "nodes"), ("server", "database"))),
)
