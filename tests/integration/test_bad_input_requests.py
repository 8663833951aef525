"""Bad input in requests: each gets its status, a sentence, a log line with the request's id; nothing is half done."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest

from tests.support.dovecot import DovecotServer
from tests.support.gateway import SAME_ORIGIN, Browser, Reply, World, running, serving
from tests.support.letters import letter
from tests.support.log_lines import DEFECT, LogLines, assert_clear, log_lines
from tests.support.mail_world import contents
from tests.support.nodes import deliver, eventually, folder_id, mail_ids
from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.anyio

__all__ = ["log_lines"]

CONTROLS = ["\x01", "\x07", "\x08", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\ud7ff", "\U000e0041"]
HOSTILE = [
    "\r\nBcc: victim@example.org",
    "\n",
    "\r",
    "'\"><svg onload=x>",
    "%00",
    "{1}\r\n",
    "\\",
    "A" * 3000,
    *CONTROLS,
]


@pytest.fixture
async def browser(world: World, dovecot: DovecotServer) -> Browser:
    account = dovecot.new_user()
    deliver(dovecot, account, letter("Here"), letter("There"))
    return await world.browser().log_in(account)


async def post_raw(browser: Browser, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded") -> Reply:
    """A body byte for byte, with the browser's pair."""
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"host": "mail.test", "cookie": cookie, "hsp-session": browser.key, **SAME_ORIGIN}
    sent = {**headers, "content-type": kind, "content-length": str(len(body))}
    return await browser.world.raw("POST", path.encode(), sent, body)


def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"' + more + b"\r\n\r\n" + value + b"\r\n"


MULTIPART = "multipart/form-data; boundary=b"


# Heads, on a real socket


@dataclass
class Wire:
    """Raw bytes to the real HTTP server, and what its log says."""

    port: int
    lines: LogLines

    async def ask(self, *pieces: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for piece in pieces:
                writer.write(piece)
            return await asyncio.wait_for(reader.read(), 30)
        finally:
            writer.close()


@pytest.fixture
async def wire(world: World, log_lines: LogLines) -> AsyncIterator[Wire]:
    async with serving(world) as client:
        assert client.base_url.port is not None
        yield Wire(client.base_url.port, log_lines)


HEAD = b"GET /mail.hsp HTTP/1.1\r\nHost: mail.test\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "sentence"),
    [
        pytest.param(HEAD + b"Cookie: " + b"a" * 70_000 + b"\r\n\r\n", 431, b"headers too large", id="a large cookie"),
        pytest.param(HEAD + b"X: y\r\n" * 200 + b"\r\n", 431, b"too many headers", id="many headers"),
        pytest.param(b"GET /?q=" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 414, b"address too long", id="a long address"),
        pytest.param(HEAD + b"Broken\r\n\r\n", 400, b"malformed request", id="a header without a colon"),
        pytest.param(HEAD + b"X: a\0b\r\n\r\n", 400, b"malformed request", id="NUL in a header"),
        pytest.param(HEAD + b"Host: evil.test\r\n\r\n", 400, b"exactly one Host", id="two hosts"),
        pytest.param(HEAD + b"Content-Length: -1\r\n\r\n", 400, b"malformed request", id="a negative length"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", 400, b"malformed request", id="TLS to a plain port"),
    ],
)
async def test_a_bad_head_is_refused_in_words_and_noted(
    wire: Wire, request_bytes: bytes, status: int, sentence: bytes
) -> None:
    answer = await wire.ask(request_bytes)
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert sentence in answer
    request_id = re.search(rb"x-request-id: ([0-9a-f]+)\r\n", answer)
    assert request_id is not None
    about = wire.lines.about(request_id[1].decode())
    assert len(about) == 1
    assert f"status={status}" in about[0]
    assert "address=127.0.0.1" in about[0]
    assert b"HTTP/1.1 200" in await wire.ask(b"GET / HTTP/1.1\r\nHost: mail.test\r\nConnection: close\r\n\r\n")


# Bodies and uploads


@pytest.mark.parametrize("drain", [False, True], ids=["cut off", "allowLargeIncomingData"])
async def test_bodies_above_their_limits_are_413_as_configured(
    redis_server: RedisServer, dovecot: DovecotServer, tmp_path: Path, log_lines: LogLines, drain: bool
) -> None:
    account = dovecot.new_user()
    limits = {"http_body_max_size": 16, "upload_max_size": 48, "allow_large_incoming_data": drain}
    async with running(redis_server, dovecot, tmp_path, **limits) as world:
        browser = await world.browser().log_in(account)
        fits = {"do": "save", "to": "x@example.org", "subject": "Fits", "text": "y" * 40_000}
        assert (await browser.post("/compose.hsp", fits)).status == 303, "compose counts as an upload"
        for path, size in (("/compose.hsp", 60_000), ("/act.hsp", 20_000), ("/sessions.hsp", 20_000), ("/", 20_000)):
            reply = await browser.post(path, {**fits, "text": "y" * size})
            assert_clear(reply, log_lines, 413, "That is too large")
            assert reply["connection"] == "close"
        file = part(b"attachment", b"z" * 60_000, b'; filename="big.bin"')
        reply = await post_raw(browser, "/compose.hsp", part(b"do", b"send") + file + b"--b--\r\n", MULTIPART)
        assert_clear(reply, log_lines, 413, "That is too large")
        assert (await browser.get("/mail.hsp")).status == 200
        assert world.sink.messages == []
    assert len(contents(dovecot.imap_port, account, "Drafts")) == 1


@pytest.mark.parametrize("drain", [False, True], ids=["cut off", "allowLargeIncomingData"])
async def test_a_large_upload_over_a_socket_gets_its_answer(
    redis_server: RedisServer, dovecot: DovecotServer, tmp_path: Path, drain: bool
) -> None:
    size = 3 << 20
    async with running(redis_server, dovecot, tmp_path, upload_max_size=64, allow_large_incoming_data=drain) as world:
        async with serving(world) as client:
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            head = b"POST /compose.hsp HTTP/1.1\r\nHost: mail.test\r\nSec-Fetch-Site: same-origin\r\n"
            writer.write(head + b"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % size)
            try:
                for _ in range(size // 65536):
                    writer.write(b"x" * 65536)
                    await writer.drain()
            except ConnectionError:
                assert not drain, "with the switch on, the body is read to its end"
            answer = await asyncio.wait_for(reader.read(4096), 30)
            writer.close()
            assert answer.startswith(b"HTTP/1.1 413 ")


# Broken credentials

BROKEN = ["", ".", "x", "..", "\x00", "%00", "é", "\ud7ff", "a" * 5000, "a.b", '"quoted"', "; _h=1", "null", "-1", "٣"]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda text: quote(text[:12]) or "empty")
async def test_a_broken_key_or_cookie_is_the_end_of_a_session_and_no_defect(
    world: World, browser: Browser, log_lines: LogLines, broken: str
) -> None:
    good_key, cookie = browser.key, browser.cookies["_hmail"]
    sent = {"host": "mail.test", "cookie": f"_hmail={cookie}"}
    for target in (f"/mail.hsp?_h={quote(broken)}", f"/mail.hsp?_h={quote(good_key + broken)}x"):
        reply = await world.raw("GET", target.encode(), sent)
        assert reply.status in {303, 400}, target
        assert log_lines.about(reply["x-request-id"])
    text = broken.encode().decode("latin-1").replace("\0", "\x01")
    for value in (f"_hmail={text}", f"_hmail=x{text}{cookie}", f"_hmail={cookie}x{text}", text):
        reply = await world.raw("GET", f"/mail.hsp?_h={good_key}".encode(), {**sent, "cookie": value})
        assert (reply.status, reply["location"][:5]) == (303, "/?m=2"), value
    assert "defect" not in log_lines.text
    assert (await browser.get("/mail.hsp")).status == 200, "the session itself is unharmed"


# Bytes that are no text


@pytest.mark.parametrize("bad", [b"%ff", b"%c3%28", b"%ed%a0%80", b"%c0%af", b"%f5%80%80%80"])
async def test_invalid_utf8_is_400_in_every_field(browser: Browser, log_lines: LogLines, bad: bytes) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    headers = {"host": "mail.test", "cookie": cookie, "hsp-session": browser.key}
    for name in (b"q", b"folder", b"page", b"id", b"sent", b"notice", b"m", b"return", b"%ff"):
        reply = await browser.world.raw("GET", b"/mail.hsp?" + name + b"=" + bad, headers)
        assert_clear(reply, log_lines, 400, "not valid UTF-8")
    for path, names in (
        ("/compose.hsp", (b"to", b"cc", b"bcc", b"subject", b"text", b"quote", b"key", b"draft", b"do")),
        ("/act.hsp", (b"do", b"id", b"move", b"page", b"q", b"from")),
        ("/sessions.hsp", (b"do", b"uuid")),
        ("/outbox.hsp", (b"do", b"id")),
        ("/", (b"username", b"password", b"login_token", b"return", b"disableCookie")),
    ):
        for name in names:
            reply = await post_raw(browser, path, b"x=1&" + name + b"=a" + bad)
            assert_clear(reply, log_lines, 400, "not valid UTF-8")
    assert browser.world.sink.messages == []


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3(", b"\xed\xa0\x80"])
async def test_invalid_utf8_in_a_multipart_form_is_400(browser: Browser, log_lines: LogLines, bad: bytes) -> None:
    end = b"--b--\r\n"
    for body in (
        part(b"text", b"a" + bad) + end,
        part(b"te" + bad, b"a") + end,
        part(b"attachment", b"data", b'; filename="a' + bad + b'.txt"') + end,
    ):
        reply = await post_raw(browser, "/compose.hsp", part(b"do", b"save") + body, MULTIPART)
        assert_clear(reply, log_lines, 400, "not valid UTF-8")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MULTIPART, part(b"do", b"send")),
        (MULTIPART, b""),
        (MULTIPART, b"nonsense"),
        ("multipart/form-data", part(b"do", b"send") + b"--b--\r\n"),
        ("multipart/form-data; boundary=", part(b"do", b"send") + b"--b--\r\n"),
        (MULTIPART, b"--b\r\nContent-Disposition: nonsense\r\n\r\nx\r\n--b--\r\n"),
        (MULTIPART, b"--b\r\n\r\nx\r\n--b--\r\n"),
    ],
)
async def test_a_form_that_is_cut_off_or_malformed_is_400(
    browser: Browser, log_lines: LogLines, kind: str, body: bytes
) -> None:
    reply = await post_raw(browser, "/compose.hsp", body, kind)
    assert_clear(reply, log_lines, 400, "did not arrive whole")


@pytest.mark.parametrize("many", ["&".join("a=1" for _ in range(2001)), "&" * 5000 + "a=1"])
async def test_a_form_with_too_many_fields_is_400_or_harmless(browser: Browser, log_lines: LogLines, many: str) -> None:
    reply = await post_raw(browser, "/act.hsp", many.encode())
    assert reply.status in {303, 400}
    assert DEFECT not in reply.text
    assert log_lines.about(reply["x-request-id"])


# Control characters and worse in every field


@pytest.mark.parametrize("control", ["\0", "\x01", "\x1b", "\x7f", "\r", "\n"])
async def test_control_characters_in_an_address_are_400(browser: Browser, log_lines: LogLines, control: str) -> None:
    for name in ("q", "folder", "page", "id", "sent", "notice", "n"):
        reply = await browser.get("/mail.hsp", **{name: f"a{control}b"})
        assert_clear(reply, log_lines, 400, "characters we can&#39;t accept")
    for page in ("message", "body", "part", "compose"):
        reply = await browser.get(f"/{page}.hsp", id=f"a{control}b")
        assert_clear(reply, log_lines, 400, "characters we can&#39;t accept")


async def test_nul_in_a_form_is_400(browser: Browser, log_lines: LogLines) -> None:
    for name in ("to", "cc", "bcc", "subject", "text", "key", "do"):
        reply = await browser.post("/compose.hsp", {"do": "send", "to": "x@example.org", name: "a\0b"})
        assert_clear(reply, log_lines, 400, "characters we can&#39;t accept")
    assert browser.world.sink.messages == []


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: quote(text[:10]))
async def test_sc13_sc14_no_field_of_a_mail_becomes_more_than_its_text(
    world: World, browser: Browser, log_lines: LogLines, hostile: str
) -> None:
    """Whatever stands in a field, the mail goes to its recipient alone or is given back for a look."""
    world.sink.messages.clear()
    for name in ("to", "cc", "bcc", "subject", "text", "key", "draft", "source", "answers", "mode", "keep", "quote"):
        form = {"do": "send", "to": "x@example.org", "subject": "S", "text": "T", "key": name}
        form[name] = form.get(name, "x@example.org" if name in {"cc", "bcc"} else "") + hostile
        reply = await browser.post("/compose.hsp", form)
        assert reply.status in {303, 404, 422}, (name, reply.status)
        assert DEFECT not in reply.text
        assert "<svg" not in reply.text.replace('<svg class="', "").replace("<svg aria-", "")
        assert log_lines.about(reply["x-request-id"])
    await world.gateway.outbox.settled()
    await eventually(lambda: bool(world.sink.messages), "the harmless ones are sent")
    for received in world.sink.messages:
        assert set(received.recipients) == {"x@example.org"}
        assert b"\r\nBcc:" not in received.content.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: quote(text[:10]))
async def test_no_file_name_is_more_than_a_name(world: World, browser: Browser, hostile: str) -> None:
    name = hostile.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22").encode()
    file = part(b"attachment", b"data", b'; filename="a' + name + b'.txt"')
    fields = part(b"do", b"save") + part(b"to", b"x@example.org") + part(b"subject", b"With a file")
    reply = await post_raw(browser, "/compose.hsp", fields + file + b"--b--\r\n", MULTIPART)
    assert reply.status == 303, reply.text
    page = await browser.get(reply["location"].partition("&_h=")[0])
    assert page.status == 200
    assert "With a file" in page.text


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda text: quote(text[:10]))
async def test_a_hostile_login_is_only_a_wrong_password(world: World, log_lines: LogLines, hostile: str) -> None:
    reply = await world.browser().try_login(f"alice{hostile}@demo.test", f"pass{hostile}")
    if reply.status == 303:
        assert reply["location"].endswith("&m=1")
    else:  # What can be no account shares one counter.
        assert_clear(reply, log_lines, 429, "Too many attempts")
    assert log_lines.about(reply["x-request-id"])
    assert sum("hsp-security event=login_" in line for line in log_lines.text.splitlines()) == 1


@pytest.mark.parametrize(
    "hostile", ["a\r\nb", '"', "\\", "{9}", "* OK", "ü" * 300, "\u202e", "()%*]", "to:", 'from:"', ":", "is:nothing"]
)
async def test_a_hostile_search_finds_nothing_and_breaks_nothing(browser: Browser, hostile: str) -> None:
    reply = await browser.get("/mail.hsp", q=hostile)
    assert reply.status == (400 if "\r" in hostile else 200)
    assert DEFECT not in reply.text
    assert len(mail_ids((await browser.get("/mail.hsp")).text)) == 2


@pytest.mark.parametrize("number", ["-1", "0", "1" + "0" * 30, "abc", "٣", "1.5", " 1", "1e3", "0x1", "", "--", "²"])
async def test_an_impossible_page_number_shows_the_nearest_page(browser: Browser, number: str) -> None:
    for target in ("/mail.hsp", "/"):
        reply = await browser.get(target, page=number)
        assert reply.status == 200
        assert len(mail_ids(reply.text)) == 2
    (first, _) = mail_ids((await browser.get("/mail.hsp")).text)
    assert (await browser.get("/message.hsp", id=first, page=number)).status == 200
    assert (await browser.post("/act.hsp", {"do": "seen", "id": first, "page": number})).status == 303


@pytest.mark.parametrize(
    "target", ["", "x", "0_0", "-1_1", "9" * 40, "1_1_1", "٣_٣", "../Inbox", "INBOX\r\nx", "a" * 3000]
)
async def test_an_impossible_move_target_moves_nothing(browser: Browser, log_lines: LogLines, target: str) -> None:
    before = mail_ids((await browser.get("/mail.hsp")).text)
    reply = await browser.post("/act.hsp", {"do": "move", "move": target, "id": before[0]})
    assert_clear(reply, log_lines, 404, "There is no such folder")
    assert mail_ids((await browser.get("/mail.hsp")).text) == before


@pytest.mark.parametrize("wrong", ["", "x", "0", "-1", "9" * 400, "\u202e", "AAAA", "MV8x", "=", "٣"])
async def test_an_impossible_id_is_404_on_every_page(browser: Browser, log_lines: LogLines, wrong: str) -> None:
    sentence = "There is no such mail"
    for page in ("message", "body", "part"):
        assert_clear(await browser.get(f"/{page}.hsp", id=wrong, part="1"), log_lines, 404, sentence)
    for field in ("reply", "replyall", "forward", "draft"):
        if wrong:
            assert_clear(await browser.get("/compose.hsp", **{field: wrong}), log_lines, 404, sentence)
    if wrong:
        for verb in ("seen", "flag", "delete"):
            assert_clear(await browser.post("/act.hsp", {"do": verb, "id": wrong}), log_lines, 404, sentence)
    assert_clear(await browser.post("/outbox.hsp", {"do": "retry", "id": wrong}), log_lines, 404, sentence)
    trash = folder_id((await browser.get("/mail.hsp")).text, "Trash")
    assert mail_ids((await browser.get("/mail.hsp", folder=trash)).text) == []


async def test_an_unknown_verb_is_400_and_does_nothing(browser: Browser, log_lines: LogLines) -> None:
    before = mail_ids((await browser.get("/mail.hsp")).text)
    for path, form in (
        ("/act.hsp", {"do": "burn", "id": before[0]}),
        ("/act.hsp", {"one": f"burn:{before[0]}"}),
        ("/compose.hsp", {"do": "burn", "to": "x@example.org"}),
        ("/sessions.hsp", {"do": "burn"}),
        (f"/mail.hsp?{urlencode({'action': 'burn'})}", {}),
    ):
        assert_clear(await browser.post(path, form), log_lines, 400, "We don&#39;t know that action")
    assert mail_ids((await browser.get("/mail.hsp")).text) == before
