"""From the raw path of a request to a page name, and nothing else.

Promise: the zone is decided here, from the bytes the client sent, before any decoding (class SC-23). A page has one
spelling; encoded characters, other case, doubled or trailing separators, parameters, backslashes and dots name none.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

_PAGE = re.compile(rb"/(?P<name>[a-z][a-z0-9_-]{0,63})\.hsp")
_ROUTE = re.compile(rb"(?P<prefix>/[a-z][a-z0-9-]{0,31}/)(?P<token>[A-Za-z0-9_.~=-]{1,4096})")
_RETURN = re.compile(r"/(?:[a-z][a-z0-9_-]{0,63}\.hsp)?(?:\?[A-Za-z0-9_.~%=&+:@,*'()!$-]*)?")
_KEPT_OUT = frozenset({"_h", "action", "username", "password", "m", "login", "return"})
MAX_RETURN = 2048


@dataclass(frozen=True, slots=True)
class PagePath:
    """A page: `index` for `/`, else the name before `.hsp`."""

    name: str


@dataclass(frozen=True, slots=True)
class RoutePath:
    """A route that is no page: prefix with both slashes, and one token."""

    prefix: str
    token: str


def parse(raw_path: bytes) -> PagePath | RoutePath | None:
    """What the raw path names; None for everything that has no place (answered 404)."""
    if raw_path == b"/":
        return PagePath("index")
    match = _PAGE.fullmatch(raw_path)
    if match:
        return PagePath(match["name"].decode("ascii"))
    match = _ROUTE.fullmatch(raw_path)
    if match:
        return RoutePath(match["prefix"].decode("ascii"), match["token"].decode("ascii"))
    return None


def strip_mount(raw_path: bytes, mount: bytes) -> bytes:
    """The path below the mount path (`/webmail`); a path outside it as it came.

    A proxy may or may not have removed the mount path; both arrive at the same page.
    """
    if not mount:
        return raw_path
    if raw_path == mount:
        return b"/"
    return raw_path[len(mount) :] if raw_path.startswith(mount + b"/") else raw_path


def safe_return(target: str) -> str:
    """A return path fit for a redirect after login, or `/` (class SC-31).

    Only a page of ours in its one spelling with a plain query passes. The session key, special requests
    and messages are taken out of the query.
    """
    if len(target) > MAX_RETURN or not _RETURN.fullmatch(target):
        return "/"
    path, _, query = target.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:  # broken UTF-8 or too many fields: fail closed, the start page is always right
        return "/"
    return with_query(path, [(name, value) for name, value in pairs if name not in _KEPT_OUT])


def with_query(path: str, pairs: list[tuple[str, str]]) -> str:
    """Path and encoded query; no question mark without a query."""
    return f"{path}?{urlencode(pairs)}" if pairs else path
