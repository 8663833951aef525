"""Every state-changing request from every place a browser sends it: own pages go on, others change nothing (SC-26)."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from hsp.protocols.credentials import Credential
from hsp.zones.declarations import SAFE_METHODS, Declaration
from tests.support.declared import DECLARATIONS
from tests.support.dovecot import DovecotServer
from tests.support.gateway import HOST, ORIGIN, OTHER_HOST, PASSWORD, Pair, Reply, World

pytestmark = pytest.mark.anyio

CHANGING = [declaration for declaration in DECLARATIONS if set(declaration.methods) - SAFE_METHODS]
SITES = (None, "same-origin", "same-site", "cross-site", "none", "", "SAME-ORIGIN", "same-origin, cross-site")
ORIGINS = (
    None,
    ORIGIN,
    f"http://{OTHER_HOST}",
    "http://evil.test",
    "null",
    "",
    f"{ORIGIN}.evil.test",
    f"{ORIGIN}:8080",
    f"https://{HOST}",
)
PLACES = ("body", "query", "header")


@dataclass
class Case:
    """A live pair to try requests with."""

    world: World
    pair: Pair

    async def post(
        self, path: str, *, site: str | None, origin: str | None, place: str, form: Mapping[str, str]
    ) -> Reply:
        fields, target = dict(form), path
        headers = {"host": HOST, "cookie": f"_hmail={self.pair.cookie}"}
        if place == "body":
            fields["_h"] = self.pair.key
        elif place == "query":
            target = f"{path}?_h={self.pair.key}"
        elif place == "header":
            headers["hsp-session"] = self.pair.key
        if site is not None:
            headers["sec-fetch-site"] = site
        if origin is not None:
            headers["origin"] = origin
        headers["content-type"] = "application/x-www-form-urlencoded"
        return await self.world.raw("POST", target.encode(), headers, urlencode(fields).encode())


@pytest.fixture(scope="module")
async def case(world: World, dovecot: DovecotServer) -> Case:
    account = dovecot.new_user()
    issued = await world.gateway.sessions.start(
        surface="webmail",
        virtual_host="",
        account=account,
        credential=Credential("password", account, PASSWORD),
        device="test",
        address="198.51.100.7",
    )
    return Case(world, Pair(issued.session_key, issued.cookie))


def goes_on(site: str | None, origin: str | None, place: str) -> bool:
    """The rule of DESIGN section 4: Sec-Fetch-Site decides; without it a real Origin; without both the key's place."""
    if site is not None:
        return site == "same-origin"
    if origin is not None and origin != "null":
        return origin in {ORIGIN, f"http://{OTHER_HOST}"}
    return place in {"body", "header"}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("declaration", CHANGING, ids=lambda declaration: declaration.name)
async def test_sc26_only_own_pages_change_anything(case: Case, declaration: Declaration, site: str | None) -> None:
    for origin in ORIGINS:
        for place in PLACES:
            reply = await case.post(declaration.path, site=site, origin=origin, place=place, form={})
            what = (site, origin, place)
            assert (reply.status != 403) == goes_on(*what), (what, reply)
            assert reply.status in {200, 303, 400, 403, 404, 422}, (what, reply)
            assert "m=2" not in reply["location"], (what, reply)


@pytest.mark.parametrize("site", SITES)
async def test_sc26_logout_needs_an_own_page_and_the_key(
    world: World, dovecot: DovecotServer, site: str | None
) -> None:
    account = dovecot.new_user()
    for origin in (None, ORIGIN, "http://evil.test", "null"):
        for place in (*PLACES, "nowhere"):
            issued = await world.gateway.sessions.start(
                surface="webmail",
                virtual_host="",
                account=account,
                credential=Credential("password", account, PASSWORD),
                device="test",
                address="198.51.100.7",
            )
            case = Case(world, Pair(issued.session_key, issued.cookie))
            await case.post("/", site=site, origin=origin, place=place, form={"action": "logout"})
            lives = await world.gateway.sessions.peek_cookie(issued.cookie, surface="webmail", virtual_host="")
            ended = place != "nowhere" and goes_on(site, origin, place)
            assert (lives is None) == ended, (site, origin, place)


@pytest.mark.parametrize("site", SITES)
async def test_sc26_a_cookie_alone_becomes_a_pair_for_own_pages_only(case: Case, site: str | None) -> None:
    for origin in ORIGINS:
        reply = await case.post("/", site=site, origin=origin, place="nowhere", form={"action": "resume"})
        own = site == "same-origin" if site is not None else origin in {ORIGIN, f"http://{OTHER_HOST}"}
        assert bool(reply.key) == own, (site, origin, reply)
        assert reply.status == (303 if own else 403)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_sc26_no_get_is_refused_for_its_origin_and_none_changes_anything(case: Case, method: str) -> None:
    for declaration in DECLARATIONS:
        if not declaration.is_page or "GET" not in declaration.methods:
            continue
        target = f"{declaration.path}?_h={case.pair.key}"
        headers = {"host": HOST, "cookie": f"_hmail={case.pair.cookie}"}
        plain = await case.world.raw(method, target.encode(), headers)
        crossed = {**headers, "sec-fetch-site": "cross-site", "origin": "http://evil.test"}
        assert (await case.world.raw(method, target.encode(), crossed)).status == plain.status
