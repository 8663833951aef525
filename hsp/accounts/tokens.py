"""The signed values of the login page: the known-device token, the login cookie, the one-shot login token.

All three can be read without Redis; what is malformed, forged or too old reads as None.
"""

import re
import secrets
from dataclasses import dataclass

from hsp.foundation.clock import Clock
from hsp.foundation.sealing import KeyRing, SealError

YEAR = 365 * 86_400
LOGIN_FORM_LIFE = 3600
_LONGEST = 256
_DEVICE = re.compile(r"([a-z2-7]{6})-([0-9a-f]{32})-([A-Za-z0-9_-]{22})-(\d{1,12})", re.ASCII)
_FORM = re.compile(r"([0-9a-f]{32})-([A-Za-z0-9_-]{22})-(\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True)
class LoginForm:
    """The one-shot token of a login form: what makes it unique, and the login cookie it belongs to."""

    nonce: str
    cookie: str


class Tokens:
    """Signs and reads the login page's values."""

    def __init__(self, ring: KeyRing, clock: Clock) -> None:
        self._ring = ring
        self._clock = clock

    def device_token(self, account: str, device: str | None = None) -> str:
        """Says for a year that this browser has logged in to the account. `device` is kept when it is known."""
        key_id = self._ring.newest_id
        device = device or secrets.token_urlsafe(16)
        return self._ring.sign("device", f"{key_id}-{self._owner(account, key_id)}-{device}-{self._now()}")

    def read_device(self, token: str, account: str) -> str | None:
        """The device of a token, when it is one of this account and not a year old."""
        match = self._read("device", token, _DEVICE)
        if match is None or not self._ring.knows(match[1]) or match[2] != self._owner(account, match[1]):
            return None
        return match[3] if self._is_fresh(int(match[4]), YEAR) else None

    def login_cookie(self) -> str:
        """A login cookie: it gives a browser that has no session yet a name."""
        return self._ring.sign("login cookie", secrets.token_urlsafe(16))

    def is_login_cookie(self, cookie: str) -> bool:
        """Whether this ring made it."""
        return self._read("login cookie", cookie, re.compile(r".{22}")) is not None

    def login_token(self, cookie: str) -> str:
        """A token for one login form in the browser that has that login cookie."""
        return self._ring.sign("login", f"{self._bound(cookie)}-{secrets.token_urlsafe(16)}-{self._now()}")

    def read_login(self, token: str, cookie: str) -> LoginForm | None:
        """The login form of a token that belongs to this login cookie and is at most an hour old."""
        match = self._read("login", token, _FORM)
        if match is None or not self.is_login_cookie(cookie) or match[1] != self._bound(cookie):
            return None
        return LoginForm(match[2], cookie) if self._is_fresh(int(match[3]), LOGIN_FORM_LIFE) else None

    def _read(self, purpose: str, signed: str, shape: re.Pattern[str]) -> re.Match[str] | None:
        if not signed or len(signed) > _LONGEST:
            return None
        try:
            return shape.fullmatch(self._ring.unsign(purpose, signed))
        except SealError:
            return None

    def _bound(self, cookie: str) -> str:
        # The token's own signature protects this digest, so it may be made under any key: by the cookie's signature.
        return self._ring.mac("login cookie", cookie.encode(), self._ring.key_ids[-1])[:16].hex()

    def _owner(self, account: str, key_id: str) -> str:
        return self._ring.mac("device owner", account.encode(), key_id)[:16].hex()

    def _is_fresh(self, issued: int, life: int) -> bool:
        return issued - 60 <= self._clock.time() < issued + life

    def _now(self) -> int:
        return int(self._clock.time())
