"""Declarations that contradict themselves are refused when they are made, not when they are visited (class SC-38)."""

from typing import Any

import pytest
from starlette.responses import Response

from hsp.zones.declarations import CredentialKind, DeclarationError, Pages, Permission, Zone


async def handler(_request: Any, _context: object) -> Response:
    return Response()


def declare(name: str = "thing", zone: Zone = Zone.PRIVATE, **more: Any) -> Pages[object]:
    pages: Pages[object] = Pages()
    pages.page(name, zone=zone, **more)(handler)
    return pages


def test_the_defaults_are_the_strict_ones() -> None:
    (private,) = declare()
    assert (private.path, private.methods, private.permission) == ("/thing.hsp", ("GET",), Permission.READ)
    assert (private.credential, private.session, private.cache) == (CredentialKind.SESSION, True, "no-store")
    assert (private.background, private.replayable, private.upload) == (False, False, False)
    (public,) = declare(zone=Zone.PUBLIC)
    assert (public.credential, public.session, public.permission) == (CredentialKind.NONE, False, Permission.PUBLIC)


def test_the_start_page_stands_at_the_root_and_in_both_zones() -> None:
    pages = declare("index")
    pages.include(declare("index", Zone.PUBLIC))
    assert {page.path for page in pages} == {"/"}
    assert {page.zone for page in pages} == {Zone.PUBLIC, Zone.PRIVATE}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_sc38_a_read_permission_never_guards_a_change_of_state(method: str) -> None:
    for permission in (None, Permission.READ, Permission.PUBLIC):
        with pytest.raises(DeclarationError):
            declare(methods=("GET", method), permission=permission)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "get", ""])
def test_a_method_that_the_engine_never_lets_through_cannot_be_declared(method: str) -> None:
    with pytest.raises(DeclarationError):
        declare(methods=(method,), permission=Permission.WRITE)


@pytest.mark.parametrize(
    "more",
    [
        {"methods": ()},
        {"permission": Permission.PUBLIC},
        {"replayable": True},
        {"zone": Zone.PUBLIC, "session": True},
    ],
)
def test_contradictions_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError):
        declare(**more)


@pytest.mark.parametrize("name", ["", "Mail", "1a", "_a", "-a", "a.b", "a/b", "../a", "a b", "a\n", "\u00e4", "a" * 65])
def test_a_name_that_no_path_can_spell_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError):
        declare(name)


def test_nothing_is_declared_twice() -> None:
    pages = declare()
    with pytest.raises(DeclarationError, match="twice"):
        pages.page("thing", zone=Zone.PRIVATE)(handler)
    with pytest.raises(DeclarationError, match="twice"):
        pages.include(declare())
    pages.route("/part/{token}", credential=CredentialKind.CAPABILITY)(handler)
    with pytest.raises(DeclarationError, match="twice"):
        pages.route("/part/{token}", credential=CredentialKind.SESSION)(handler)


@pytest.mark.parametrize(
    "path",
    [
        "/part",
        "/part/",
        "part/{token}",
        "/part/{token}/x",
        "/a/b/{token}",
        "/Part/{token}",
        "/{token}",
        "//{token}",
        "/part/{other}",
    ],
)
def test_a_route_has_one_segment_and_one_token(path: str) -> None:
    with pytest.raises(DeclarationError):
        Pages[object]().route(path, credential=CredentialKind.CAPABILITY)


def test_sc38_a_capability_and_a_session_route_are_held_to_the_same_rule() -> None:
    for credential in (CredentialKind.CAPABILITY, CredentialKind.SESSION):
        with pytest.raises(DeclarationError):
            Pages[object]().route("/part/{token}", credential=credential, methods=("POST",))
    pages: Pages[object] = Pages()
    pages.route("/act/{token}", credential=CredentialKind.SESSION, methods=("POST",), permission=Permission.WRITE)(
        handler
    )
    (route,) = pages
    assert (route.zone, route.session, route.is_page) == (Zone.PRIVATE, True, False)


def test_what_is_not_declared_is_not_found() -> None:
    pages = declare()
    assert pages.find(Zone.PRIVATE, "thing") is not None
    assert pages.find(Zone.PUBLIC, "thing") is None
    assert pages.find(Zone.PRIVATE, "Thing") is None
    assert pages.find_route("/thing/") is None


def test_an_included_table_is_a_copy() -> None:
    everything: Pages[object] = Pages()
    part = declare()
    everything.include(part)
    part.page("later", zone=Zone.PRIVATE)(handler)
    assert [page.name for page in everything] == ["thing"]
