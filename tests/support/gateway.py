"""A whole gateway in this process: real Redis, real Dovecot, the SMTP sink, settings as an operator writes them.

`world` builds one gateway per module; `world.browser()` is a browser that keeps cookies and goes in by ASGI, from an
address of its own; `world.raw()` sends one request byte for byte. `serving(world.gateway)` opens a real socket.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from hsp.app import Gateway, build
from hsp.config import Domain, Listener, Settings, Upstream
from hsp.config.server import Log, Redis, Server
from hsp.config.webmail import HostNameResolver, Webmail
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import migrate
from hsp.services import BoundListener, GatewayServer
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink, make_smtp_sink

ORIGIN = "http://mail.test"
HOST = "mail.test"
OTHER_HOST = "brand.test"
ALICE, BOB, PASSWORD = "alice@demo.test", "bob@demo.test", "demo"
SAME_ORIGIN = {"sec-fetch-site": "same-origin", "origin": ORIGIN}
_TOKEN = re.compile(r'name="login_token" value="([^"]*)"')
_addresses = count(1)


@dataclass(frozen=True)
class Reply:
    """One answer, as it went over ASGI."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __getitem__(self, name: str) -> str:
        return self.get(name) or ""

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def key(self) -> str:
        """The session key in the redirect's address."""
        return parse_qs(urlsplit(self["location"]).query).get("_h", [""])[0]

    @property
    def without_id(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """All that must be the same for two requests that must not be told apart: request id and date are taken out."""
        ids = self.get("x-request-id") or "-"
        kept = tuple(pair for pair in self.headers if pair[0] not in {"x-request-id", "date"})
        return self.status, kept, self.body.replace(ids.encode(), b"ID")


@dataclass
class Pair:
    """Both halves of a session as a browser holds them."""

    key: str
    cookie: str


@dataclass
class Browser:
    """Keeps cookies and the session key; sends what a browser's own page would send."""

    world: "World"
    address: str
    host: str = HOST
    agent: str = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
    cookies: dict[str, str] = field(default_factory=dict)
    key: str = ""

    async def get(self, target: str, **query: str) -> Reply:
        return await self.send("GET", target, query=query)

    async def post(self, target: str, form: Mapping[str, Any], *, headers: Mapping[str, str] | None = None) -> Reply:
        data = {"_h": self.key, **form} if self.key else dict(form)
        own = {"sec-fetch-site": "same-origin", "origin": f"http://{self.host}"}
        return await self.send("POST", target, form=data, headers={**own, **(headers or {})})

    async def send(
        self,
        method: str,
        target: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        pairs = {**(query or {}), **({"_h": self.key} if self.key and form is None else {})}
        body = urlencode(form or {}, doseq=True).encode()
        sent = {"host": self.host, "user-agent": self.agent}
        if self.cookies:
            sent["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            sent |= {"content-type": "application/x-www-form-urlencoded", "content-length": str(len(body))}
        joint = "&" if "?" in target else "?"
        full = target + (joint + urlencode(pairs) if pairs else "")
        reply = await self.world.raw(method, full.encode(), {**sent, **(headers or {})}, body, address=self.address)
        self._keep(reply)
        return reply

    def _keep(self, reply: Reply) -> None:
        for line in reply.all("set-cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            if "max-age=0" in line.lower() or value in {"", '""'}:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        self.key = reply.key or self.key

    async def login_token(self) -> str:
        """A fresh token of the login form; its cookie is kept."""
        found = _TOKEN.search((await self.send("GET", "/", query={"login": ""})).text)
        assert found is not None
        return found[1]

    async def try_login(self, username: str = ALICE, password: str = PASSWORD, **more: str) -> Reply:
        kept, self.key = self.key, ""
        form = {"action": "login", "login_token": await self.login_token(), "username": username, "password": password}
        self.key = kept
        return await self.send(
            "POST", "/", form={**form, **more}, headers={**SAME_ORIGIN, "origin": f"http://{self.host}"}
        )

    async def log_in(self, username: str = ALICE, password: str = PASSWORD, **more: str) -> Self:
        reply = await self.try_login(username, password, **more)
        assert reply.status == 303, reply
        assert reply.key, reply
        return self

    @property
    def pair(self) -> Pair:
        return Pair(self.key, self.cookies.get("_hmail", ""))


class World:
    """A gateway and what stands behind it."""

    def __init__(self, gateway: Gateway, clock: ManualClock, redis: RedisServer, sink: SmtpSink) -> None:
        self.gateway, self.clock, self.redis, self.sink = gateway, clock, redis, sink

    def browser(self, *, host: str = HOST, pair: Pair | None = None) -> Browser:
        """A fresh browser on a machine of its own."""
        number = next(_addresses)
        browser = Browser(self, f"198.{18 + number // 256 % 2}.{number % 256}.{7 + number // 512}", host)
        if pair is not None:
            browser.key = pair.key
            if pair.cookie:
                browser.cookies["_hmail"] = pair.cookie
        return browser

    async def raw(
        self,
        method: str,
        target: bytes,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        *,
        address: str = "198.51.100.7",
        gone: bool = False,
        scheme: str = "http",
    ) -> Reply:
        """One request as it stands; `target` is path and query, byte for byte. `gone` closes before the body ends."""
        return await ask(self.gateway.asgi, method, target, headers, body, address=address, gone=gone, scheme=scheme)


async def ask(
    app: Any,
    method: str,
    target: bytes,
    headers: Mapping[str, str] | Sequence[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    address: str = "198.51.100.7",
    gone: bool = False,
    scheme: str = "http",
) -> Reply:
    """One request to an ASGI application; status 0 when it answered nothing."""
    path, _, query = target.partition(b"?")
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in pairs],
        "client": (address, 40000),
        "server": ("127.0.0.1", 80),
    }
    return await _run(app, scope, body, gone=gone)


async def _run(app: Any, scope: dict[str, Any], body: bytes, *, gone: bool) -> Reply:
    sent: list[dict[str, Any]] = []
    asked = [{"type": "http.request", "body": body, "more_body": gone}]

    async def receive() -> dict[str, Any]:
        return asked.pop(0) if asked else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    if not sent:
        return Reply(0, (), b"")
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in sent[0]["headers"])
    return Reply(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


def settings_for(redis: RedisServer, dovecot: DovecotServer, sink: SmtpSink, folder: Path, **webmail: Any) -> Settings:
    """What an operator would have written for these servers."""
    return Settings(
        server=Server(
            primary_domain="demo.test",
            server_name="demo.test",
            data_dir=folder,
            public_urls=(ORIGIN, f"http://{OTHER_HOST}"),
            redis=Redis(url=redis.url, namespace="zones", timeout=1.0),
            log=Log(level="warning"),
        ),
        webmail=Webmail(
            host_name_resolvers=(HostNameResolver(host=OTHER_HOST, domain="brand"),),
            **{"send_mail_delay": 0, "max_errors": 0, **webmail},
        ),
        domains=(Domain(name="demo.test", imap="imap", smtp="smtp"),),
        upstreams={
            "imap": Upstream(kind="imap", host=dovecot.host, port=dovecot.imap_port, security="none"),
            "smtp": Upstream(kind="smtp", host=sink.host, port=sink.port, security="none"),
        },
    )


@asynccontextmanager
async def running(redis: RedisServer, dovecot: DovecotServer, folder: Path, **webmail: Any) -> AsyncIterator[World]:
    """A gateway of one's own; keywords are settings of WEBMAIL."""
    async with AsyncExitStack() as stack:
        sinks = make_smtp_sink()
        sink = next(sinks)
        stack.callback(lambda: next(sinks, None))
        settings = settings_for(redis, dovecot, sink, folder, **webmail)
        await asyncio.to_thread(migrate, settings.server.database.url)
        clock = ManualClock()
        gateway = await stack.enter_async_context(build(settings, clock=clock, ring=KeyRing.generate()))
        yield World(gateway, clock, redis, sink)


@asynccontextmanager
async def serving(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The same gateway behind its real HTTP server on a free port of the loopback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
        ready = asyncio.Event()
        settings = world.gateway.settings
        server = GatewayServer(
            world.gateway.asgi,
            [BoundListener(Listener(address=f"127.0.0.1:{port}"), door, None)],
            settings,
            on_ready=lambda _: ready.set(),
        )
        task = asyncio.create_task(server.serve())
        try:
            await asyncio.wait_for(ready.wait(), 20)
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            await asyncio.wait_for(task, 20)


@pytest.fixture(scope="module")
async def world(
    redis_server: RedisServer, dovecot: DovecotServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One gateway for all tests of a module."""
    async with running(redis_server, dovecot, tmp_path_factory.mktemp("gateway")) as world:
        yield world
