"""The two halves of a session's key: the id, which `_h` carries signed, and the twin, the secret in the cookie.

Promises:
- A session key that this ring did not sign is refused here, before Redis is asked.
- Malformed input of any kind is None, never an exception, and never becomes part of a Redis key:
  names are MACs over the halves, so that no character a client sends is ever seen by the store.
- An id names the ring key it was made under, so that a rotated ring still finds every session.
"""

import base64
import re
import secrets
from dataclasses import dataclass, field

from hsp.foundation.sealing import KeyRing, SealError, pack

_ID = r"[a-z2-7]{6}-[A-Za-z0-9_-]{22}"
_TWIN = r"[A-Za-z0-9_-]{43}"
_SESSION_KEY = re.compile(rf"({_ID})(?:\.({_TWIN}))?\.{_TWIN}", re.ASCII)
_COOKIE = re.compile(rf"({_ID})\.({_TWIN})", re.ASCII)
_KEY_ID_END = 6
_PURPOSE = "session key"
_NAME_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Pair:
    """Both halves of a session, and what the store knows it by: the public `uuid` and the `name` of the record."""

    id: str = field(repr=False)
    twin: str = field(repr=False)
    uuid: str
    name: str = field(repr=False)

    @property
    def ring_key(self) -> str:
        """The id of the ring key this session was made under."""
        return self.id[:_KEY_ID_END]

    @property
    def cookie(self) -> str:
        """The cookie value that holds both halves."""
        return f"{self.id}.{self.twin}"

    @property
    def secret(self) -> bytes:
        """The twin, as the key derivation takes it."""
        return self.twin.encode("ascii")


@dataclass(frozen=True, slots=True)
class Halves:
    """A signed session key taken apart. The twin is there only in the key of a cookieless session."""

    id: str = field(repr=False)
    twin: str | None = field(repr=False)


def new_pair(ring: KeyRing) -> Pair:
    """A pair nobody has seen: 128 random bits of id under the newest ring key, 256 random bits of twin."""
    return make_pair(ring, f"{ring.newest_id}-{secrets.token_urlsafe(16)}", new_twin())


def new_twin() -> str:
    """256 random bits, base64url."""
    return secrets.token_urlsafe(32)


def make_pair(ring: KeyRing, session_id: str, twin: str) -> Pair:
    """The pair of a known id and a twin. Raises SealError when the ring no longer holds the id's key."""
    key_id = session_id[:_KEY_ID_END]
    uuid = ring.mac("session uuid", session_id.encode(), key_id)[:16].hex()
    name = ring.mac("session name", pack(session_id, twin), key_id)
    return Pair(session_id, twin, uuid, base64.urlsafe_b64encode(name).decode()[:_NAME_LENGTH])


def session_key(ring: KeyRing, pair: Pair, *, cookieless: bool) -> str:
    """The value of `_h`: the id, signed; of a cookieless session both halves, signed."""
    return ring.sign(_PURPOSE, pair.cookie if cookieless else pair.id, pair.ring_key)


def read_session_key(ring: KeyRing, value: str | None) -> Halves | None:
    """The halves in `_h`, or None when it is missing, malformed, or not signed by this ring."""
    match = _SESSION_KEY.fullmatch(value) if value else None
    if match is None or value is None:
        return None
    try:
        ring.unsign(_PURPOSE, value, value[:_KEY_ID_END])
    except SealError:
        return None
    return Halves(match[1], match[2])


def read_cookie(ring: KeyRing, value: str | None) -> Pair | None:
    """The pair in a cookie, or None when it is missing or malformed. Only the store can say whether it is true."""
    match = _COOKIE.fullmatch(value) if value else None
    if match is None or not ring.knows(match[1][:_KEY_ID_END]):
        return None
    return make_pair(ring, match[1], match[2])


def read_both(ring: KeyRing, key: str | None, cookie: str | None) -> Pair | None:
    """The pair of a session key and the cookie that belongs to it; a cookieless key brings its own twin."""
    halves = read_session_key(ring, key)
    if halves is None:
        return None
    if halves.twin is not None:
        return make_pair(ring, halves.id, halves.twin)
    match = _COOKIE.fullmatch(cookie) if cookie else None
    return make_pair(ring, match[1], match[2]) if match and match[1] == halves.id else None
