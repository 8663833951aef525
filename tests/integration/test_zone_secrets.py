"""The session key is seen where it must be and nowhere else: no GET yields it, no log, no error page (SC-32)."""

import asyncio
import io
import logging
import re
import smtplib
from collections.abc import Iterator
from html import unescape

import pytest
import structlog

from hsp.foundation import logs
from hsp.zones.headers import PAGE_CSP
from tests.support.declared import PRIVATE
from tests.support.dovecot import DovecotServer
from tests.support.gateway import ALICE, SAME_ORIGIN, World, serving
from tests.support.letters import letter
from tests.support.spellings import SPELLINGS

pytestmark = pytest.mark.anyio

LINK = re.compile(r'(?<![-\w])(?:href|src|action)="([^"]*)"')


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Everything the process logs, as an operator would have it, at the most talkative level."""
    monkeypatch.setattr(logs, "_access", None)
    root = logging.getLogger()
    handlers, level, stream = list(root.handlers), root.level, io.StringIO()
    logs.configure("debug", json=False, stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def test_no_get_yields_the_key(world: World) -> None:
    browser = await world.browser().log_in()
    cookie, key = browser.cookies["_hmail"], browser.key
    browser.key = ""
    targets = [
        "/",
        "/login.hsp",
        "/index.hsp",
        "/?login=",
        "/?m=2",
        "/?action=resume",
        "/?action=logout",
        "/?action=keepalive",
    ]
    targets += [f"/?action=login&username={ALICE}&password=demo", "/capability/x", "/nothing.hsp", "/?return=/mail.hsp"]
    targets += [
        f"{declaration.path}{query}" for declaration in PRIVATE for query in ("", "?id=x", "?action=resume", "?_h=")
    ]
    for target in targets:
        for method in ("GET", "HEAD"):
            for headers in ({}, SAME_ORIGIN, {"accept": "application/json"}, {"x-requested-with": "XMLHttpRequest"}):
                reply = await browser.send(method, target, headers=headers)
                assert key not in reply.text + repr(reply.headers), target
                assert key.split(".")[0] not in reply.text + repr(reply.headers), target
                assert cookie.rpartition(".")[2] not in reply.text + repr(reply.headers)
                assert browser.key == ""


async def test_error_pages_carry_no_key(world: World) -> None:
    browser = await world.browser().log_in()
    broken = [
        ("GET", "/mile.hsp", None),
        ("GET", "/message.hsp?id=bm9uZQ", None),
        ("GET", "/mail.hsp?folder=9_9", None),
        ("GET", "/part.hsp?id=x&part=1", None),
        ("GET", "/mail.hsp?q=%ff", None),
        ("GET", "/mail.hsp?q=%00", None),
        ("GET", "/?action=unknown", None),
        ("PUT", "/mail.hsp", None),
        ("POST", "/mail.hsp", {"_h": browser.key}),
        ("POST", "/sessions.hsp", {"_h": browser.key, "do": "unknown", "note": "kept"}),
        ("POST", "/compose.hsp", {"_h": browser.key, "do": "unknown", "subject": "kept"}),
        ("POST", "/act.hsp", {"_h": browser.key, "do": "x", "text": "y" * 70_000}),
        ("POST", "/act.hsp", {"_h": browser.key, "do": "x\0"}),
    ]
    for method, target, form in broken:
        reply = await browser.send(method, target, form=form, headers=SAME_ORIGIN)
        assert reply.status >= 400, (method, target)
        assert browser.key not in reply.text, (method, target)
        assert browser.key not in repr(reply.headers), (method, target)
        assert reply["x-request-id"] in reply.text
        assert reply["content-security-policy"] == PAGE_CSP


async def test_every_link_to_a_private_page_carries_the_key_and_no_other_does(
    world: World, dovecot: DovecotServer
) -> None:
    browser = await world.browser().log_in(dovecot.new_user())
    private = {declaration.path for declaration in PRIVATE}
    for page in ("/", "/mail.hsp", "/compose.hsp", "/sessions.hsp", "/outbox.hsp"):
        text = (await browser.get(page)).text
        links = [unescape(link) for link in LINK.findall(text)]
        assert links
        for link in links:
            path = link.partition("?")[0]
            assert link.startswith(("/", "#")), link
            if path.startswith("/static/"):
                assert browser.key not in link
        keyed = {link.partition("?")[0] for link in links if browser.key in link}
        assert keyed <= private
        assert "/mail.hsp" in keyed


async def test_sc32_no_secret_is_in_any_log_line(world: World, log: io.StringIO, dovecot: DovecotServer) -> None:
    account = dovecot.new_user()
    browser = await world.browser().log_in(account)
    await world.browser().try_login(account, "canary-password-7f3a")
    key, cookie = browser.pair.key, browser.pair.cookie
    for target in (
        "/mail.hsp",
        "/mile.hsp",
        "/?action=unknown",
        "/message.hsp?id=x",
        f"/mail.hsp?q={key}",
        "//mail.hsp",
    ):
        await browser.get(target)
        await browser.send("GET", target, headers={"hsp-session": key, "authorization": "Basic Y2FuYXJ5OmNhbmFyeQ=="})
    await browser.post("/compose.hsp", {"do": "unknown", "text": "body-canary-91c2"})
    await browser.send("GET", f"/{key}", headers={"user-agent": key, "referer": f"http://mail.test/?_h={key}"})
    original = world.gateway.asgi.find_private("outbox")
    assert original is not None
    with pytest.MonkeyPatch.context() as patch:

        def fail(*_: object) -> None:
            raise RuntimeError(f"defect with {key} and {cookie}")

        patch.setattr(world.gateway.outbox, "items", fail)
        reply = await browser.get("/outbox.hsp")
    assert reply.status == 500
    assert key not in reply.text
    await browser.post("/", {"action": "logout"})
    await world.gateway.sessions.open(key, cookie, surface="webmail", virtual_host="")
    access = logs.access_log()
    if access is not None:
        access.flush()
    lines = log.getvalue()
    assert "defect" in lines
    assert "login_failed" in lines
    for secret in (
        key,
        cookie,
        cookie.rpartition(".")[2],
        key.rpartition(".")[2],
        "canary-password-7f3a",
        "Y2FuYXJ5",
        "body-canary",
    ):
        assert secret not in lines, secret


async def test_over_a_real_socket_the_spellings_are_refused_and_the_right_one_works(world: World) -> None:
    """The server's own parser stands before the engine here: it must not clean a path on its way."""
    browser = await world.browser().log_in()
    async with serving(world) as client:
        port = client.base_url.port

        async def ask(target: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = b"GET " + target + b"?_h=" + browser.key.encode() + b" HTTP/1.1\r\nHost: mail.test\r\n"
            cookie = b"Cookie: _hmail=" + browser.cookies["_hmail"].encode()
            writer.write(head + cookie + b"\r\nConnection: close\r\n\r\n")
            try:
                answer = await asyncio.wait_for(reader.read(), 20)
            finally:
                writer.close()
                await writer.wait_closed()
            return answer

        assert (await ask(b"/mail.hsp")).startswith(b"HTTP/1.1 200")
        for spelling in SPELLINGS:
            answer = await ask(spelling)
            if spelling.startswith((b"http", b" ")):
                # The absolute form is a page's own address (RFC 9112, 3.2.2), a second space no part of any path (3).
                continue
            # With `#` or a second `?` the parser sees the right path and no key: the closed door of a private page.
            closed = b"location: /?m=2" in answer and spelling[-1:] in {b"#", b"?"}
            assert answer.startswith(b"HTTP/1.1 40") or closed, (spelling, answer[:200])
            assert b"data-folder-id" not in answer, spelling


async def test_sc37_ids_of_another_user_are_as_absent(world: World, dovecot: DovecotServer) -> None:
    owner, thief = dovecot.new_user(), dovecot.new_user()
    with smtplib.LMTP(dovecot.host, dovecot.lmtp_port) as door:
        door.send_message(letter("Private matter"), "x@example.org", [owner])
    mine, his = await world.browser().log_in(owner), await world.browser().log_in(thief)
    page = (await mine.get("/mail.hsp")).text
    (mail_id,) = re.findall(r'data-mail-id="([^"]+)"', page)
    folders = re.findall(r'data-folder-id="([^"]+)"', page)
    assert (await mine.get("/message.hsp", id=mail_id)).status == 200
    for name in ("message", "body"):
        own, foreign, absent = [
            await browser.get(f"/{name}.hsp", id=wanted)
            for browser, wanted in ((mine, mail_id), (his, mail_id), (his, "bm9uZQ"))
        ]
        assert own.status == 200
        assert foreign.status == absent.status == 404
        assert foreign.without_id == absent.without_id
        assert "Private matter" not in foreign.text
    for part in ("1", "source", "message"):
        assert (await his.get("/part.hsp", id=mail_id, part=part)).status == 404
    for folder in folders:
        assert (await his.get("/mail.hsp", folder=folder)).status == 404
    for verb in ("read", "unread", "flag", "delete", "move"):
        await his.post("/act.hsp", {"do": verb, "id": mail_id, "target": folders[-1]})
    for field in ("reply", "replyall", "forward", "draft"):
        assert "Private matter" not in (await his.get("/compose.hsp", **{field: mail_id})).text
    assert (await mine.get("/message.hsp", id=mail_id)).status == 200
    uuid = re.findall(r'name="uuid" value="([^"]+)"', (await mine.get("/sessions.hsp")).text)
    second = await world.browser().log_in(owner)
    uuid = re.findall(r'name="uuid" value="([^"]+)"', (await mine.get("/sessions.hsp")).text)
    assert uuid
    for one in uuid:
        reply = await his.post("/sessions.hsp", {"do": "end", "uuid": one})
        unknown = await his.post("/sessions.hsp", {"do": "end", "uuid": "0" * 32})
        assert reply.without_id == unknown.without_id
    assert (await second.get("/mail.hsp")).status == 200


async def test_head_answers_as_get_without_a_body(world: World, dovecot: DovecotServer) -> None:
    account = dovecot.new_user()
    with smtplib.LMTP(dovecot.host, dovecot.lmtp_port) as door:
        door.send_message(letter("Headed"), "x@example.org", [account])
    browser = await world.browser().log_in(account)
    (mail_id,) = re.findall(r'data-mail-id="([^"]+)"', (await browser.get("/mail.hsp")).text)
    for target in (
        "/mail.hsp",
        f"/message.hsp?id={mail_id}",
        f"/body.hsp?id={mail_id}",
        f"/part.hsp?id={mail_id}&part=source",
    ):
        head, get = await browser.send("HEAD", target), await browser.send("GET", target)
        assert (head.status, head.body) == (get.status, b""), target
        assert head["content-type"] == get["content-type"]
