"""What a page or route says of itself before it may touch anything.

Promise: nothing is reachable that is not declared here. The credential matrices of the test suite are generated
from these declarations, so a new page cannot escape them, and a page that touches what it did not declare raises.
"""

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

from starlette.responses import Response

if TYPE_CHECKING:
    from hsp.zones.request import PageRequest

Context = TypeVar("Context")
Handler = Callable[["PageRequest", Context], Awaitable[Response]]

METHODS = frozenset({"GET", "HEAD", "POST"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


class Zone(StrEnum):
    """Which part of a service a page belongs to."""

    PUBLIC = "public"
    PRIVATE = "private"


class CredentialKind(StrEnum):
    """What opens a route: nothing, the `_h` and twin pair, or a signed capability URL."""

    NONE = "none"
    SESSION = "session"
    CAPABILITY = "capability"


class Permission(StrEnum):
    """What a page may do. A state-changing method needs WRITE (class SC-38)."""

    PUBLIC = "public"
    READ = "read"
    WRITE = "write"


class DeclarationError(Exception):
    """A page or route declares something that cannot be, or is declared twice."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """One page or route.

    `path` is the raw path for pages (`/mail.hsp`) and a prefix for routes with a token (`/capability/`).
    `background` routes do not keep a session alive. `replayable` pages have their interrupted POST kept.
    `upload` pages accept bodies up to `uploadMaxSize`, all others up to `httpBodyMaxSize`.
    `session` says whether the handler may touch the session.
    """

    name: str
    path: str
    zone: Zone
    credential: CredentialKind
    methods: tuple[str, ...]
    permission: Permission
    session: bool
    background: bool = False
    replayable: bool = False
    upload: bool = False
    cache: str = "no-store"
    is_page: bool = True

    def check(self) -> None:
        """Raise DeclarationError when the declaration contradicts itself."""
        private = self.zone is Zone.PRIVATE
        if not _NAME.fullmatch(self.name):
            raise DeclarationError(f"{self.name!r} is not a page name")
        if not self.methods or set(self.methods) - METHODS:
            raise DeclarationError(f"{self.name}: a page answers GET, HEAD or POST")
        if private and self.credential is not CredentialKind.SESSION:
            raise DeclarationError(f"{self.name}: a private page needs a session")
        if self.session and self.credential is not CredentialKind.SESSION:
            raise DeclarationError(f"{self.name}: uses the session but does not ask for one")
        if private and self.permission is Permission.PUBLIC:
            raise DeclarationError(f"{self.name}: a private page needs a permission")
        if self.credential is CredentialKind.CAPABILITY and set(self.methods) - SAFE_METHODS:
            raise DeclarationError(f"{self.name}: a capability opens a thing to be read and changes nothing")
        if private and set(self.methods) - SAFE_METHODS and self.permission is not Permission.WRITE:
            raise DeclarationError(f"{self.name}: a state-changing method needs the permission 'write'")
        if self.replayable and "POST" not in self.methods:
            raise DeclarationError(f"{self.name}: only a page with POST can be replayable")


@dataclass(frozen=True, slots=True)
class Declared(Generic[Context]):
    """A declaration with the handler that answers it."""

    declaration: Declaration
    handler: Handler[Context]


class Pages(Generic[Context]):
    """The pages and routes of one service; `Context` is the object its handlers work with.

    A name may stand once in each zone: `index` is the one that stands in both.
    """

    def __init__(self) -> None:
        self._pages: dict[tuple[Zone, str], Declared[Context]] = {}
        self._routes: dict[str, Declared[Context]] = {}

    def page(
        self,
        name: str,
        *,
        zone: Zone,
        methods: tuple[str, ...] = ("GET",),
        permission: Permission | None = None,
        session: bool | None = None,
        background: bool = False,
        replayable: bool = False,
        upload: bool = False,
        cache: str = "no-store",
    ) -> Callable[[Handler[Context]], Handler[Context]]:
        """Declare the page `/<name>.hsp` (or `/` for `index`). Raises DeclarationError."""
        private = zone is Zone.PRIVATE
        declaration = Declaration(
            name=name,
            path="/" if name == "index" else f"/{name}.hsp",
            zone=zone,
            credential=CredentialKind.SESSION if private else CredentialKind.NONE,
            methods=methods,
            permission=permission or (Permission.READ if private else Permission.PUBLIC),
            session=private if session is None else session,
            background=background,
            replayable=replayable,
            upload=upload,
            cache=cache,
        )
        return self._declare(self._pages, (zone, name), declaration)

    def route(
        self,
        path: str,
        *,
        credential: CredentialKind,
        methods: tuple[str, ...] = ("GET",),
        permission: Permission | None = None,
        background: bool = True,
        cache: str = "no-store",
    ) -> Callable[[Handler[Context]], Handler[Context]]:
        """Declare a route that is no page: `/capability/{token}`. The token is one path segment."""
        prefix, brace, rest = path.partition("{token}")
        if not brace or rest or not re.fullmatch(r"/[a-z][a-z0-9-]*/", prefix):
            raise DeclarationError(f"{path!r}: a route is /<name>/{{token}}")
        private = credential is CredentialKind.SESSION
        declaration = Declaration(
            name=prefix.strip("/"),
            path=prefix,
            zone=Zone.PRIVATE if private else Zone.PUBLIC,
            credential=credential,
            methods=methods,
            permission=permission or (Permission.READ if private else Permission.PUBLIC),
            session=private,
            background=background,
            cache=cache,
            is_page=False,
        )
        return self._declare(self._routes, prefix, declaration)

    def _declare(self, table: dict, key: object, declaration: Declaration) -> Callable[[Handler], Handler]:  # type: ignore[type-arg]  # one body for both tables
        declaration.check()
        if key in table:
            raise DeclarationError(f"{declaration.name} is declared twice")

        def decorate(handler: Handler[Context]) -> Handler[Context]:
            table[key] = Declared(declaration, handler)
            return handler

        return decorate

    def find(self, zone: Zone, name: str) -> Declared[Context] | None:
        """The page of that name in that zone."""
        return self._pages.get((zone, name))

    def find_route(self, prefix: str) -> Declared[Context] | None:
        """The route under that prefix (`/capability/`)."""
        return self._routes.get(prefix)

    def include(self, other: "Pages[Context]") -> None:
        """Take over every page and route of `other`. Raises DeclarationError on a name that stands already."""
        for mine, theirs in ((self._pages, other._pages), (self._routes, other._routes)):
            for key, declared in theirs.items():
                if key in mine:
                    raise DeclarationError(f"{declared.declaration.name} is declared twice")
                mine[key] = declared  # type: ignore[index]  # both tables of a pair have the same key type

    def __iter__(self) -> Iterator[Declaration]:
        for declared in (*self._pages.values(), *self._routes.values()):
            yield declared.declaration
