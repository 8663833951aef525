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
from typing import TypeVar

from hsp.foundation.sealing import KeyRing, SealError

_K = TypeVar("_K")
_V = TypeVar("_V")
_ID = r"[a-z2-7]{6}-[A-Za-z0-9_-]{22}"
_TWIN = r"[A-Za-z0-9_-]{43}"
_SESSION_KEY = re.compile(rf"({_ID})(?:\.({_TWIN}))?\.{_TWIN}", re.ASCII)
_COOKIE = re.compile(rf"({_ID})\.({_TWIN})", re.ASCII)
_KEY_ID_END = 6
_PURPOSE = "session key"
_NAME_LENGTH = 22
_REMEMBERED = 8192


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
    uuid: str
    twin: str | None = field(repr=False)


class SessionKeys:
    """Makes and reads keys. What they were found to name is remembered; whether that lives is asked each time."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._known: dict[str, Halves] = {}
        self._pairs: dict[tuple[str, str], Pair] = {}

    def new_pair(self) -> Pair:
        """A pair nobody has seen: 128 random bits of id under the newest ring key, 256 random bits of twin."""
        return self.new_twin(f"{self._ring.newest_id}-{secrets.token_urlsafe(16)}")

    def new_twin(self, session_id: str) -> Pair:
        """The pair of a known id and 256 fresh random bits."""
        return self._pair(session_id, secrets.token_urlsafe(32), self._uuid(session_id))

    def session_key(self, pair: Pair, *, cookieless: bool) -> str:
        """The value of `_h`: the id, signed; of a cookieless session both halves, signed."""
        return self._ring.sign(_PURPOSE, pair.cookie if cookieless else pair.id, pair.ring_key)

    def read_cookie(self, value: str | None) -> Pair | None:
        """The pair in a cookie, or None when it is missing or malformed. Only the store can say whether it is true."""
        match = _COOKIE.fullmatch(value) if value else None
        if match is None or not self._ring.knows(match[1][:_KEY_ID_END]):
            return None
        return self._pair(match[1], match[2], self._uuid(match[1]))

    def read_both(self, session_key: str | None, cookie: str | None) -> Pair | None:
        """The pair of a session key and the cookie that belongs to it; a cookieless key brings its own twin."""
        halves = self.read_session_key(session_key)
        if halves is None:
            return None
        if halves.twin is not None:
            return self._pair(halves.id, halves.twin, halves.uuid)
        if not session_key or not cookie:
            return None
        known = self._pairs.get((session_key, cookie))
        if known is not None:
            return known
        match = _COOKIE.fullmatch(cookie)
        if match is None or match[1] != halves.id:
            return None
        pair = self._pair(halves.id, match[2], halves.uuid)
        _remember(self._pairs, (session_key, cookie), pair)
        return pair

    def read_session_key(self, value: str | None) -> Halves | None:
        """The halves in `_h`, or None when it is missing, malformed, or not signed by this ring."""
        if not value:
            return None
        known = self._known.get(value)
        if known is not None:
            return known
        match = _SESSION_KEY.fullmatch(value)
        if match is None:
            return None
        try:
            self._ring.unsign(_PURPOSE, value, value[:_KEY_ID_END])
        except SealError:
            return None
        halves = Halves(match[1], self._uuid(match[1]), match[2])
        if halves.twin is None:
            _remember(self._known, value, halves)
        return halves

    def _uuid(self, session_id: str) -> str:
        return self._ring.mac("session uuid", session_id.encode(), session_id[:_KEY_ID_END])[:16].hex()

    def _pair(self, session_id: str, twin: str, uuid: str) -> Pair:
        mac = self._ring.mac("session name", f"{session_id}.{twin}".encode(), session_id[:_KEY_ID_END])
        return Pair(session_id, twin, uuid, base64.urlsafe_b64encode(mac)[:_NAME_LENGTH].decode())


def _remember(known: dict[_K, _V], key: _K, value: _V) -> None:
    # The oldest goes first; one that is still in use comes back with its next request.
    if len(known) >= _REMEMBERED:
        del known[next(iter(known))]
    known[key] = value
