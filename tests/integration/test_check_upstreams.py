"""`hsp check` against a real Dovecot and against everything that can be wrong with a server."""

import asyncio
import contextlib
import datetime
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from hsp.commands.checking.findings import Finding
from hsp.commands.checking.upstreams import check_upstream
from hsp.config import Upstream
from hsp.protocols.credentials import Credential
from tests.support.dovecot import DovecotServer
from tests.support.redis_server import free_port

pytestmark = pytest.mark.anyio

ALICE = Credential("password", "alice@demo.test", "demo")


def imap(**values: object) -> Upstream:
    return Upstream.model_validate({"kind": "imap", "host": "127.0.0.1", "connect_timeout": 5, **values})


async def steps(upstream: Upstream, credential: Credential | None = None) -> dict[str, Finding]:
    return {finding.step: finding for finding in await check_upstream("x", upstream, credential)}


@contextlib.asynccontextmanager
async def speaking(*lines: bytes, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that says one line at once and one after each line it hears; the port it listens on."""

    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            for line in lines:
                writer.write(line)
                await writer.drain()
                if not await reader.readline():
                    break
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


def presenting(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
async def test_a_good_server_passes_every_step(dovecot: DovecotServer, security: str) -> None:
    port = dovecot.imaps_port if security == "tls" else dovecot.imap_port
    found = await steps(imap(port=port, security=security, ca_file=dovecot.ca_file), ALICE)
    assert list(found) == ["name", "connection", "tls", "imap", "login"]
    assert {finding.state for finding in found.values()} == {"ok"}, found
    assert "UIDPLUS" in str(found["login"].details["capabilities"])
    assert all(finding.milliseconds is not None for finding in found.values() if finding.step != "tls")
    if security != "none":
        assert "valid for" in found["tls"].message


async def test_without_a_user_no_login_is_tried(dovecot: DovecotServer) -> None:
    assert "login" not in await steps(imap(port=dovecot.imap_port, security="none"))


async def test_a_wrong_password_is_named_and_not_repeated(dovecot: DovecotServer) -> None:
    wrong = Credential("password", "alice@demo.test", "not-the-password")
    found = await steps(imap(port=dovecot.imap_port, security="none"), wrong)
    assert found["login"].state == "problem"
    assert "does not accept this user name and password (alice@demo.test)" in found["login"].message
    assert "not-the-password" not in str(found)


async def test_an_unknown_authority_is_named(dovecot: DovecotServer) -> None:
    for security, port in (("tls", dovecot.imaps_port), ("starttls", dovecot.imap_port)):
        found = await steps(imap(port=port, security=security))
        assert list(found) == ["name", "connection", "tls"], "the later steps cannot succeed"
        assert "authority is not known here" in found["tls"].message


async def test_an_unverified_certificate_is_a_warning(dovecot: DovecotServer) -> None:
    found = await steps(imap(port=dovecot.imaps_port, verify=False))
    assert found["tls"].state == "warning"
    assert "not verified" in found["tls"].message


async def test_tls_asked_of_a_plain_port_is_named(dovecot: DovecotServer) -> None:
    found = await steps(imap(port=dovecot.imap_port, ca_file=dovecot.ca_file))
    assert "perhaps security should be starttls" in found["tls"].message


async def test_a_name_that_does_not_exist_is_named() -> None:
    found = await steps(imap(host="no-such-host.invalid"))
    assert list(found) == ["name"]
    assert "no-such-host.invalid cannot be resolved" in found["name"].message


async def test_a_refused_connection_is_named() -> None:
    port = free_port()
    found = await steps(imap(port=port))
    assert list(found) == ["name", "connection"]
    assert f"127.0.0.1 port {port} refuses connections" in found["connection"].message


async def test_a_certificate_for_another_name_is_named(authority: trustme.CA, ca_file: Path) -> None:
    async with speaking(context=presenting(authority.issue_cert("other.example"))) as port:
        found = await steps(imap(port=port, ca_file=ca_file))
    assert found["tls"].message == "the certificate is not for 127.0.0.1; use the name it was made for"


async def test_an_expired_certificate_is_named(authority: trustme.CA, ca_file: Path) -> None:
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    expired = authority.issue_cert("127.0.0.1", not_before=past, not_after=past + datetime.timedelta(days=9))
    async with speaking(context=presenting(expired)) as port:
        found = await steps(imap(port=port, ca_file=ca_file))
    assert found["tls"].message == "the certificate has expired"


async def test_a_certificate_that_soon_expires_is_a_warning(authority: trustme.CA, ca_file: Path) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=5, hours=1)
    context = presenting(authority.issue_cert("127.0.0.1", not_after=soon))
    async with speaking(b"* OK hi\r\n", context=context) as port:
        found = await steps(imap(port=port, ca_file=ca_file))
    assert (found["tls"].state, found["tls"].message) == ("warning", "the certificate expires in 5 days")


async def test_a_missing_starttls_is_named() -> None:
    async with speaking(b"* OK ready\r\n", b"a BAD unknown command\r\n") as port:
        found = await steps(imap(port=port, security="starttls"))
    assert found["tls"].message == "the server does not offer STARTTLS on this port"
    async with speaking(b"220 ready\r\n", b"250 hello\r\n", b"502 no\r\n") as port:
        found = await steps(imap(kind="smtp", port=port, security="starttls"))
    assert found["tls"].message == "the server does not offer STARTTLS on this port"


async def test_a_server_of_another_kind_is_named() -> None:
    async with speaking(b"220 ready for mail\r\n", b"250 hello\r\n") as port:
        found = await steps(imap(port=port, security="none"))
    assert "this is no IMAP server as we know it" in found["imap"].message
    async with speaking(b"* OK IMAP here\r\n", b"* BAD what\r\n") as port:
        found = await steps(imap(kind="smtp", port=port, security="none", command_timeout=1))
    assert "this is no submission server as we know it" in found["smtp"].message


async def test_a_silent_server_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        found = await steps(imap(port=port, security="none", connect_timeout=0.3))
        assert found["imap"].message == "the server does not greet; perhaps security should be tls"
        found = await steps(imap(port=port, connect_timeout=0.3))
        assert found["tls"].message == "no TLS handshake within 0.3 seconds"


async def test_a_relay_without_login_is_a_warning() -> None:
    async with speaking(b"220 relay\r\n", b"250-relay\r\n250 PIPELINING\r\n", b"221 bye\r\n") as port:
        found = await steps(imap(kind="smtp", port=port, security="none"))
    assert found["smtp"].state == "warning"
    assert "offers no login" in found["smtp"].message


async def test_an_unreadable_authority_file_is_named(tmp_path: Path, dovecot: DovecotServer) -> None:
    garbage = tmp_path / "ca.pem"
    garbage.write_text("hello")
    found = await steps(imap(port=dovecot.imaps_port, ca_file=garbage))
    assert f"the file {garbage} holds no certificate authority" in found["tls"].message
