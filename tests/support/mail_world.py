"""Everything mail needs around a server: database, pool, service and outbox, closed again afterwards."""

import asyncio
import imaplib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from hsp.foundation.clock import Clock
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import Database, migrate
from hsp.mail import DomainTable, Mailbox, MailRoute, MailService, Outbox, Pool, PoolLimits, Principal
from hsp.protocols.credentials import Credential
from hsp.protocols.imap import Endpoint
from hsp.protocols.smtp import SmtpEndpoint
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer

PASSWORD = "demo"
_NUMBERS = count(1)
_STOCK: WeakKeyDictionary[DovecotServer, list[str]] = WeakKeyDictionary()


@dataclass
class MailWorld:
    url: str
    database: Database
    pool: Pool
    service: MailService
    clock: Clock
    ring: KeyRing
    route: MailRoute

    def principal(self, account: str, session: str = "session-1", password: str = PASSWORD) -> Principal:
        return Principal(account, Credential("password", account, password), session)

    def mailbox(self, account: str, session: str = "session-1") -> Mailbox:
        return self.service.mailbox(self.principal(account, session))

    def outbox(self, **options: Any) -> Outbox:
        return Outbox(self.database, self.ring, self.service, self.clock, **options)


@asynccontextmanager
async def mail_world(
    folder: Path,
    imap_port: int,
    *,
    smtp_port: int = 1,
    clock: Clock | None = None,
    limits: PoolLimits | None = None,
    connections: int = 8,
    background: str = "none",
    connect: Callable[[Endpoint], Any] | None = None,
    sleep: Callable[[float], Any] = asyncio.sleep,
) -> AsyncIterator[MailWorld]:
    url = f"sqlite+aiosqlite:///{folder}/mail.db"
    await asyncio.to_thread(migrate, url)
    database = await Database.open(url)
    clock = clock or ManualClock()
    pool = Pool(b"k" * 32, clock, limits=limits, connect=connect, sleep=sleep)
    submission = SmtpEndpoint("127.0.0.1", smtp_port, "none", data_timeout=5)
    route = MailRoute(
        Endpoint("127.0.0.1", imap_port, "none", connect_timeout=5, command_timeout=10),
        submission,
        connections_per_account=connections,
    )
    if background == "relay":
        route = replace(route, background="relay", relay=submission)
    service = MailService(database, pool, clock, DomainTable({"*": route}))
    try:
        yield MailWorld(url, database, pool, service, clock, KeyRing.generate(), route)
    finally:
        await pool.close()
        await database.close()


def fresh_user(dovecot: DovecotServer) -> str:
    """An account of its own for one test, from a stock: Dovecot looks at its list of users once a second only."""
    stock: list[str] = _STOCK.setdefault(dovecot, [])
    if not stock:
        stock += [dovecot.add_user(f"mail{next(_NUMBERS)}@demo.test") for _ in range(100)]
        deadline = time.monotonic() + 20
        while not _can_log_in(dovecot.imap_port, stock[-1]):
            assert time.monotonic() < deadline, "Dovecot does not learn of new users"
            time.sleep(0.3)
    return stock.pop(0)


def _can_log_in(port: int, account: str) -> bool:
    client = imaplib.IMAP4("127.0.0.1", port)
    try:
        client.login(account, PASSWORD)
    except imaplib.IMAP4.error:
        return False
    finally:
        client.logout()
    return True


def simple_mail(number: int, *, subject: str = "", sender: str = "") -> bytes:
    return (
        f"From: {sender or f'Sender {number} <s{number}@example.org>'}\r\nTo: someone@demo.test\r\n"
        f"Subject: {subject or f'Number {number}'}\r\nDate: Mon, 01 Jan 2024 10:00:00 +0000\r\n"
        f"Message-ID: <m{number}@example.org>\r\n\r\nBody {number}\r\n"
    ).encode()


def fill(port: int, account: str, mails: list[bytes], folder: str = "INBOX", flags: str = "") -> None:
    """Append by an independent client."""
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login(account, PASSWORD)
    try:
        for mail in mails:
            status, answer = client.append(folder, flags, "", mail)
            assert status == "OK", answer
    finally:
        client.logout()


def command(port: int, account: str, folder: str, *words: str) -> list[Any]:
    """One UID command of an independent client, in `folder`."""
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login(account, PASSWORD)
    try:
        client.select(folder)
        status, answer = client.uid(*words)
        assert status == "OK", answer
        return answer
    finally:
        client.logout()


def contents(port: int, account: str, folder: str) -> list[tuple[bytes, bytes]]:
    """(FETCH line, message) of all messages of a folder, by an independent client."""
    client = imaplib.IMAP4("127.0.0.1", port)
    client.login(account, PASSWORD)
    try:
        client.select(folder, readonly=True)
        _, found = client.fetch("1:*", "(FLAGS BODY.PEEK[])") if client.search(None, "ALL")[1][0] else ("", [])
        return [(item[0], item[1]) for item in found if isinstance(item, tuple)]
    finally:
        client.logout()
