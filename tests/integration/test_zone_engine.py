"""The engine with pages of its own: a handler gets what its declaration allows, within the limits of the service."""

import errno
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import UploadFile
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from hsp.foundation.sealing import KeyRing
from hsp.protocols.credentials import Credential
from hsp.sessions import Policy, RedisSessionStore, Sessions
from hsp.zones import (
    CredentialKind,
    PageRequest,
    Pages,
    Permission,
    Service,
    ServiceConfig,
    StaticFiles,
    Templates,
    Zone,
)
from hsp.zones.forms import BadInput
from tests.support.clock import ManualClock
from tests.support.gateway import Pair, Reply, World, ask

pytestmark = pytest.mark.anyio

BODY, UPLOAD = 1000, 5000
OWN = {"sec-fetch-site": "same-origin"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


# Pages that do what they declared, and some that do not; the context notes what ran.
pages: Pages[list[str]] = Pages()


@pages.page("index", zone=Zone.PRIVATE)
async def index(request: PageRequest, _seen: list[str]) -> Response:
    return PlainTextResponse(request.session.account)


@pages.page("about", zone=Zone.PUBLIC, cache="public, max-age=60")
async def about(request: PageRequest, _seen: list[str]) -> Response:
    return request.render({"secret": ""})


@pages.page("peeks", zone=Zone.PUBLIC)
async def peeks(request: PageRequest, _seen: list[str]) -> Response:
    return PlainTextResponse(request.session.account)


@pages.page("shy", zone=Zone.PRIVATE, session=False)
async def shy(request: PageRequest, _seen: list[str]) -> Response:
    return PlainTextResponse(request.session.account)


@pages.page("count", zone=Zone.PRIVATE, background=True)
async def count(request: PageRequest, _seen: list[str]) -> Response:
    return PlainTextResponse("1")


@pages.page("small", zone=Zone.PRIVATE, methods=("POST",), permission=Permission.WRITE)
async def small(request: PageRequest, seen: list[str]) -> Response:
    seen.append(request.form.get("text", ""))
    return request.redirect("index", notice="done")


@pages.page("large", zone=Zone.PRIVATE, methods=("GET", "POST"), permission=Permission.WRITE, upload=True)
async def large(request: PageRequest, seen: list[str]) -> Response:
    seen.extend(upload.filename for upload in request.form.files("file"))
    return PlainTextResponse(str(sum(len(value) for _, value in request.form.pairs)))


@pages.page("broken", zone=Zone.PRIVATE)
async def broken(request: PageRequest, _seen: list[str]) -> Response:
    raise RuntimeError("a canary defect")


@pages.page("refuses", zone=Zone.PRIVATE, methods=("GET", "POST"), permission=Permission.WRITE)
async def refuses(request: PageRequest, _seen: list[str]) -> Response:
    raise BadInput("unknown_action")


@pages.route("/stream/{token}", credential=CredentialKind.SESSION)
async def stream(request: PageRequest, seen: list[str]) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        seen.append("fetched")
        yield request.token.encode()

    return StreamingResponse(pieces())


@pages.route("/push/{token}", credential=CredentialKind.SESSION, methods=("POST",), permission=Permission.WRITE)
async def push(request: PageRequest, seen: list[str]) -> Response:
    seen.append(request.token)
    return Response(status_code=204)


@pages.route("/hook/{token}", credential=CredentialKind.NONE)
async def hook(request: PageRequest, _seen: list[str]) -> Response:
    return PlainTextResponse(request.token)


TEMPLATES = {
    "public/about.hsp": "about <%= page('index') %> <%= session_key %>|<%= account %>",
    "public/error.hsp": "<%= status %> <%= key %> <%= request_id %> <%= retry_path %> "
    "<%= kept|length %> <%= page('index') %>",
    "public/index.hsp": "login <%= login_token %>",
    "public/logout.hsp": "logout <%= session_key %>",
    "public/resume.hsp": "resume <%= account %>",
}


class Nobody:
    """An authenticator that lets nobody in."""

    async def login(self, _attempt: Any) -> Any:
        raise AssertionError("no login in these tests")

    def new_login_token(self, _cookie: str) -> tuple[str, str]:
        return "token", "cookie"

    async def spend_login_token(self, _token: str, _cookie: str) -> bool:
        return False


@dataclass
class Engine:
    """A service with the pages above, on the run's Redis."""

    service: Service[list[str]]
    sessions: Sessions
    seen: list[str]
    pair: Pair
    redis: Any

    async def ask(self, method: str, target: str, body: bytes = b"", pair: Pair | None = None, **more: str) -> Reply:
        own = pair or self.pair
        joint = "&" if "?" in target else "?"
        full = f"{target}{joint}_h={own.key}" if own.key else target
        headers = {"host": "mail.test", **({"cookie": f"_hmail={own.cookie}"} if own.cookie else {})}
        if method == "POST":
            headers |= {**OWN, **FORM, "content-length": str(len(body))}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return await ask(self.service, method, full.encode(), headers, body)


async def started(sessions: Sessions, **more: Any) -> Pair:
    options = {
        "surface": "webmail",
        "virtual_host": "",
        "account": "a@demo.test",
        "device": "",
        "address": "192.0.2.1",
        **more,
    }
    issued = await sessions.start(credential=Credential("password", "a@demo.test", "x"), **options)
    return Pair(issued.session_key, issued.cookie)


@pytest.fixture
async def engine(redis: Any, tmp_path: Path) -> Engine:
    return await make(redis, tmp_path)


async def make(redis: Any, tmp_path: Path, **config: Any) -> Engine:
    for name, source in TEMPLATES.items():
        path = tmp_path / "templates" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    ring, seen = KeyRing.generate(), list[str]()
    sessions = Sessions(RedisSessionStore(redis), ring, ManualClock(), Policy())
    options = {
        "name": "TEST",
        "surface": "webmail",
        "cookie": "_hmail",
        "body_limit": BODY,
        "upload_limit": UPLOAD,
        **config,
    }
    service: Service[list[str]] = Service(
        ServiceConfig(**options),
        pages,
        seen,
        sessions=sessions,
        authenticator=Nobody(),
        static=StaticFiles(tmp_path / "static"),
        templates={"": Templates([tmp_path / "templates"], {}), "brand.test": branded(tmp_path)},
    )
    return Engine(service, sessions, seen, await started(sessions), redis)


def branded(tmp_path: Path) -> Templates:
    folder = tmp_path / "brand" / "public"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "about.hsp").write_text("branded")
    return Templates([tmp_path / "brand", tmp_path / "templates"], {})


# Declared use


@pytest.mark.parametrize("page", ["peeks", "shy"])
async def test_touching_an_undeclared_session_is_a_defect(engine: Engine, page: str) -> None:
    reply = await engine.ask("GET", f"/{page}.hsp")
    assert reply.status == 500
    assert "a@demo.test" not in reply.text


async def test_a_public_page_knows_nothing_of_a_session(engine: Engine) -> None:
    reply = await engine.ask("GET", "/about.hsp")
    assert reply.text == "about / |"
    assert reply["cache-control"] == "public, max-age=60"
    assert (await engine.ask("GET", "/about.hsp", pair=Pair("", ""))).text == reply.text


async def test_a_defect_is_a_page_with_an_id_and_no_detail(engine: Engine) -> None:
    reply = await engine.ask("GET", "/broken.hsp")
    assert reply.status == 500
    assert reply.text.startswith(f"500 defect {reply['x-request-id']}")
    assert "canary" not in reply.text
    program = await engine.ask("GET", "/broken.hsp", accept="application/json")
    assert (program.status, b"canary" in program.body, b"requestId" in program.body) == (500, False, True)


async def test_a_background_page_does_not_keep_the_session_alive(engine: Engine) -> None:
    async def life() -> int:
        times = [await engine.redis.pttl(key) for key in await engine.redis.keys("*")]
        return min(time for time in times if time > 0)

    for key in await engine.redis.keys("*"):
        if 0 < await engine.redis.pttl(key) <= 900_000:
            await engine.redis.pexpire(key, 60_000)
    assert (await engine.ask("GET", "/count.hsp")).status == 200
    assert (await engine.ask("GET", "/stream/x")).status == 200, "routes are background ones by default"
    assert await life() <= 60_000
    assert (await engine.ask("GET", "/")).text == "a@demo.test"
    assert await life() > 60_000


# Routes


async def test_a_route_with_a_session_is_behind_the_same_door(engine: Engine) -> None:
    assert (await engine.ask("GET", "/stream/abc")).body == b"abc"
    assert (await engine.ask("GET", "/stream/abc", pair=Pair("", ""))).status == 303
    assert (await engine.ask("GET", "/stream/abc", pair=Pair(engine.pair.key, ""))).status == 303
    head = await engine.ask("HEAD", "/stream/abc")
    assert (head.status, head.body) == (200, b"")
    assert engine.seen == ["fetched"], "HEAD fetches nothing"


async def test_sc26_a_route_that_changes_state_asks_for_the_origin(engine: Engine) -> None:
    bare = {"host": "mail.test", "cookie": f"_hmail={engine.pair.cookie}"}
    target = f"/push/abc?_h={engine.pair.key}".encode()
    assert (await ask(engine.service, "POST", target, bare)).status == 403
    assert (await ask(engine.service, "POST", target, {**bare, "origin": "null"})).status == 403
    assert engine.seen == []
    assert (await ask(engine.service, "POST", target, {**bare, **OWN})).status == 204
    header = {**bare, "hsp-session": engine.pair.key}
    assert (await ask(engine.service, "POST", b"/push/def", header)).status == 204
    assert engine.seen == ["abc", "def"]


async def test_an_open_route_needs_nothing_and_gets_its_token(engine: Engine) -> None:
    assert (await engine.ask("GET", "/hook/abc", pair=Pair("", ""))).text == "abc"


# Bodies


async def test_the_body_limit_holds_at_the_exact_byte(engine: Engine) -> None:
    for length, status in ((BODY, 303), (BODY + 1, 413)):
        reply = await engine.ask("POST", "/small.hsp", b"text=" + b"x" * (length - 5))
        assert reply.status == status
    assert [len(text) for text in engine.seen] == [BODY - 5]
    assert reply["connection"] == "close"


async def test_an_upload_page_takes_more_from_a_live_session_only(engine: Engine) -> None:
    body = b"text=" + b"x" * (UPLOAD - 5)
    assert (await engine.ask("POST", "/large.hsp", body)).text == str(UPLOAD - 5)
    assert (await engine.ask("POST", "/large.hsp", body + b"x")).status == 413
    for pair in (Pair("", ""), Pair(engine.pair.key, ""), Pair(engine.pair.key, engine.pair.cookie[:-2] + "xx")):
        assert (await engine.ask("POST", "/large.hsp", body, pair)).status == 413
    assert (await engine.ask("POST", "/absent.hsp", body)).status == 413


async def test_where_sessions_without_cookie_are_allowed_a_made_up_key_uploads_nothing(
    redis: Any, tmp_path: Path
) -> None:
    engine = await make(redis, tmp_path, allow_disable_cookie=True)
    body = b"text=" + b"x" * (UPLOAD - 5)
    bare = await started(engine.sessions, cookieless=True, address="198.51.100.7")
    assert (await engine.ask("POST", "/large.hsp", body, bare)).status == 200
    for key in ("x", bare.key[:-2] + "xx", engine.pair.key):
        assert (await engine.ask("POST", "/large.hsp", body, Pair(key, ""))).status == 413


@pytest.mark.parametrize("declared", ["", "abc", "-1", "+5", "\u00b2", "1_0", "5, 5", "0x5", " 5"])
async def test_an_odd_content_length_is_never_a_crash(engine: Engine, declared: str) -> None:
    for page in ("small", "large"):
        reply = await engine.ask("POST", f"/{page}.hsp", b"text=x", content_length=declared)
        assert reply.status in {200, 303, 400, 413}


async def test_a_large_body_is_drained_where_the_admin_wants_it(redis: Any, tmp_path: Path) -> None:
    engine = await make(redis, tmp_path, drain=True)
    reply = await engine.ask("POST", "/small.hsp", b"text=" + b"x" * BODY)
    assert reply.status == 413
    assert engine.seen == []


async def test_a_client_that_goes_away_gets_and_does_nothing(engine: Engine) -> None:
    headers = {"host": "mail.test", "cookie": f"_hmail={engine.pair.cookie}", **OWN, **FORM}
    target = f"/small.hsp?_h={engine.pair.key}".encode()
    reply = await ask(engine.service, "POST", target, headers, b"text=half", gone=True)
    assert reply.status == 0
    assert engine.seen == []


async def test_a_full_disk_is_said_in_words_and_nothing_is_done(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_self: UploadFile, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(UploadFile, "write", full)
    body = b'--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--B--\r\n'
    reply = await engine.ask("POST", "/large.hsp", body, content_type="multipart/form-data; boundary=B")
    assert (reply.status, reply.text.startswith("507 disk_full")) == (507, True)
    assert engine.seen == []


@pytest.mark.parametrize("query", ["a=%ff", "a=%00", "a=%0a", "%c0%ae=1", "&" * 2001])
async def test_a_query_that_cannot_be_read_is_400(engine: Engine, query: str) -> None:
    for target in ("/", "/about.hsp", "/small.hsp", "/absent.hsp", "/hook/x"):
        for pair in (engine.pair, Pair("", "")):
            assert (await engine.ask("GET", f"{target}?{query}", pair=pair)).status == 400


async def test_what_was_refused_comes_back_filled_in_but_for_secrets(engine: Engine) -> None:
    reply = await engine.ask("POST", "/refuses.hsp", b"a=1&b=&password=p&login_token=t&_h=" + engine.pair.key.encode())
    assert reply.status == 400
    assert reply.text.endswith("/refuses.hsp 1 /")
    assert engine.pair.key not in reply.text


@pytest.mark.parametrize(
    "path",
    [
        "//evil.test/",
        "//evil.test/mail.hsp",
        "/\\evil.test",
        "https://evil.test/",
        "/javascript:alert(1)",
        '/x"onfocus=1',
    ],
)
async def test_sc31_an_error_page_leads_nowhere_else(engine: Engine, path: str) -> None:
    reply = await engine.ask("GET", path)
    assert reply.status == 404
    assert reply.text.split()[3] == "/"


async def test_a_broken_cookie_header_is_no_cookie(engine: Engine) -> None:
    for cookie in (
        "_hmail",
        "_hmail=",
        "=x",
        ";;;",
        "_hmail=\xff\xfe",
        '_hmail="',
        "a" * 20_000,
        "_hmail=x; _hmail=" + engine.pair.cookie,
    ):
        reply = await engine.ask("GET", "/", cookie=cookie)
        assert reply.status == 200
        assert reply.text in {"login token", "a@demo.test"}


@settings(max_examples=150, deadline=None)
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "\u00ff"]),
    path=st.one_of(st.binary(max_size=40), st.sampled_from([b"/", b"/mail.hsp", b"/compose.hsp", b"/capability/x"])),
    query=st.binary(max_size=40),
    cookie=st.text(alphabet=st.characters(max_codepoint=255), max_size=40),
    origin=st.sampled_from(["same-origin", "none", "x"]),
    kind=st.sampled_from(["application/x-www-form-urlencoded", "multipart/form-data; boundary=B", "x/y", ""]),
    body=st.binary(max_size=80),
)
async def test_any_request_has_an_answer_and_none_is_a_defect(
    world: World, method: str, path: bytes, query: bytes, cookie: str, origin: str, kind: str, body: bytes
) -> None:
    headers = {"host": "mail.test", "cookie": f"_hmail={cookie}", "sec-fetch-site": origin, "content-type": kind}
    reply = await world.raw(method, path + b"?" + query, headers, body)
    assert reply.status in {200, 303, 400, 401, 403, 404, 405, 413}
    assert reply["content-security-policy"]
    assert reply.key == ""


# Virtual hosts and mount paths


HOSTS = (("brand.test", "brand"), ("eu.brand.test", "eu"))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("brand.test", "brand.test"),
        ("BRAND.test:8443", "brand.test"),
        ("www.brand.test", "brand.test"),
        ("brand.test.", "brand.test"),
        ("eu.brand.test", "eu.brand.test"),
        ("x.eu.brand.test", "eu.brand.test"),
        ("notbrand.test", ""),
        ("brand.test.evil.test", ""),
        ("mail.test", ""),
        ("", ""),
        ("[::1]:80", ""),
        ("brand.test@mail.test", ""),
    ],
)
async def test_a_host_belongs_to_its_nearest_virtual_host(redis: Any, tmp_path: Path, host: str, known: str) -> None:
    engine = await make(redis, tmp_path, virtual_hosts=HOSTS)
    assert engine.service.virtual_host(host) == known
    text = (await engine.ask("GET", "/about.hsp", host=host)).text
    assert text.startswith("branded" if known == "brand.test" else "about")


async def test_below_a_mount_path_cookies_links_and_redirects_stay_there(redis: Any, tmp_path: Path) -> None:
    engine = await make(redis, tmp_path, mount="/webmail")
    for base in ("/webmail", ""):
        assert (await engine.ask("GET", f"{base}/")).text == "a@demo.test"
        done = await engine.ask("POST", f"{base}/small.hsp", b"text=x")
        assert done["location"].startswith("/webmail/?notice=done&_h=")
        refused = await engine.ask("GET", f"{base}/large.hsp?x=1", pair=Pair("", ""))
        assert refused["location"] == "/webmail/?m=2&return=%2Flarge.hsp%3Fx%3D1"
    login = await engine.ask("GET", "/webmail/", pair=Pair("", ""))
    assert "path=/webmail" in login["set-cookie"].lower()
    assert (await engine.ask("GET", "/webmail/webmail/")).status == 404
    assert (await engine.ask("GET", "/webmailx")).status == 404
