"""Special requests: `action=login`, `logout`, `keepalive` and `resume`, on any address of a service.

Promises: a login always makes a new pair and ends the one that came with it (class SC-19); a login form is good for one
use in the browser that got it (login CSRF, SC-26); no GET yields a session key; logging out by GET asks first.
Source: hsp-webmail.md, sections 1.5 and 1.6; DESIGN section 5.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from starlette.responses import JSONResponse, RedirectResponse, Response

from hsp.protocols.credentials import Credential
from hsp.sessions import Issued, TooManySessions
from hsp.zones.forms import BadInput
from hsp.zones.messages import Message, text
from hsp.zones.origin import Provenance
from hsp.zones.paths import safe_return
from hsp.zones.request import SESSION_FIELD

if TYPE_CHECKING:
    from hsp.zones.service import Service
    from hsp.zones.visit import Visit

DEVICE_COOKIE = "_hdevice"
LOGIN_COOKIE = "_hlogin"
YEAR = 365 * 86400
# With another message (a wrong password, say) the visitor wants the form, not the old session.
_RESUMABLE = frozenset({None, str(int(Message.SESSION_ENDED)), str(int(Message.INPUT_KEPT))})
_OFF = frozenset({"", "0", "no", "false"})


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """What a login form carried, and from where. The password never appears in its repr."""

    username: str
    password: str
    address: str
    user_agent: str
    device_token: str
    login_cookie: str

    def __repr__(self) -> str:
        return f"LoginAttempt(username={self.username!r}, address={self.address!r})"


@dataclass(frozen=True, slots=True)
class LoginOutcome:
    """The authenticator's answer: an account and its credential, or a message and a time to wait (seconds)."""

    account: str = ""
    credential: Credential | None = None
    device_token: str = ""
    message: Message = Message.BAD_CREDENTIALS
    retry_after: int = 0


class Authenticator(Protocol):
    """Who may log in to a service."""

    async def login(self, attempt: LoginAttempt) -> LoginOutcome:
        """Check one attempt. Raises StoreUnavailable when attempts cannot be counted (fail closed)."""

    def new_login_token(self, cookie: str) -> tuple[str, str]:
        """A one-shot token for the form, and the cookie it belongs to: `cookie` where that is one of ours."""

    async def spend_login_token(self, token: str, cookie: str) -> bool:
        """Whether token and cookie belong together and were not used before."""


class SpecialRequests:
    """Answers the special requests of one service."""

    def __init__(self, service: "Service[Any]", authenticator: Authenticator) -> None:
        self._service = service
        self._authenticator = authenticator

    async def answer(self, visit: "Visit", action: str) -> Response:
        """The answer to `action`. Raises BadInput for an action that is not known."""
        actions = {"login": self._login, "logout": self._logout, "keepalive": self._keepalive, "resume": self._resume}
        handler = actions.get(action)
        if handler is None:
            raise BadInput("unknown_action")
        return await handler(visit)

    async def _login(self, visit: "Visit") -> Response:
        if visit.method != "POST":
            if not self._service.config.allow_get_login:
                return visit.refuse(405, "login_by_post", headers={"allow": "POST"})
            visit.form = visit.query
        if not await self._own_form(visit):
            return await self._failed(visit, LoginOutcome(message=Message.FORM_EXPIRED))
        cookieless = visit.form.get("disableCookie", "").strip().lower() not in _OFF
        if cookieless and not self._service.config.allow_disable_cookie:
            return await self._failed(visit, LoginOutcome(message=Message.NO_COOKIELESS))
        outcome = await self._authenticator.login(
            LoginAttempt(
                username=visit.form.get("username", ""),
                password=visit.form.get("password", ""),
                address=visit.client_address,
                user_agent=visit.user_agent,
                device_token=visit.cookies.get(DEVICE_COOKIE, ""),
                login_cookie=visit.cookies.get(LOGIN_COOKIE, ""),
            )
        )
        if outcome.credential is None:
            return await self._failed(visit, outcome)
        return await self._succeeded(visit, outcome, cookieless=cookieless)

    async def _own_form(self, visit: "Visit") -> bool:
        """A browser must bring the token of our own form; a program sends neither Origin nor Sec-Fetch-Site."""
        if visit.wants_json and visit.provenance is Provenance.UNKNOWN and "origin" not in visit.headers:
            return True
        if visit.method == "GET":
            return visit.provenance is not Provenance.FOREIGN
        token = visit.form.get("login_token", "")
        return await self._authenticator.spend_login_token(token, visit.cookies.get(LOGIN_COOKIE, ""))

    async def _failed(self, visit: "Visit", outcome: LoginOutcome) -> Response:
        throttled = outcome.message is Message.TOO_MANY_ATTEMPTS
        away = outcome.message in {Message.SERVER_AWAY, Message.UPSTREAM_BUSY}
        status = 429 if throttled else 503 if away else 401
        headers = {"retry-after": str(max(1, outcome.retry_after))} if throttled or away else {}
        if visit.wants_json:
            body = {"success": False, "error": outcome.message.name.lower(), "message": text(str(int(outcome.message)))}
            return JSONResponse(body, status_code=status, headers=headers)
        username = visit.form.get("username", "")[:320]
        if status != 401:
            response = await self.login_page(visit, message=outcome.message, username=username, status=status)
            response.headers.update(headers)
            return response
        target = f"{self._service.config.mount}/?login={quote(username, safe='@')}&m={int(outcome.message)}"
        back = safe_return(visit.form.get("return", "/"))
        if back != "/":
            target += f"&return={quote(back, safe='')}"
        return RedirectResponse(target, status_code=303)

    async def _succeeded(self, visit: "Visit", outcome: LoginOutcome, *, cookieless: bool) -> Response:
        assert outcome.credential is not None
        config = self._service.config
        try:
            issued = await self._service.sessions.start(
                surface=config.surface,
                virtual_host=visit.virtual_host,
                account=outcome.account,
                credential=outcome.credential,
                device=visit.user_agent,
                address=visit.client_address,
                cookieless=cookieless,
                replaces=visit.cookie or None,
            )
        except TooManySessions:
            return await self._failed(visit, replace(outcome, message=Message.TOO_MANY_SESSIONS))
        interrupted = await self._service.sessions.offer_interrupted_post(issued.session) if visit.cookie else None
        target = safe_return(visit.form.get("return", "/")) if interrupted is None else "/interrupted.hsp"
        response = self._entered(visit, issued, target)
        if outcome.device_token:
            visit.set_cookie(response, DEVICE_COOKIE, outcome.device_token, max_age=YEAR)
        visit.clear_cookie(response, LOGIN_COOKIE)
        return response

    def _entered(self, visit: "Visit", issued: Issued, target: str) -> Response:
        joint = "&" if "?" in target else "?"
        location = f"{self._service.config.mount}{target}{joint}{SESSION_FIELD}={issued.session_key}"
        response: Response
        if visit.wants_json:
            response = JSONResponse({"success": True, "sessionKey": issued.session_key})
        else:
            response = RedirectResponse(location, status_code=303)
        if issued.cookie:
            visit.set_cookie(response, self._service.config.cookie, issued.cookie)
        return response

    async def _logout(self, visit: "Visit") -> Response:
        session = await visit.open_pair(background=True)
        if session is not None and visit.method != "POST":
            return visit.page("public/logout.hsp", {"session_key": visit.session_key, "account": session.account})
        if session is not None:
            if not visit.proves_own(session_key_needed=True):
                return visit.refuse(403, "foreign_request")
            await self._service.sessions.end(session)
        if visit.wants_json:
            response: Response = JSONResponse({"success": True})
        else:
            response = RedirectResponse(f"{self._service.config.mount}/?login=&m={int(Message.LOGGED_OUT)}", 303)
        if session is not None:
            visit.clear_cookie(response, self._service.config.cookie)
        return response

    async def _keepalive(self, visit: "Visit") -> Response:
        session = await visit.open_pair(background=False)
        return Response(status_code=204) if session is not None else await visit.unauthenticated()

    async def _resume(self, visit: "Visit") -> Response:
        """The one place where a cookie alone becomes a pair: by a POST that the browser says is our own page's."""
        if visit.method != "POST":
            return visit.refuse(405, "resume_by_post", headers={"allow": "POST"})
        if visit.provenance is not Provenance.OWN:
            return visit.refuse(403, "foreign_request")
        issued = await self._service.sessions.resume(
            visit.cookie, surface=self._service.config.surface, virtual_host=visit.virtual_host
        )
        if issued is None:
            return await visit.unauthenticated()
        return self._entered(visit, issued, safe_return(visit.form.get("return", "/")))

    async def login_page(
        self, visit: "Visit", *, message: Message | None = None, username: str = "", status: int = 200
    ) -> Response:
        """The login page, or the resume page when the browser's cookie belongs to a live session."""
        back = safe_return(visit.query.get("return", "/") if visit.method != "POST" else visit.form.get("return", "/"))
        number = visit.query.get("m")
        resumable = message is None and "login" not in visit.query and number in _RESUMABLE
        if resumable and visit.cookie:
            session = await self._service.sessions.peek_cookie(
                visit.cookie, surface=self._service.config.surface, virtual_host=visit.virtual_host
            )
            if session is not None:
                return visit.page("public/resume.hsp", {"account": session.account, "return_to": back})
        token, cookie = self._authenticator.new_login_token(visit.cookies.get(LOGIN_COOKIE, ""))
        known = text(number)
        response = visit.page(
            "public/index.hsp",
            {
                "login_token": token,
                "message": text(str(int(message))) if message else known,
                "message_number": int(message) if message else int(number) if known and number else 0,
                "username": username or visit.query.get("login", "")[:320],
                "return_to": back,
                "allow_disable_cookie": self._service.config.allow_disable_cookie,
                "domains": self._service.config.login_domains,
            },
            status=status,
        )
        visit.set_cookie(response, LOGIN_COOKIE, cookie, max_age=3600)
        return response
