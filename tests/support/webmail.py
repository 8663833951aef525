"""The whole webmail for a browser: a gateway on its own Redis and Dovecot, mail that travels, one socket on loopback.

`webmail` shares one gateway between all tests; `webmail.new_account(mails)` gives each of them a mailbox of its own.
Time stands still until `webmail.later(seconds)`; what the reader asks to see from outside goes to the sink.
"""

import asyncio
import imaplib
import socket
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from hsp.app import Gateway, build
from hsp.config import Listener, Settings
from hsp.demo.letters import Letter
from hsp.foundation.http import FencedTransport, httpx
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import migrate
from hsp.protocols.imap.utf7 import encode_name
from hsp.services import BoundListener, GatewayServer
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer, make_dovecot
from tests.support.gateway import settings_for
from tests.support.redis_server import RedisServer
from tests.support.sink import SINK_DOMAIN, Sink
from tests.support.smtp_sink import SmtpSink, make_smtp_sink

NOW = 1_750_000_000.0
"""When all this happens: Sunday, 15 June 2025, 15:06:40 UTC."""
PASSWORD = "demo"
_DEADLINE = 20


@dataclass
class Webmail:
    """A gateway that browsers reach at `origin`, and the servers behind it."""

    origin: str
    gateway: Gateway
    clock: ManualClock
    redis: RedisServer
    dovecot: DovecotServer
    post: SmtpSink
    pages: dict[str, str] = field(default_factory=dict)
    """Documents by path that a test puts on the gateway's own origin, without the policy of its real pages."""

    def new_account(self, mails: Iterable[bytes | Letter] = (), folder: str = "INBOX") -> str:
        """A fresh mailbox with these mails, the last one newest."""
        account = self.dovecot.new_user()
        if mails:
            self.deliver(account, mails, folder)
        return account

    def deliver(self, account: str, mails: Iterable[bytes | Letter], folder: str = "INBOX") -> None:
        """Append by an independent client."""
        with self.imap(account) as client:
            for mail in mails:
                letter = mail if isinstance(mail, Letter) else Letter(mail, folder, (), self.now)
                _append(client, letter)

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.time(), UTC)

    def imap(self, account: str) -> imaplib.IMAP4:
        """An independent client, logged in."""
        client = imaplib.IMAP4(self.dovecot.host, self.dovecot.imap_port)
        client.login(account, PASSWORD)
        return client

    def stored(self, account: str, folder: str = "INBOX") -> list[tuple[bytes, bytes]]:
        """(flags line, message) of everything in a folder, as an independent client sees it."""
        with self.imap(account) as client:
            client.select(f'"{folder}"', readonly=True)
            if not client.search(None, "ALL")[1][0]:
                return []
            _, found = client.fetch("1:*", "(FLAGS BODY.PEEK[])")
            return [(item[0], item[1]) for item in found if isinstance(item, tuple)]

    async def later(self, seconds: float) -> None:
        """Time passes, and what had become due is done."""
        self.clock.advance(seconds)
        await self.gateway.outbox.run_once()
        await self.gateway.outbox.settled()


def _append(client: imaplib.IMAP4, letter: Letter) -> None:
    flags = " ".join(letter.flags)
    date = imaplib.Time2Internaldate(letter.arrived)
    folder = f'"{encode_name(letter.folder).decode()}"'
    status, answer = client.append(folder, f"({flags})", date, letter.raw)
    if status != "OK":
        client.create(folder)
        status, answer = client.append(folder, f"({flags})", date, letter.raw)
    assert status == "OK", answer


def letter(
    subject: str,
    text: str = "Hello.\n",
    *,
    sender: str = "Ines Calder <ines@tidewater.example>",
    to: str = "someone@demo.test",
    html: str = "",
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """A mail with one text, raw headers included as they stand."""
    lines = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Date": "Sun, 15 Jun 2025 09:00:00 +0000",
        "MIME-Version": "1.0",
        "Content-Type": f"text/{'html' if html else 'plain'}; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        **(headers or {}),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return (head + "\r\n" + (html or text).replace("\r\n", "\n").replace("\n", "\r\n")).encode()


class _Nearby(httpx.AsyncBaseTransport):
    """Stands for the Internet behind the gateway's own fence: every connection it allows goes to the sink."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._inner = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        near = httpx.Request(request.method, url, headers=request.headers, extensions={"timeout": {"connect": 5.0}})
        return await self._inner.handle_async_request(near)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Names:
    """Every name below the sink's domain has a public address, no other name has one."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        if not host.endswith(f".{SINK_DOMAIN}"):
            raise OSError(host)
        return ("93.184.216.34",)


@dataclass(frozen=True)
class Behind:
    """The servers behind the gateway."""

    redis: RedisServer
    dovecot: DovecotServer
    post: SmtpSink
    folder: Path


@pytest.fixture(scope="session")
def _behind_webmail() -> Iterator[Behind]:
    """Servers of our own: tests take them away and bring them back."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="hsp-webmail-")))
        (folder / "redis").mkdir()
        redis = RedisServer(folder / "redis")
        dovecots, posts = make_dovecot(), make_smtp_sink()
        dovecot, post = next(dovecots), next(posts)
        stack.callback(next, dovecots, None)
        stack.callback(next, posts, None)
        post.lmtp = (dovecot.host, dovecot.lmtp_port)
        redis.start()
        stack.callback(redis.kill)
        yield Behind(redis, dovecot, post, folder)


@asynccontextmanager
async def served(behind: Behind, sink_port: int, **webmail: object) -> AsyncIterator[Webmail]:
    """A gateway in front of these servers, on a free port; keywords are settings of WEBMAIL."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        address = f"127.0.0.1:{door.getsockname()[1]}"
        settings = _settings(behind, address, webmail)
        await asyncio.to_thread(migrate, settings.server.database.url)
        clock = ManualClock(NOW)
        nearby = _Nearby(sink_port)
        async with build(settings, clock=clock, ring=KeyRing.generate()) as gateway:
            gateway.asgi._context.outside = FencedTransport(resolver=_Names(), inner=nearby)
            shown = Webmail(f"http://{address}", gateway, clock, behind.redis, behind.dovecot, behind.post)
            async with _open(shown, settings, door):
                yield shown
        await nearby.aclose()


def _settings(behind: Behind, address: str, webmail: Mapping[str, object]) -> Settings:
    options = {"send_mail_delay": 10, **webmail}
    settings = settings_for(behind.redis, behind.dovecot, behind.post, behind.folder, **options)
    server = settings.server.model_copy(update={"public_urls": (f"http://{address}",)})
    return settings.model_copy(update={"server": server})


@asynccontextmanager
async def _open(webmail: Webmail, settings: Settings, door: socket.socket) -> AsyncIterator[None]:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        page = webmail.pages.get(scope["path"])
        await (webmail.gateway.asgi if page is None else HTMLResponse(page))(scope, receive, send)

    ready = asyncio.Event()
    host, port = door.getsockname()
    listener = BoundListener(Listener(address=f"{host}:{port}"), door, None)
    server = GatewayServer(app, [listener], settings, on_ready=lambda _: ready.set())
    task = asyncio.create_task(server.serve())
    try:
        await asyncio.wait_for(ready.wait(), _DEADLINE)
        yield
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, _DEADLINE)


@pytest.fixture(scope="session")
async def _session_webmail(anyio_backend: str, _behind_webmail: Behind, _session_sink: Sink) -> AsyncIterator[Webmail]:
    async with served(_behind_webmail, _session_sink.port) as webmail:
        yield webmail


@pytest.fixture
async def webmail(_session_webmail: Webmail) -> Webmail:
    """The shared gateway; nobody is logged in and nobody has failed to."""
    await _session_webmail.gateway.redis.flushall()
    _session_webmail.post.messages.clear()
    return _session_webmail


in_thread = partial(asyncio.to_thread)
