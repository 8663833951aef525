"""Outside images for a reader who asked for them (SC-10, SC-11).

Promises: only public addresses are reached, at every hop; nothing of the reader goes out (no cookie, no referrer, no
address, one generic user agent); only bytes that are an image by their own first bytes come back, never SVG; size and
time are bounded.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from hsp.foundation.http import AddressRefusedError, check_url, httpx
from hsp.mail.content.attachments import ATTACHMENT_CSP, sniff

MAX_IMAGE_BYTES: Final = 10 * 2**20
MAX_SECONDS: Final = 15.0
MAX_REDIRECTS: Final = 5
IMAGE_TYPES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"})

_HEADERS: Final = {
    "User-Agent": "Mozilla/5.0",
    "Accept": "image/avif,image/webp,image/png,image/jpeg,image/gif",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


class ImageRefusedError(Exception):
    """There is no image to show; `reason` is one word for logs: address, away, status, redirects, size, type, time."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RemoteImage:
    """An image as it came, with the type its bytes show."""

    type: str
    data: bytes

    def headers(self) -> dict[str, str]:
        """Answer headers: shown as an image, and only as one."""
        return {
            "Content-Type": self.type,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": ATTACHMENT_CSP,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "private, max-age=600",
        }


async def fetch_image(
    url: str, *, transport: httpx.AsyncBaseTransport, max_bytes: int = MAX_IMAGE_BYTES, seconds: float = MAX_SECONDS
) -> RemoteImage:
    """The image at `url` through `transport` (a `FencedTransport`); raises `ImageRefusedError`. Every failure outside
    fails closed: no image."""
    try:
        async with asyncio.timeout(seconds):
            return await _fetch(url, transport, max_bytes)
    except TimeoutError:
        raise ImageRefusedError("time") from None
    except (AddressRefusedError, httpx.InvalidURL, UnicodeError, ValueError):
        raise ImageRefusedError("address") from None
    except (httpx.HTTPError, OSError):
        raise ImageRefusedError("away") from None


async def _fetch(url: str, transport: httpx.AsyncBaseTransport, max_bytes: int) -> RemoteImage:
    target = httpx.URL(url)
    for _ in range(MAX_REDIRECTS + 1):
        check_url(target)  # the fenced transport checks again; a redirect must not depend on which transport was given
        timeout = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 5.0}
        request = httpx.Request(
            "GET", target.copy_with(fragment=None), headers=_HEADERS, extensions={"timeout": timeout}
        )
        response = await transport.handle_async_request(request)
        try:
            if response.status_code not in {301, 302, 303, 307, 308}:
                return await _read(response, max_bytes)
            target = target.join(response.headers.get("location", ""))
        finally:
            await response.aclose()
    raise ImageRefusedError("redirects")


async def _read(response: httpx.Response, max_bytes: int) -> RemoteImage:
    if response.status_code != 200:
        raise ImageRefusedError("status")
    # We asked for identity; unpacking what came anyway would open the door to bombs.
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ImageRefusedError("type")
    length = response.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > max_bytes:
        raise ImageRefusedError("size")
    data = bytearray()
    async for chunk in response.aiter_raw():
        data += chunk
        if len(data) > max_bytes:
            raise ImageRefusedError("size")
        if len(data) >= 16 and sniff(bytes(data[:16])) not in IMAGE_TYPES:
            raise ImageRefusedError("type")
    kind = sniff(bytes(data[:16]))
    if kind not in IMAGE_TYPES:
        raise ImageRefusedError("type")
    return RemoteImage(kind, bytes(data))
