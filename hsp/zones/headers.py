"""Response headers that every page carries, and why.

Promise: no page runs a script or loads a thing that is not ours, none is framed by another site, none is stored.
"""

from starlette.responses import Response, StreamingResponse

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


_ENCODED = tuple((name.encode(), value.encode()) for name, value in _DEFAULTS)
_NO_STORE = ((b"cache-control", NO_STORE.encode()), (b"pragma", b"no-cache"))


def harden(response: Response, *, cache: str, hsts: str = "") -> None:
    """Add what the handler did not set itself. A handler may set its own policy, it can not go without one."""
    raw = response.raw_headers
    present = {name for name, _ in raw}
    raw.extend(header for header in _ENCODED if header[0] not in present)
    if b"cache-control" not in present:
        raw.extend(_NO_STORE if cache == "no-store" else ((b"cache-control", cache.encode()),))
    if hsts and b"strict-transport-security" not in present:
        raw.append((b"strict-transport-security", hsts.encode()))


async def without_body(response: Response) -> Response:
    """The answer to HEAD: status and headers of the answer to GET. What would have been streamed is not fetched."""
    if isinstance(response, StreamingResponse):
        close = getattr(response.body_iterator, "aclose", None)
        if close is not None:
            await close()
        bare = Response(status_code=response.status_code)
        bare.raw_headers = response.raw_headers
        return bare
    response.body = b""
    return response
