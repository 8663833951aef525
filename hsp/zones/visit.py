"""One request on its way through the engine, before it has become a page's.

Promise: the pair is looked up at most once, against this service and this virtual host only, and whatever is wrong
with it gives the one same answer.
"""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Scope

from hsp.sessions import Redeemed, Session
from hsp.zones.declarations import SAFE_METHODS, CredentialKind, Declaration, Permission, Zone
from hsp.zones.forms import Fields
from hsp.zones.messages import Message
from hsp.zones.origin import Provenance, provenance
from hsp.zones.paths import safe_return, strip_mount
from hsp.zones.request import SESSION_FIELD, SESSION_HEADER, PageRequest, wants_json

if TYPE_CHECKING:
    from hsp.zones.service import Service

MAX_USER_AGENT = 400
_NOWHERE = Declaration(
    "engine", "/", Zone.PUBLIC, CredentialKind.NONE, ("GET", "POST"), Permission.PUBLIC, session=False
)


class Visit:
    """A request as the engine sees it. `form` is filled once the body was read."""

    __slots__ = (
        "_opened",
        "_session",
        "_session_header",
        "client_address",
        "cookies",
        "form",
        "headers",
        "method",
        "query",
        "refused",
        "request_id",
        "scope",
        "secure",
        "service",
        "user_agent",
        "virtual_host",
    )

    def __init__(self, service: "Service[Any]", scope: Scope) -> None:
        self.service = service
        self.scope = scope
        # One walk instead of a scan of all headers for each name: this is on the path of every request.
        first = dict(reversed(scope["headers"]))
        self._session_header = first.get(SESSION_HEADER, b"").decode("latin-1")
        self.user_agent = first.get(b"user-agent", b"")[:MAX_USER_AGENT].decode("latin-1")
        cookie, host = first.get(b"cookie", b""), first.get(b"host", b"")
        self.headers = Headers(scope=scope)
        self.method: str = scope["method"]
        self.query = Fields()
        self.form = Fields()
        self.cookies: dict[str, str] = cookie_parser(cookie.decode("latin-1")) if cookie else {}
        self.secure = scope.get("scheme") == "https"
        client = scope.get("client")
        self.client_address: str = client[0] if client else ""
        self.virtual_host = service.virtual_host(host.decode("latin-1"))
        self.request_id: str = scope.get("hsp.request_id") or secrets.token_hex(8)
        self._opened = False
        self.refused = False
        self._session: Session | None = None

    @property
    def provenance(self) -> Provenance:
        """Where the request came from, as far as its headers prove it."""
        own = f"{self.scope.get('scheme', 'http')}://{self.headers.get('host', '')}".lower()
        return provenance(self.headers, self.service.config.own_origins, own)

    @property
    def cookie(self) -> str:
        """The twin's cookie, as it came."""
        return self.cookies.get(self.service.config.cookie, "")

    @property
    def wants_json(self) -> bool:
        """Whether the client asked for JSON instead of a page."""
        return wants_json(self.headers, self.query)

    @property
    def session_key(self) -> str:
        """`_h` from the header, the form or the query, in this order."""
        return self._session_header or self.form.get(SESSION_FIELD) or self.query.get(SESSION_FIELD) or ""

    @property
    def session(self) -> Session | None:
        """The session, if the pair was looked up and opened one."""
        return self._session

    def proves_own(self, *, session_key_needed: bool = False) -> bool:
        """Whether a state-changing request may go on (class SC-26).

        Without proof of origin the session key must stand in header or body, where another site cannot put it.
        """
        if self.provenance is Provenance.FOREIGN:
            return False
        in_body = bool(self._session_header or self.form.get(SESSION_FIELD))
        return in_body or (self.provenance is Provenance.OWN and not session_key_needed) or self._key_in_query_of_own()

    def _key_in_query_of_own(self) -> bool:
        return self.provenance is Provenance.OWN and bool(self.query.get(SESSION_FIELD))

    async def open_pair(self, *, background: bool) -> Session | None:
        """The session that key and cookie unlock together; None for everything else. Raises StoreUnavailable."""
        if not self._opened:
            self._session = await self.service.sessions.open(
                self.session_key,
                self.cookie,
                surface=self.service.config.surface,
                virtual_host=self.virtual_host,
                background=background,
                device=self.user_agent,
                address=self.client_address,
            )
            self._opened = True
        return self._session

    def as_request(
        self, declaration: Declaration, *, token: str = "", capability: Redeemed | None = None
    ) -> PageRequest:
        """The request as a handler sees it."""
        return PageRequest(
            service=self.service,
            declaration=declaration,
            scope=self.scope,
            headers=self.headers,
            query=self.query,
            form=self.form,
            cookies=self.cookies,
            virtual_host=self.virtual_host,
            request_id=self.request_id,
            client_address=self.client_address,
            secure=self.secure,
            session_key=self.session_key if declaration.session else "",
            _session=self._session if declaration.session else None,
            token=token,
            capability=capability,
        )

    def page(self, template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
        """A template of the engine's own (login, resume, log out) as the answer."""
        return HTMLResponse(self.as_request(_NOWHERE).render_text(template, context), status_code=status)

    def refuse(self, status: int, key: str, *, headers: Mapping[str, str] | None = None) -> Response:
        """The error page, or its JSON, for a request that never became a page's."""
        self.refused = True
        response = self.as_request(_NOWHERE).problem(status, key)
        response.headers.update(headers or {})
        return response

    async def unauthenticated(self) -> Response:
        """The one answer to a private address without a valid pair, whatever is wrong and whatever is there."""
        if self.wants_json or self._session_header:
            return JSONResponse({"error": "session_required"}, status_code=401)
        message, back = Message.SESSION_ENDED, self._own_address()
        if self.method not in SAFE_METHODS and await self.service.keep_interrupted(self):
            message, back = Message.INPUT_KEPT, "/interrupted.hsp"
        pairs: dict[str, object] = {"m": int(message)}
        if back != "/":
            pairs["return"] = back
        target = self.as_request(_NOWHERE).url_for("index", **pairs)
        return RedirectResponse(target, status_code=303)

    def _own_address(self) -> str:
        path = (strip_mount(self.scope["raw_path"], self.service.config.mount.encode()) or b"/").decode("latin-1")
        query = self.scope["query_string"].decode("latin-1")
        return safe_return(f"{path}?{query}" if query else path)

    def set_cookie(self, response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
        """A cookie for this service only: HttpOnly, Lax, below the mount path, Secure on TLS."""
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path=self.service.config.mount or "/",
            httponly=True,
            samesite="lax",
            secure=self.secure,
        )

    def clear_cookie(self, response: Response, name: str) -> None:
        """Take a cookie of this service back."""
        response.delete_cookie(
            name, path=self.service.config.mount or "/", httponly=True, samesite="lax", secure=self.secure
        )
