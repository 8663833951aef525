"""A submission server that keeps what it gets and fails on command.

`sink.faults[stage] = "451 4.3.0 later"` answers a stage so; stages are connect, ehlo, auth, mail, rcpt, data (before
the 354) and content (after the dot). The answer "drop" closes the connection there; at content the message is kept
first, as a server does that dies before it answers. `sink.refused[address]` answers RCPT for one address. `sink.hang`
names a stage that never answers. `sink.lmtp = (host, port)` also delivers what is accepted, to a Dovecot.
"""

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "demo"


@dataclass(frozen=True)
class Received:
    mail_from: str
    recipients: tuple[str, ...]
    content: bytes
    user: str
    encrypted: bool
    options: tuple[str, ...]


class SmtpSink:
    """Runs in a thread of its own, so that its answers do not wait for the code under test."""

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        smtputf8: bool = True,
        size_limit: int = 50_000_000,
    ) -> None:
        self.messages: list[Received] = []
        self.connections = 0
        self.faults: dict[str, str] = {}
        self.refused: dict[str, str] = {}
        self.hang = ""
        self.lmtp: tuple[str, int] | None = None
        self.port = 0
        self.smtputf8 = smtputf8
        self.size_limit = size_limit
        self._ssl_context = ssl_context
        self._implicit_tls = implicit_tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._servers: list[asyncio.Server] = []
        self._transports: list[asyncio.BaseTransport] = []

    def start(self) -> None:
        self._thread.start()
        self._call(self._listen())

    async def _listen(self) -> None:
        server = await self._loop.create_server(
            lambda: _Protocol(self, self._loop, None if self._implicit_tls else self._ssl_context),
            self.host,
            self.port,
            ssl=self._ssl_context if self._implicit_tls else None,
        )
        self.port = server.sockets[0].getsockname()[1]
        self._servers.append(server)

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        mine = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not mine]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for transport in self._transports:
            transport.close()
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        for _ in range(5):
            await asyncio.sleep(0)  # The transports close their sockets at the loop's next turns.

    def refuse_connections(self) -> None:
        """From now on nobody listens."""
        self._call(self._stop_listening())

    async def _stop_listening(self) -> None:
        for server in self._servers:
            server.close()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def answer(self, stage: str, protocol: "_Protocol") -> str | None:
        """The scripted answer of a stage, None for the usual one."""
        if self.hang == stage:
            await asyncio.Event().wait()
        fault = self.faults.get(stage)
        if fault == "drop":
            protocol.transport.abort()
            return "421 gone"
        return fault

    def keep(self, envelope: Envelope, session: Session) -> None:
        content = envelope.original_content or b""
        self.messages.append(
            Received(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                content,
                str(session.auth_data or ""),
                session.ssl is not None or self._implicit_tls,
                tuple(envelope.mail_options),
            )
        )

    def deliver(self, received: Received) -> None:
        if self.lmtp is None:
            return
        with smtplib.LMTP(*self.lmtp) as client:
            for recipient in received.recipients:  # LMTP answers once for each; smtplib reads one answer only
                client.sendmail(received.mail_from, [recipient], received.content)


class _Protocol(SMTP):
    def __init__(self, sink: SmtpSink, loop: asyncio.AbstractEventLoop, tls: ssl.SSLContext | None) -> None:
        self._sink = sink
        super().__init__(
            _Handler(sink),
            loop=loop,
            hostname="sink.test",
            tls_context=tls,
            auth_require_tls=False,
            authenticator=_authenticate,
            enable_SMTPUTF8=sink.smtputf8,
            data_size_limit=sink.size_limit,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sink._transports.append(transport)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        self._sink.connections += 1
        fault = await self._sink.answer("connect", self)
        if fault is not None:
            await self._say_and_close(fault)
            return
        with suppress(ConnectionError):
            await super()._handle_client()

    async def _say_and_close(self, line: str) -> None:
        with suppress(ConnectionError):
            await self.push(line)
        if self.transport is not None:
            self.transport.close()

    async def _scripted(self, stage: str) -> bool:
        fault = await self._sink.answer(stage, self)
        if fault is not None:
            await self.push(fault)
        return fault is not None

    async def smtp_EHLO(self, hostname: str) -> None:
        if not await self._scripted("ehlo"):
            await super().smtp_EHLO(hostname)

    async def smtp_AUTH(self, arg: str) -> None:
        if not await self._scripted("auth"):
            await super().smtp_AUTH(arg)

    async def auth_XOAUTH2(self, _server: SMTP, args: list[str]) -> AuthResult:
        import base64

        fields = base64.b64decode(args[1]).decode().split("\x01")
        user, token = fields[0].removeprefix("user="), fields[1].removeprefix("auth=Bearer ")
        return AuthResult(success=token == "token", handled=False, auth_data=user)

    async def smtp_DATA(self, arg: str) -> None:
        if not await self._scripted("data"):
            await super().smtp_DATA(arg)


class _Handler:
    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink

    async def handle_MAIL(
        self, server: _Protocol, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        fault = await self._sink.answer("mail", server)
        if fault is None:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return fault or "250 OK"

    async def handle_RCPT(
        self, server: _Protocol, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        fault = self._sink.refused.get(address) or await self._sink.answer("rcpt", server)
        if fault is None:
            envelope.rcpt_tos.append(address)
        return fault or "250 OK"

    async def handle_DATA(self, server: _Protocol, session: Session, envelope: Envelope) -> str:
        if self._sink.faults.get("content", "drop") == "drop":
            self._sink.keep(envelope, session)
        fault = await self._sink.answer("content", server)
        if fault is None:
            await asyncio.to_thread(self._sink.deliver, self._sink.messages[-1])
        return fault or "250 2.0.0 accepted"


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object) -> AuthResult:
    if isinstance(data, LoginPassword):
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False, auth_data=data.login.decode())
    return AuthResult(success=False, handled=False)


@pytest.fixture
def smtp_sink() -> Iterator[SmtpSink]:
    """A sink without TLS on loopback; any user name with the password "demo" may log in."""
    yield from make_smtp_sink()


def make_smtp_sink(**options: Any) -> Iterator[SmtpSink]:
    """Start a sink of one's own: `yield from make_smtp_sink(...)` in a fixture."""
    sink = SmtpSink(**options)
    sink.start()
    try:
        yield sink
    finally:
        sink.stop()


@dataclass(frozen=True)
class TlsPair:
    """A server's context and the context of a client that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def make_tls_pair(folder: Path) -> TlsPair:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(server)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return TlsPair(server, ssl.create_default_context(cafile=str(folder / "ca.pem")))
