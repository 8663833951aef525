"""Response headers that every page carries, and why.

Promise: no page runs a script or loads a thing that is not ours, none is framed by another site, none is stored.
"""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders

# No unsafe-inline anywhere: styles and scripts are files of ours. frame-src is for the message body's own route.
PAGE_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NO_STORE = "no-cache, no-store, must-revalidate, proxy-revalidate"

_DEFAULTS: tuple[tuple[str, str], ...] = (
    ("content-security-policy", PAGE_CSP),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ("x-robots-tag", "noindex, nofollow"),
)


def harden(headers: MutableHeaders, *, cache: str, hsts: str = "", extra: Mapping[str, str] | None = None) -> None:
    """Add what the handler did not set itself. A handler may set its own policy, it can not go without one."""
    for name, value in (*_DEFAULTS, *(extra or {}).items()):
        headers.setdefault(name, value)
    if "cache-control" not in headers:
        no_store = cache == "no-store"
        headers["cache-control"] = NO_STORE if no_store else cache
        if no_store:
            headers["pragma"] = "no-cache"
    if hsts:
        headers.setdefault("strict-transport-security", hsts)
