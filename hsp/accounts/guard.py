"""The login guard: how often a password may be tried, for whom, from where.

Promises:
- Failures are counted per account and per address (IPv6: per /64), for accounts that exist and for those that do not.
- A browser that has logged in to an account before has a counter of its own: strangers cannot lock its owner out.
- Attempts at once get no more tries than attempts one after the other; a crash in between counts as a failure.
- Every failure is one line of the security log with its address.
- Fails closed: when the counters cannot be reached, StoreUnavailable is raised and nothing is tried.
"""

import math
from dataclasses import dataclass, field

from redis.asyncio import Redis

from hsp.accounts.counters import Counters, Rule
from hsp.accounts.tokens import LOGIN_FORM_LIFE, Tokens
from hsp.foundation.clock import Clock
from hsp.foundation.logs import security_event
from hsp.foundation.networks import network_of
from hsp.foundation.sealing import KeyRing

# Tokens of two nodes whose clocks differ must not come back to life when Redis forgets that they were used.
_MARGIN = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a password may be tried now. `retry_after` is in whole seconds; `reason` is for the log, not the visitor.

    Hand it back to `failed`, `succeeded` or `withdraw`, whichever came of it.
    """

    allowed: bool
    retry_after: int
    reason: str
    account: str
    address: str
    counted: tuple[str, ...] = field(default=(), repr=False)
    device: str | None = field(default=None, repr=False)


class LoginGuard:
    """Counts attempts and tells who has to wait. `max_auth_errors` bounds the failures of one login cookie; 0: none."""

    def __init__(
        self,
        client: Redis,
        ring: KeyRing,
        clock: Clock,
        *,
        namespace: str = "hsp:",
        max_auth_errors: int = 5,
        account_rule: Rule | None = None,
        address_rule: Rule | None = None,
        timeout: float = 2.0,
    ) -> None:
        self._ring = ring
        self._tokens = Tokens(ring, clock)
        self._counters = Counters(client, clock, namespace=namespace, timeout=timeout)
        self._account_rule = account_rule or Rule(free=5)
        self._address_rule = address_rule or Rule(free=20)
        self._max_auth_errors = max_auth_errors
        self._cookie_rule = Rule(free=max_auth_errors, first=900, longest=900)

    async def check(self, account: str, address: str, device_token: str = "", login_cookie: str = "") -> Verdict:
        """Counts one attempt and says whether it may be made. Raises StoreUnavailable."""
        device = self._tokens.read_device(device_token, account)
        counted: list[str] = []
        for reason, key, rule in self._limits(account, address, device, login_cookie):
            wait = await self._counters.attempt(key, rule)
            if wait:
                await self._counters.refund(counted)
                retry_after = max(1, math.ceil(wait))
                security_event(
                    "login_refused", address=address, account=account, reason=reason, retry_after=retry_after
                )
                return Verdict(False, retry_after, reason, account, address)
            counted.append(key)
        return Verdict(True, 0, "", account, address, tuple(counted), device)

    async def failed(self, verdict: Verdict, *, reason: str = "bad_credentials") -> None:
        """The attempt failed: it stays counted, and the security log says so."""
        security_event("login_failed", address=verdict.address, account=verdict.account, reason=reason)

    async def succeeded(self, verdict: Verdict) -> str:
        """The attempt was right. Returns the browser's new known-device token.

        The address gets this attempt back and no more: who guesses must not wipe the counter by logging in as himself.
        """
        for key in verdict.counted:
            if key.startswith("address:"):
                await self._counters.refund((key,))
            else:
                await self._counters.clear(key)
        security_event("login_succeeded", address=verdict.address, account=verdict.account)
        return self._tokens.device_token(verdict.account, verdict.device)

    async def withdraw(self, verdict: Verdict) -> None:
        """The attempt was not decided (the mail server was away): it does not count."""
        await self._counters.refund(verdict.counted)

    def new_login_token(self, cookie: str = "") -> tuple[str, str]:
        """A one-shot token for a login form, and the login cookie that goes with it: `cookie`, if it is one of ours.

        Needs no store, so the login page works while Redis is away.
        """
        if not self._tokens.is_login_cookie(cookie):
            cookie = self._tokens.login_cookie()
        return self._tokens.login_token(cookie), cookie

    async def spend_login_token(self, token: str, cookie: str) -> bool:
        """Whether token and cookie belong together, are fresh, and were not used before. Raises StoreUnavailable."""
        form = self._tokens.read_login(token, cookie)
        return form is not None and await self._counters.once(f"form:{form.nonce}", LOGIN_FORM_LIFE + _MARGIN)

    def _limits(self, account: str, address: str, device: str | None, login_cookie: str) -> list[tuple[str, str, Rule]]:
        limits = (
            [("device", self._key("device", f"{account}\0{device}"), self._account_rule)]
            if device is not None
            else [
                ("account", self._key("account", account), self._account_rule),
                ("address", self._key("address", network_of(address, ipv4=32, ipv6=64)), self._address_rule),
            ]
        )
        if self._max_auth_errors and self._tokens.is_login_cookie(login_cookie):
            limits.append(("login_cookie", self._key("cookie", login_cookie), self._cookie_rule))
        return limits

    def _key(self, kind: str, what: str) -> str:
        mac = self._ring.mac(f"guard {kind}", what.encode("utf-8", "surrogatepass"))
        return f"{kind}:{mac[:16].hex()}"
