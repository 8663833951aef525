"""Promise 11: no call home. The gateway talks to configured upstreams only.

Python tells an audit hook of every name it resolves and every address it connects to, whichever library asks. The
hook stays in the process for good (PEP 578), so it only listens while a test watches.
"""

import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from html import unescape
from pathlib import Path

import pytest

from hsp.foundation.sealing import KeyRing
from tests.support.dovecot import DovecotServer
from tests.support.gateway import World
from tests.support.letters import html_letter, letter
from tests.support.nodes import deliver, eventually, mail_ids, node
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

pytestmark = pytest.mark.anyio

REMOTE = '<img src="http://tracker.example.net/pixel.png"><link rel=stylesheet href="https://cdn.example.net/a.css">'


class Calls:
    """Where this process wanted to go."""

    def __init__(self) -> None:
        self.watching = False
        self.connected: set[tuple[object, ...] | str] = set()
        self.resolved: set[str] = set()
        self.started: list[str] = []

    def hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.watching:
            return
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            address = arguments[1]
            self.connected.add(tuple(address[:2]) if isinstance(address, tuple) else str(address))
        elif event.startswith(("socket.getaddrinfo", "socket.gethostby")):
            self.resolved.add(str(arguments[0]))
        elif event in {"subprocess.Popen", "os.system", "os.exec", "urllib.Request"}:
            self.started.append(f"{event} {arguments[0]!r}")


_calls = Calls()
_hooked: list[bool] = []


@pytest.fixture
def calls() -> Iterator[Calls]:
    if not _hooked:
        sys.addaudithook(_calls.hear)
        _hooked.append(True)
    _calls.__init__()  # type: ignore[misc]  # the hook cannot be exchanged, so its listener is made anew
    _calls.watching = True
    yield _calls
    _calls.watching = False


@pytest.fixture
async def watched(
    calls: Calls, redis_server: RedisServer, dovecot: DovecotServer, smtp_sink: SmtpSink, tmp_path: Path
) -> AsyncIterator[World]:
    """The gateway, watched from before its start."""
    async with node(redis_server, dovecot, smtp_sink, tmp_path, ring=KeyRing.generate()) as world:
        yield world


def allowed(world: World, dovecot: DovecotServer) -> set[tuple[object, ...]]:
    return {("127.0.0.1", port) for port in (world.redis.port, dovecot.imap_port, world.sink.port)}


async def test_a_whole_session_reaches_configured_addresses_only(
    watched: World, dovecot: DovecotServer, calls: Calls
) -> None:
    account = dovecot.new_user()
    calls.watching = False
    deliver(dovecot, account, html_letter(f"<p>Hello</p>{REMOTE}", subject="Newsletter"), letter("Plain"))
    calls.watching = True
    browser = await watched.browser().log_in(account)
    for mail in mail_ids((await browser.get("/mail.hsp")).text):
        assert (await browser.get("/message.hsp", id=mail)).status == 200
        assert (await browser.get("/body.hsp", id=mail)).status == 200
        assert (await browser.get("/body.hsp", id=mail, images="1")).status == 200
        assert (await browser.get("/part.hsp", id=mail, part="source")).status == 200
    for page in ("/mail.hsp?q=hello", "/compose.hsp", "/outbox.hsp", "/sessions.hsp", "/nothing.hsp"):
        await browser.get(page)
    form = {
        "do": "send",
        "to": "x@elsewhere.example.net",
        "subject": "Hi",
        "text": "http://link.example.net/",
        "key": "1",
    }
    assert (await browser.post("/compose.hsp", form)).status == 303
    await eventually(lambda: len(watched.sink.messages) == 1, "the mail is sent")
    await watched.gateway.outbox.settled()
    await watched.browser().try_login("somebody@unknown.example.net", "x")
    await browser.post("/", {"action": "logout"})
    assert calls.connected == allowed(watched, dovecot), "every configured server, and no other"
    assert calls.resolved <= {"127.0.0.1"}
    assert [call for call in calls.started if "hsp.mail" not in call and sys.executable not in call] == []


async def test_an_outside_picture_is_fetched_only_when_its_own_link_is_asked_for(
    watched: World, dovecot: DovecotServer, calls: Calls
) -> None:
    account = dovecot.new_user()
    calls.watching = False
    deliver(dovecot, account, html_letter('<img src="http://tracker.invalid/pixel.png">', subject="Newsletter"))
    calls.watching = True
    browser = await watched.browser().log_in(account)
    (mail,) = mail_ids((await browser.get("/mail.hsp")).text)
    body = unescape((await browser.get("/body.hsp", id=mail, images="1")).text)
    (link,) = set(re.findall(r"/capability/[^\"'\s<>]+", body))
    assert "tracker.invalid" not in calls.resolved
    reply = await watched.raw("GET", link.encode(), {"host": "mail.test"})
    assert reply.status == 404
    assert calls.resolved - {"127.0.0.1"} == {"tracker.invalid"}


def test_control_the_hook_sees_a_call(calls: Calls) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.1", 9))
    with pytest.raises(OSError, match=r".*"):
        socket.getaddrinfo("somewhere.invalid", 80)
    assert ("127.0.0.1", 9) in calls.connected
    assert "somewhere.invalid" in calls.resolved
