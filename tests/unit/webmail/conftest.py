"""A whole WEBMAIL service on real servers, spoken to as a browser without JavaScript would."""

import asyncio
import imaplib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from redis.asyncio import Redis

from hsp.config import Settings
from hsp.foundation.assets import assets
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import Database, migrate
from hsp.mail import DomainTable, LoginRejected, MailError, MailRoute, MailService, Outbox, Pool
from hsp.protocols.imap import Endpoint
from hsp.protocols.smtp import SmtpEndpoint
from hsp.sessions import Ended, RedisSessionStore, Sessions
from hsp.webmail import Webmail, on_error, pages
from hsp.zones import LoginAttempt, LoginOutcome, Message, Service, ServiceConfig, StaticFiles, Templates
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer
from tests.support.smtp_sink import SmtpSink

NOW = 1_795_420_800.0  # Monday, 23 November 2026, 08:00 UTC
ORIGIN = "http://mail.test"
_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


class Gate:
    """Lets in whoever the mail server lets in; the counting of failures is tested elsewhere."""

    def __init__(self, mail: MailService) -> None:
        self._mail = mail

    async def login(self, attempt: LoginAttempt) -> LoginOutcome:
        try:
            credential = await self._mail.verify_login(attempt.username, attempt.password)
        except MailError:
            return LoginOutcome(message=Message.BAD_CREDENTIALS)
        return LoginOutcome(account=attempt.username, credential=credential)

    async def new_login_token(self) -> tuple[str, str]:
        return "token", "cookie"

    async def spend_login_token(self, token: str, cookie: str) -> bool:
        return (token, cookie) == ("token", "cookie")


@dataclass
class House:
    """The service with what stands around it."""

    app: Service[Webmail]
    webmail: Webmail
    clock: ManualClock
    dovecot: DovecotServer
    smtp: SmtpSink

    async def outbox(self) -> None:
        """Send what is due and wait until it is done."""
        await self.webmail.outbox.run_once()
        await self.webmail.outbox.settled()


@pytest.fixture
async def house(dovecot: DovecotServer, redis: Redis, smtp_sink: SmtpSink, tmp_path: Path) -> AsyncIterator[House]:
    url = f"sqlite+aiosqlite:///{tmp_path}/hsp.db"
    await asyncio.to_thread(migrate, url)
    clock, ring = ManualClock(NOW), KeyRing.generate()
    database = await Database.open(url)
    pool = Pool(ring.mac("pool", b"connections"), clock)
    route = MailRoute(
        imap=Endpoint(dovecot.host, dovecot.imap_port, "none"),
        smtp=SmtpEndpoint(host=smtp_sink.host, port=smtp_sink.port, security="none"),
    )
    mail = MailService(database, pool, clock, DomainTable({"demo.test": route}))
    outbox = Outbox(database, ring, mail, clock)
    sessions = Sessions(RedisSessionStore(redis, namespace="test"), ring, clock)

    async def ended(news: Ended) -> None:
        await mail.forget(news.account, news.uuid)

    sessions.on_ended(ended)
    webmail = Webmail(mail=mail, outbox=outbox, sessions=sessions, settings=Settings(), clock=clock)
    root = assets("templates")
    app = Service(
        ServiceConfig(name="WEBMAIL", surface="webmail", cookie="_hmail", own_origins=frozenset({ORIGIN})),
        pages,
        webmail,
        sessions=sessions,
        authenticator=Gate(mail),
        static=StaticFiles(assets("static")),
        templates={"": Templates((root / "webmail", root), {})},
        on_error=on_error,
    )
    yield House(app, webmail, clock, dovecot, smtp_sink)
    await outbox.close(grace=1)
    await pool.close()
    await database.close()


@dataclass
class Form:
    """A form of a page: where it goes, what it holds, which buttons it has."""

    action: str
    method: str
    fields: list[tuple[str, str]]
    buttons: list[tuple[str, str]]


class _Reader(HTMLParser):
    """Forms, links, elements and text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[dict[str, str]] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.elements.append((tag, known))
        if tag == "a":
            self.links.append(known)
        if tag == "form":
            self.forms.append(Form(known.get("action", ""), known.get("method", "get"), [], []))
        elif self.forms:
            self._field(tag, known)

    def _field(self, tag: str, known: dict[str, str]) -> None:
        form = self.forms[-1]
        name = known.get("name", "")
        if tag == "button" and name:
            form.buttons.append((name, known.get("value", "")))
        elif tag == "textarea":
            form.fields.append((name, ""))
            self._area = name
        elif tag == "input" and name and known.get("type") != "file":
            chosen = known.get("type") != "checkbox" or "checked" in known
            form.fields.extend([(name, known.get("value", ""))] if chosen else [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._area:
            name, value = self.forms[-1].fields[-1]
            # A browser drops the line break right behind the tag (HTML standard, section 13.2.6.4.7).
            self.forms[-1].fields[-1] = (name, value + (data if value else data.removeprefix("\n")))


class Page:
    """An answer, read."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.html = response.text
        reader = _Reader()
        reader.feed(self.html)
        self.elements, self.links = reader.elements, reader.links
        self.forms = reader.forms
        self.text = re.sub(r"\s+", " ", "".join(reader.words)).strip()

    def form(self, path: str) -> Form:
        return next(form for form in self.forms if form.action == path and form.method == "post")

    def all(self, attribute: str) -> list[str]:
        """The values of an attribute, in order."""
        return [known[attribute] for _, known in self.elements if attribute in known]

    def link(self, start: str) -> str:
        """The first link that begins so."""
        return next(link["href"] for link in self.links if link.get("href", "").startswith(start))


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=house.app, raise_app_exceptions=True),
            base_url=ORIGIN,
            headers={"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
        )
        self.key = ""
        self.account = ""

    async def log_in(self, account: str) -> Page:
        self.client.cookies.set("_hlogin", "cookie", domain="mail.test")
        form = {"action": "login", "username": account, "password": "demo", "login_token": "token", "return": "/"}
        response = await self.client.post("/", data=form, headers={"sec-fetch-site": "same-origin"})
        assert response.status_code == 303, response.text
        location = response.headers["location"]
        self.key = parse_qs(urlsplit(location).query)["_h"][0]
        return await self.get(location)

    async def get(self, path: str, **params: Any) -> Page:
        """A page; private ones get the session key."""
        if "_h=" not in path and self.key:
            params["_h"] = self.key
        return Page(await self.client.get(path, params=params or None))

    async def post(self, path: str, data: Mapping[str, Any] = _NO_PARAMS, *, files: Any = None) -> Page:
        """A form sent from a page of ours, redirects followed."""
        response = await self.send(path, data, files=files)
        if response.status_code == 303:
            return await self.get(response.headers["location"])
        return Page(response)

    async def send(self, path: str, data: Mapping[str, Any] = _NO_PARAMS, *, files: Any = None) -> httpx.Response:
        return await self.client.post(
            path, data={"_h": self.key, **data}, files=files, headers={"sec-fetch-site": "same-origin"}
        )

    async def press(self, form: Form, name: str, value: str, *, files: Any = None, **changed: Any) -> Page:
        """Press a button of a form, with some fields filled in."""
        assert (name, value) in form.buttons
        data: dict[str, Any] = {}
        for field, held in form.fields:
            data.setdefault(field, []).append(held)
        return await self.post(form.action, {**data, **changed, name: value}, files=files)


@pytest.fixture(scope="session")
def accounts(dovecot: DovecotServer) -> list[str]:
    """Fresh accounts, made at once: Dovecot looks at its file of users at most once a second."""
    return [dovecot.new_user() for _ in range(120)]


async def _known(house: House, account: str) -> None:
    async with asyncio.timeout(20):
        while True:
            with suppress(LoginRejected):
                await house.webmail.mail.verify_login(account, house.dovecot.password)
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def visitor(house: House, accounts: list[str]) -> AsyncIterator[Visitor]:
    """Somebody with a fresh account, logged in."""
    one = Visitor(house)
    one.account = accounts.pop()
    await _known(house, one.account)
    await one.log_in(one.account)
    yield one
    await one.client.aclose()


@pytest.fixture
def deliver(house: House, visitor: Visitor) -> Any:
    """Puts a message into a folder of the visitor, past all of our code."""

    def put(message: bytes, folder: str = "INBOX", flags: str = "") -> None:
        with imaplib.IMAP4(house.dovecot.host, house.dovecot.imap_port) as client:
            client.login(visitor.account, house.dovecot.password)
            with suppress(imaplib.IMAP4.error):
                client.create(folder)
            client.append(folder, flags or None, None, message)  # type: ignore[arg-type]  # None is documented

    return put
