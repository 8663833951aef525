"""Whether a state-changing request comes from one of our own pages (class SC-26).

Promise: a page of another site cannot make a browser change anything here. `Sec-Fetch-Site` decides where the browser
sends it; without it a real `Origin` must be one of ours; a request with neither needs the session key in its body or
header, which another site cannot know. Anything in doubt is refused.
"""

from collections.abc import Collection
from enum import StrEnum
from urllib.parse import urlsplit

from starlette.datastructures import Headers


class Provenance(StrEnum):
    """Where a request came from, as far as its headers prove it."""

    OWN = "own"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def provenance(headers: Headers, own_origins: Collection[str], request_origin: str) -> Provenance:
    """Sort a request by `Sec-Fetch-Site`, then `Origin`.

    `own_origins` are the origins of `publicUrls`; `request_origin` is scheme and Host of this request and counts only
    where no public URL is configured (loopback).
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return Provenance.OWN if site == "same-origin" else Provenance.FOREIGN
    origin = headers.get("origin")
    if origin is None or origin == "null":
        return Provenance.UNKNOWN
    allowed = own_origins or (request_origin,)
    return Provenance.OWN if origin in allowed else Provenance.FOREIGN


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL as browsers write them in `Origin`: small letters, no usual port."""
    parts = urlsplit(url.lower())
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"
