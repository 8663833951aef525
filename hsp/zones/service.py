"""One service (WEBMAIL, WEBADMIN): the life of a request, top to bottom.

    raw path -> static file | page | route | 404        paths.py, static.py
    origin of a state-changing request                  origin.py (403 before the body is read)
    query and form within limits                        forms.py (400, 413)
    special request?                                    special.py (login, logout, keepalive, resume)
    zone and credential                                 declarations.py, visit.py (303 or 401 when there is none)
    method, handler, error page                         405; the handlers' own answers
    headers that every answer carries                   headers.py

Promise: a private page is reached only through `_private`, which opens the pair first; what does not exist and what is
not allowed answer alike to a stranger.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from markupsafe import Markup
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from hsp.foundation.logs import get_logger, security_event
from hsp.sessions import Redeemed, Sessions, StoreUnavailable
from hsp.zones.access import Access
from hsp.zones.declarations import METHODS, SAFE_METHODS, CredentialKind, Declared, Pages, Zone
from hsp.zones.forms import BadInput, ClientGone, parse_form, parse_query
from hsp.zones.headers import harden, without_body
from hsp.zones.interrupted import add_interrupted_page, keep_interrupted
from hsp.zones.origin import Provenance
from hsp.zones.paths import PagePath, RoutePath, parse, strip_mount
from hsp.zones.request import NEVER_ECHOED, PageRequest, UndeclaredUse
from hsp.zones.special import Authenticator, SpecialRequests
from hsp.zones.static import PREFIX, StaticFiles
from hsp.zones.templates import Templates
from hsp.zones.visit import Visit
from hsp.zones.words import UNKNOWN, WORDS

Context = TypeVar("Context")
ErrorAnswer = Callable[[PageRequest, Exception], Response | None]
_ICONS_KEPT = 256
_log = get_logger("zones")


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """What the engine must know of a service. Limits in bytes; `mount` without its trailing slash."""

    name: str
    surface: str
    cookie: str
    mount: str = ""
    own_origins: frozenset[str] = frozenset()
    body_limit: int = 64 * 1024
    upload_limit: int = 25600 * 1024
    max_errors: int = 20
    drain: bool = False
    allow_disable_cookie: bool = False
    allow_get_login: bool = False
    hsts: str = ""
    login_domains: tuple[str, ...] = ()
    virtual_hosts: tuple[tuple[str, str], ...] = ()


class Service(Generic[Context]):
    """The ASGI application of one service."""

    def __init__(
        self,
        config: ServiceConfig,
        pages: Pages[Context],
        context: Context,
        *,
        sessions: Sessions,
        authenticator: Authenticator,
        static: StaticFiles,
        templates: Mapping[str, Templates],
        on_error: ErrorAnswer | None = None,
    ) -> None:
        """`templates` maps a virtual host (`""` is the default) to its templates."""
        self.config = config
        self._mount = config.mount.encode()
        self.sessions = sessions
        self._pages: Pages[Context] = Pages()
        self._pages.include(pages)
        add_interrupted_page(self._pages)
        self._context = context
        self._static = static
        self._templates = templates
        self._on_error = on_error
        self._special = SpecialRequests(self, authenticator)
        self._icons: dict[str, Markup] = {}

    @property
    def declarations(self) -> Pages[Context]:
        """Every page and route; the credential matrices are generated from it."""
        return self._pages

    def find_private(self, name: str) -> Declared[Context] | None:
        """A page of the private zone."""
        return self._pages.find(Zone.PRIVATE, name)

    def is_private(self, name: str) -> bool:
        """Whether a page of that name stands in the private zone."""
        return self.find_private(name) is not None

    def path_of(self, name: str) -> str:
        """The path of a page below the mount path."""
        return f"{self.config.mount}/" if name == "index" else f"{self.config.mount}/{name}.hsp"

    def static_url(self, name: str) -> str:
        """The address of a static file by its plain name."""
        return self.config.mount + self._static.url(name)

    def icon(self, name: str) -> Markup:
        """One icon of the sprite, hidden from screen readers: the text beside it names the thing."""
        known = self._icons.get(name)
        if known is None:
            known = self._draw_icon(name)
            if len(self._icons) < _ICONS_KEPT:
                self._icons[name] = known
        return known

    def _draw_icon(self, name: str) -> Markup:
        return Markup(  # the name is escaped by format
            '<svg class="icon" width="18" height="18" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>'
        ).format(self.static_url("icons.svg"), name)

    def templates_for(self, virtual_host: str) -> Templates:
        """The templates of a virtual host, or the default ones."""
        return self._templates.get(virtual_host) or self._templates[""]

    def virtual_host(self, host: str) -> str:
        """The virtual host a `Host` header belongs to: its own or nearest parent name, else `""` for the default."""
        if not self.config.virtual_hosts:
            return ""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.lower().rstrip(".")
        known = [host for host, _ in self.config.virtual_hosts if name == host or name.endswith(f".{host}")]
        return max(known, key=len, default="")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        access = Access()
        raw_path: bytes | None = strip_mount(scope["raw_path"], self._mount)
        if raw_path is not None and raw_path.startswith(PREFIX):
            if await self._static.answer(raw_path, scope, receive, send):
                return
            raw_path = None
        visit = Visit(self, scope)
        target = parse(raw_path) if raw_path is not None else None
        access.name(target)
        cache = "no-store"
        try:
            response, cache = await self._respond(visit, target, receive)
        except ClientGone:
            return
        except Exception as error:  # the last fence: a defect is a 500 page with an id and a log line
            response = self._answer_error(visit, error)
        await self._count_error(visit)
        harden(response, cache=cache, hsts=self.config.hsts if visit.secure else "")
        response.raw_headers.append((b"x-request-id", visit.request_id.encode()))
        if visit.method == "HEAD":
            response = await without_body(response)
        try:
            await response(scope, receive, send)
        finally:
            visit.form.close()
            access.write(self.config.name, visit.method, response.status_code, visit.request_id, visit.client_address)

    async def _count_error(self, visit: Visit) -> None:
        """End a session that keeps asking for what does not exist or is not allowed (`maxErrors`)."""
        if not visit.refused or visit.session is None or not self.config.max_errors:
            return
        # Fails open: the request was refused already, and a store that is away opens no session anyway.
        with contextlib.suppress(StoreUnavailable):
            if await self.sessions.note_error(visit.session, limit=self.config.max_errors):
                account = visit.session.account
                security_event("too_many_errors", address=visit.client_address, account=account)

    async def _respond(
        self, visit: Visit, target: PagePath | RoutePath | None, receive: Receive
    ) -> tuple[Response, str]:
        if target is None:
            return visit.refuse(404, "no_such_page"), "no-store"
        if visit.method not in METHODS:
            return visit.refuse(405, "method_not_allowed", headers={"allow": "GET, HEAD, POST"}), "no-store"
        changes = visit.method not in SAFE_METHODS
        if changes and visit.provenance is Provenance.FOREIGN:
            _log.warning("foreign_request", service=self.config.name, address=visit.client_address)
            return visit.refuse(403, "foreign_request"), "no-store"
        visit.query = parse_query(visit.scope["query_string"])
        if changes:
            limit = await self._body_limit(visit, target)
            visit.form = await parse_form(visit.headers, receive, limit=limit, drain=self.config.drain)
        action = visit.query.get("action") if "action" in visit.query else visit.form.get("action")
        if action is not None:
            return await self._special.answer(visit, action), "no-store"
        if isinstance(target, RoutePath):
            return await self._route(visit, target)
        return await self._page(visit, target.name)

    async def _body_limit(self, visit: Visit, target: PagePath | RoutePath) -> int:
        """A large body is read only for a page that declared uploads, and only from a browser with a live session."""
        declared = self.find_private(target.name) if isinstance(target, PagePath) else None
        if declared is None or not declared.declaration.upload:
            return self.config.body_limit
        length = visit.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and int(length) <= self.config.body_limit:
            return self.config.body_limit
        known = await self._has_live_session(visit)
        return self.config.upload_limit if known else self._replay_limit(declared)

    async def _has_live_session(self, visit: Visit) -> bool:
        """Whether the cookie, or a key that needs none, belongs to a live session; the pair is checked later."""
        surface, host = self.config.surface, visit.virtual_host
        if visit.cookie or not self.config.allow_disable_cookie:
            return await self.sessions.peek_cookie(visit.cookie, surface=surface, virtual_host=host) is not None
        return (
            await self.sessions.open(
                visit.session_key,
                None,
                surface=surface,
                virtual_host=host,
                background=True,
                device=visit.user_agent,
                address=visit.client_address,
            )
            is not None
        )

    def _replay_limit(self, declared: Declared[Context]) -> int:
        """A session that ended by time may still have its text kept, up to 1 MB."""
        return max(self.config.body_limit, 1 << 20) if declared.declaration.replayable else self.config.body_limit

    async def _page(self, visit: Visit, name: str) -> tuple[Response, str]:
        public = self._pages.find(Zone.PUBLIC, name)
        if name in {"index", "login"} and visit.method in SAFE_METHODS:
            private = self._pages.find(Zone.PRIVATE, name)
            if private is not None and visit.session_key and await visit.open_pair(background=False) is not None:
                return await self._handle(visit, private)
            return await self._special.login_page(visit), "no-store"
        if public is not None:
            return await self._handle(visit, public)
        return await self._private(visit, self.find_private(name))

    async def _private(self, visit: Visit, declared: Declared[Context] | None) -> tuple[Response, str]:
        """The one door to the private zone. Whether the page exists is looked at after the pair was opened."""
        background = declared is not None and declared.declaration.background
        if await visit.open_pair(background=background) is None:
            return await visit.unauthenticated(), "no-store"
        if declared is None:
            return visit.refuse(404, "no_such_page"), "no-store"
        if visit.method not in SAFE_METHODS and not visit.proves_own():
            return visit.refuse(403, "foreign_request"), "no-store"
        return await self._handle(visit, declared)

    async def _route(self, visit: Visit, target: RoutePath) -> tuple[Response, str]:
        declared = self._pages.find_route(target.prefix)
        if declared is None:
            return visit.refuse(404, "no_such_page"), "no-store"
        if declared.declaration.credential is CredentialKind.SESSION:
            if await visit.open_pair(background=declared.declaration.background) is None:
                return await visit.unauthenticated(), "no-store"
            if visit.method not in SAFE_METHODS and not visit.proves_own():
                return visit.refuse(403, "foreign_request"), "no-store"
            return await self._handle(visit, declared, token=target.token)
        if declared.declaration.credential is CredentialKind.CAPABILITY:
            capability = await self.sessions.redeem(target.token)
            here = (self.config.surface, visit.virtual_host)
            if capability is None or (capability.surface, capability.virtual_host) != here:
                return visit.refuse(403, "capability_refused"), "no-store"
            response, cache = await self._handle(visit, declared, token=target.token, capability=capability)
            # A body's frame has an opaque origin: to it our own pictures come from another one. The token is the guard.
            response.headers.setdefault("cross-origin-resource-policy", "cross-origin")
            return response, cache
        return await self._handle(visit, declared, token=target.token)

    async def _handle(
        self, visit: Visit, declared: Declared[Context], *, token: str = "", capability: Redeemed | None = None
    ) -> tuple[Response, str]:
        declaration = declared.declaration
        method = "GET" if visit.method == "HEAD" else visit.method
        if method not in declaration.methods:
            allowed = sorted({*declaration.methods, *(("HEAD",) if "GET" in declaration.methods else ())})
            return visit.refuse(405, "method_not_allowed", headers={"allow": ", ".join(allowed)}), "no-store"
        request = visit.as_request(declaration, token=token, capability=capability)
        return await self.call(request, declared), declaration.cache

    async def call(self, request: PageRequest, declared: Declared[Context]) -> Response:
        """Run a handler; what it raises and the service knows becomes a page."""
        try:
            return await declared.handler(request, self._context)
        except (StoreUnavailable, BadInput, UndeclaredUse):
            raise
        except Exception as error:
            answer = self._on_error(request, error) if self._on_error else None
            if answer is None:
                raise
            return answer

    async def keep_interrupted(self, visit: Visit) -> bool:
        """Keep a POST that met a session ended by time. See interrupted.py."""
        return await keep_interrupted(self, visit)

    def _answer_error(self, visit: Visit, error: Exception) -> Response:
        if isinstance(error, BadInput):
            _log.info("bad_input", key=error.key, request_id=visit.request_id, address=visit.client_address)
            return visit.refuse(error.status, error.key, headers={"connection": "close"} if error.status == 413 else {})
        if isinstance(error, StoreUnavailable):
            _log.error("session_store_away", request_id=visit.request_id)
            return visit.refuse(503, "store_away", headers={"retry-after": "5"})
        _log.exception("defect", request_id=visit.request_id, exc_info=error)
        return visit.refuse(500, "defect")

    def error_page(
        self,
        request: PageRequest,
        status: int,
        key: str,
        *,
        kept: Sequence[tuple[str, str]],
        retry_after: int | None = None,
        **context: object,
    ) -> Response:
        """The error page (`public/error.hsp`) or its JSON; the template turns `key` into words."""
        headers = {"retry-after": str(retry_after)} if retry_after else {}
        if request.wants_json:
            body = {"error": key, "status": status, "requestId": request.request_id}
            return JSONResponse(body, status_code=status, headers=headers)
        title, text = WORDS.get(key, UNKNOWN)
        values = {
            "title": title,
            "text": text,
            "status": status,
            "key": key,
            "kept": [(name, value) for name, value in kept if name not in NEVER_ECHOED],
            "retry_after": retry_after,
            "retry_path": self._retry_path(request),
            "uploads_lost": [upload.filename for _, upload in request.form.uploads],
            **context,
        }
        keyless = replace(request, session_key="")
        return HTMLResponse(keyless.render_text("public/error.hsp", values), status_code=status, headers=headers)

    def _retry_path(self, request: PageRequest) -> str:
        """The address of the page asked for; the start page where the path names none (`//elsewhere` is no page)."""
        target = parse(strip_mount(request.scope["raw_path"], self._mount))
        return self.path_of(target.name if isinstance(target, PagePath) else "index")
