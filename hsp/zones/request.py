"""What a handler sees of a request, and the answers it can give.

Promise: a handler reaches the session only when its page declared one, and every link it writes to a private page
carries the session key, and no other link does.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response

from hsp.sessions import Redeemed, Session
from hsp.zones.declarations import Declaration, Zone
from hsp.zones.forms import Fields

if TYPE_CHECKING:
    from hsp.zones.service import Service

_PLAIN = re.compile(r"[A-Za-z0-9_.~=&-]*", re.ASCII)
SESSION_FIELD = "_h"
SESSION_HEADER = b"hsp-session"
# Fields that an error page never gives back: secrets, and the key (DESIGN section 4: `_h` is never on an error page).
NEVER_ECHOED = frozenset({SESSION_FIELD, "password", "login_token", "action"})


class UndeclaredUse(Exception):
    """A page touched what it had not declared. This is a defect of the page; the answer is 500."""


@dataclass(slots=True)
class PageRequest:
    """One request to a declared page or route.

    `query` are the HSP map GET, `form` the map POST, `cookies` the map COOKIE. `client_address` is the address after
    the trusted proxies. `token` is the last segment of a route's path, `capability` what its credential allows.
    """

    service: "Service[Any]"
    declaration: Declaration
    scope: Mapping[str, Any]
    headers: Headers
    query: Fields
    form: Fields
    cookies: Mapping[str, str]
    virtual_host: str
    request_id: str
    client_address: str
    secure: bool
    session_key: str = ""
    token: str = ""
    capability: Redeemed | None = None
    _session: Session | None = field(default=None, repr=False)

    @property
    def session(self) -> Session:
        """The session of this request. Raises UndeclaredUse when the page did not declare that it uses one."""
        if not self.declaration.session or self._session is None:
            raise UndeclaredUse(f"{self.declaration.name} touched the session without declaring it")
        return self._session

    @property
    def method(self) -> str:
        """GET, HEAD or POST."""
        return str(self.scope["method"])

    @property
    def wants_json(self) -> bool:
        """Whether the client asked for JSON instead of a page."""
        return wants_json(self.headers, self.query)

    def url_for(self, name: str, **params: object) -> str:
        """The address of a page, with the session key where the page is private. Parameters of None are left out."""
        pairs = [(key, str(value)) for key, value in params.items() if value is not None]
        if self.session_key and self.service.is_private(name):
            pairs.append((SESSION_FIELD, self.session_key))
        return self.service.path_of(name) + (f"?{_query(pairs)}" if pairs else "")

    def route_url(self, prefix: str, token: str) -> str:
        """The address of a route that is no page: `route_url("capability", token)`."""
        return f"{self.service.config.mount}/{prefix}/{token}"

    def render(
        self, context: Mapping[str, Any] | None = None, *, status: int = 200, template: str | None = None
    ) -> Response:
        """The page's template (or `template`, named `private/x.hsp`) as the answer."""
        name = template or f"{self.declaration.zone.value}/{self.declaration.name}.hsp"
        return HTMLResponse(self.render_text(name, context or {}), status_code=status)

    def render_text(self, template: str, context: Mapping[str, Any]) -> str:
        """A template as text, with the globals of the zone."""
        compiled = self.service.templates_for(self.virtual_host).get(template)
        return compiled.render({**self._globals(), **context})

    def redirect(self, name: str, **params: object) -> Response:
        """303 to a page of ours."""
        return RedirectResponse(self.url_for(name, **params), status_code=303)

    def problem(
        self,
        status: int,
        key: str,
        *,
        retry_after: int | None = None,
        kept: Sequence[tuple[str, str]] | None = None,
        **context: object,
    ) -> Response:
        """The error page. `key` names the sentence; the fields of the form come back filled in, secrets excepted."""
        if kept is None:
            kept = [(name, value) for name, value in self.form.pairs if name not in NEVER_ECHOED and value]
        return self.service.error_page(self, status, key, kept=kept, retry_after=retry_after, **context)

    def _globals(self) -> dict[str, Any]:
        private = self.declaration.zone is Zone.PRIVATE
        return {
            "page": self.url_for,
            "static": self.service.static_url,
            "icon": self.service.icon,
            "session_key": self.session_key if private else "",
            "account": self._session.account if private and self._session else "",
            "GET": self.query,
            "POST": self.form,
            "COOKIE": self.cookies,
            "request_id": self.request_id,
            "page_name": self.declaration.name,
        }


def _query(pairs: list[tuple[str, str]]) -> str:
    """As urlencode, at a tenth of its time where nothing needs encoding: a page has dozens of links."""
    plain = "&".join([f"{name}={value}" for name, value in pairs])
    unmixed = plain.count("=") == len(pairs) and plain.count("&") == len(pairs) - 1
    return plain if unmixed and _PLAIN.fullmatch(plain) else urlencode(pairs)


def wants_json(headers: Headers, query: Mapping[str, str]) -> bool:
    """XHR and API clients get JSON where a browser gets a page (hsp-webmail.md, section 1.6)."""
    return (
        "application/json" in headers.get("accept", "")
        or headers.get("x-requested-with", "").lower() == "xmlhttprequest"
        or query.get("custom") == "ajax"
    )
