"""Gateways as an operator's nodes: on parts of the test's choice, several on one Redis, started and stopped at will."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from smtplib import LMTP
from typing import Any

from hsp.app import build
from hsp.foundation.sealing import KeyRing
from hsp.foundation.sql import migrate
from tests.support.clock import ManualClock
from tests.support.dovecot import DovecotServer
from tests.support.gateway import World, settings_for
from tests.support.redis_server import RedisServer
from tests.support.smtp_sink import SmtpSink

DEADLINE = 30.0


@dataclass(frozen=True)
class Upstream:
    """Where an IMAP server listens; as much of a Dovecot as the settings read."""

    imap_port: int
    host: str = "127.0.0.1"


@asynccontextmanager
async def node(
    redis: RedisServer,
    imap: "DovecotServer | Upstream",
    sink: SmtpSink,
    folder: Path,
    *,
    ring: KeyRing,
    clock: ManualClock | None = None,
    upstream: Mapping[str, object] | None = None,
    **webmail: Any,
) -> AsyncIterator[World]:
    """One gateway. Nodes with the same folder share their database, with the same ring their sessions.

    `upstream` changes settings of the IMAP upstream, the other keywords those of WEBMAIL.
    """
    settings = settings_for(redis, imap, sink, folder, **webmail)  # type: ignore[arg-type]  # host and port are all that is read
    changed = settings.upstreams["imap"].model_copy(update=dict(upstream or {}))
    settings = settings.model_copy(update={"upstreams": {**settings.upstreams, "imap": changed}})
    await asyncio.to_thread(migrate, settings.server.database.url)
    clock = clock or ManualClock()
    async with build(settings, clock=clock, ring=ring) as gateway:
        yield World(gateway, clock, redis, sink)


async def eventually(condition: Callable[[], bool | Awaitable[bool]], what: str) -> None:
    """Wait for an event that something else brings about."""
    deadline = time.monotonic() + DEADLINE
    while True:
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        assert time.monotonic() < deadline, f"still waiting: {what}"
        await asyncio.sleep(0.02)


def deliver(dovecot: DovecotServer, account: str, *letters: EmailMessage) -> None:
    """Put mail into an account the way it comes from outside."""
    with LMTP(dovecot.host, dovecot.lmtp_port) as door:
        for one in letters:
            door.send_message(one, "sender@example.org", [account])


def mail_ids(page: str) -> list[str]:
    """The mails of a list page, from the top."""
    return re.findall(r'data-mail-id="([^"]+)"', page)


def folder_id(page: str, label: str) -> str:
    """The id of a folder of the sidebar by the name people see."""
    for found, text in re.findall(r'data-folder-id="([^"]+)"[^>]*>(.*?)</a>', page, re.DOTALL):
        if label in re.sub(r"<[^>]+>", " ", text):
            return found
    raise AssertionError(f"no folder is called {label}")
