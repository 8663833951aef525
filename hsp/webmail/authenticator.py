"""Who may log in to WEBMAIL: whoever the account's own IMAP server lets in, within the limits of the login guard.

Promise: unknown user, unknown domain and wrong password take the same path and get the same answer; attempts are
counted before the mail server is asked; when they cannot be counted, nobody logs in (StoreUnavailable, fail closed).
"""

import secrets

from hsp.accounts import LoginGuard, normalise_account
from hsp.mail import LoginRejected, MailService, UpstreamAway, UpstreamBusy, UpstreamNonsense
from hsp.zones import LoginAttempt, LoginOutcome, Message

MAX_PASSWORD = 1024


class WebmailAuthenticator:
    """The authenticator of the zone engine, over the login guard and the mail servers."""

    def __init__(self, guard: LoginGuard, mail: MailService, primary_domain: str) -> None:
        self._guard = guard
        self._mail = mail
        self._primary_domain = primary_domain

    async def login(self, attempt: LoginAttempt) -> LoginOutcome:
        """Check one attempt."""
        account = self._account(attempt.username)
        verdict = await self._guard.check(account, attempt.address, attempt.device_token, attempt.login_cookie)
        if not verdict.allowed:
            return LoginOutcome(message=Message.TOO_MANY_ATTEMPTS, retry_after=verdict.retry_after)
        try:
            credential = await self._mail.verify_login(account, _password(attempt.password))
        except LoginRejected:
            await self._guard.failed(verdict)
            return LoginOutcome(message=Message.BAD_CREDENTIALS)
        except (UpstreamAway, UpstreamBusy, UpstreamNonsense) as error:
            # Not the visitor's failure: it is not counted, and the page says what to do.
            await self._guard.withdraw(verdict)
            busy = isinstance(error, UpstreamBusy)
            message = Message.UPSTREAM_BUSY if busy else Message.SERVER_AWAY
            return LoginOutcome(message=message, retry_after=round(error.retry_after) or 10)
        return LoginOutcome(account, credential, device_token=await self._guard.succeeded(verdict))

    def new_login_token(self, cookie: str) -> tuple[str, str]:
        """A one-shot token for the form, and the cookie it belongs to: the browser's own one where it has one."""
        return self._guard.new_login_token(cookie)

    async def spend_login_token(self, token: str, cookie: str) -> bool:
        """Whether token and cookie belong together and were not used before."""
        return await self._guard.spend_login_token(token, cookie)

    def _account(self, username: str) -> str:
        try:
            return normalise_account(username.strip(), default_domain=self._primary_domain)
        except ValueError:
            return _NOBODY


# What cannot be an account still walks the whole path, so that it costs and answers the same.
_NOBODY = "nobody@invalid"


# Chosen anew by each process, so that nobody can have it.
_WRONG = secrets.token_urlsafe(32)


def _password(password: str) -> str:
    """A password no server can take becomes one that none accepts: the path stays the same."""
    impossible = not 0 < len(password) <= MAX_PASSWORD or any(character in password for character in "\0\r\n\x01")
    return _WRONG if impossible else password
