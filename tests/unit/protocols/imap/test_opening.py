"""How a connection begins: TLS, STARTTLS and logging in, against servers and networks that cheat."""

import asyncio
import ssl
from base64 import b64decode, b64encode
from ipaddress import ip_address

import pytest
import trustme

from hsp.protocols.credentials import Credential
from hsp.protocols.imap import (
    AuthenticationRejected,
    ConnectError,
    ConnectionLost,
    ImapClient,
    ImapError,
    ProtocolViolation,
    ServerBusy,
    dialing,
)
from hsp.protocols.imap import client as client_module
from tests.support.imap_script import ScriptedServer, scripted

pytestmark = pytest.mark.anyio

ALICE = Credential("password", "alice@demo.test", "s3cr3t")
OAUTH = "IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1",))).configure_cert(context)
    return context


def far_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the loopback look like a network."""
    monkeypatch.setattr(client_module, "is_private", lambda _connection: False)


async def opened(server: ScriptedServer, **changes: object) -> ImapClient:
    return await ImapClient.connect(server.endpoint(**changes))


# TLS


async def test_tls_with_a_trusted_certificate(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    async with scripted(tls=serving(authority)) as server:
        client = await opened(server, security="tls", ssl_context=trusting)
        await client.authenticate(ALICE)
        assert client.state == "authenticated"
        await client.close()


@pytest.mark.parametrize("flaw", ["unknown authority", "other name", "no tls at all"])
async def test_tls_that_cannot_be_trusted_is_refused(
    authority: trustme.CA, trusting: ssl.SSLContext, flaw: str
) -> None:
    other = trustme.CA() if flaw == "unknown authority" else authority
    tls = None if flaw == "no tls at all" else serving(other, "mail.example" if flaw == "other name" else "127.0.0.1")
    async with scripted(tls=tls) as server:
        with pytest.raises(ConnectError) as caught:
            await opened(server, security="tls", ssl_context=trusting)
        assert caught.value.reason == "tls"
        assert not any(b"CAPABILITY" in command for command in server.commands)


async def test_one_context_serves_all_connections() -> None:
    assert dialing.default_context() is dialing.default_context()
    assert dialing.default_context().verify_mode is ssl.CERT_REQUIRED
    assert dialing.default_context().check_hostname


# STARTTLS


class StartTlsServer(ScriptedServer):
    """Answers STARTTLS truly; `injected` goes out in clear text behind the answer, `before` is told before it."""


async def upgrade_server(
    context: ssl.SSLContext, *, injected: bytes = b"", before: str = "STARTTLS X-EVIL LOGINDISABLED"
) -> tuple[asyncio.Server, list[bytes]]:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(f"* OK [CAPABILITY IMAP4rev1 {before}] hi\r\n".encode())
            while line := await reader.readline():
                seen.append(line)
                tag = line.split()[0]
                if b"STARTTLS" in line:
                    writer.write(tag + b" OK begin\r\n" + injected)
                    await writer.start_tls(context)
                elif b"CAPABILITY" in line:
                    writer.write(b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n" + tag + b" OK\r\n")
                else:
                    writer.write(tag + b" OK\r\n")
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client broke off, as most of these tests want it to.
        finally:
            writer.close()

    return await asyncio.start_server(serve, "127.0.0.1", 0), seen


async def starttls(server: asyncio.Server, context: ssl.SSLContext) -> ImapClient:
    endpoint = ScriptedServer({}, greeting=None, capabilities="").endpoint(
        port=server.sockets[0].getsockname()[1], security="starttls", ssl_context=context
    )
    try:
        return await ImapClient.connect(endpoint)
    finally:
        server.close()


async def test_starttls_forgets_what_was_told_before(authority: trustme.CA, trusting: ssl.SSLContext) -> None:
    server, seen = await upgrade_server(serving(authority))
    client = await starttls(server, trusting)
    assert client.capabilities == {"IMAP4REV1", "AUTH=PLAIN", "SASL-IR"}
    await client.authenticate(ALICE)
    assert [line.split()[1] for line in seen[:3]] == [b"STARTTLS", b"CAPABILITY", b"AUTHENTICATE"]
    await client.close()


@pytest.mark.parametrize(
    "injected",
    [b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", b"h2 OK logged in\r\n", b"* OK half", b"\r\n", b"x", b"* 1 EXISTS\r\n"],
)
async def test_bytes_slipped_in_behind_starttls_end_the_attempt(
    authority: trustme.CA, trusting: ssl.SSLContext, injected: bytes
) -> None:
    server, seen = await upgrade_server(serving(authority), injected=injected)
    with pytest.raises(ConnectError) as caught:
        await starttls(server, trusting)
    assert caught.value.reason == "tls"
    assert not any(b"LOGIN" in line or b"AUTHENTICATE" in line for line in seen)


async def test_starttls_with_an_untrusted_certificate_is_refused(trusting: ssl.SSLContext) -> None:
    server, seen = await upgrade_server(serving(trustme.CA()))
    with pytest.raises(ConnectError) as caught:
        await starttls(server, trusting)
    assert caught.value.reason == "tls"
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("handlers", "greeting"),
    [
        ({"STARTTLS": "{tag} NO not today\r\n"}, b"* OK hi\r\n"),
        ({"STARTTLS": "{tag} BAD what\r\n"}, b"* OK [CAPABILITY IMAP4rev1] hi\r\n"),
        ({}, b"* PREAUTH welcome alice\r\n"),
        ({"STARTTLS": "{tag} OK go\r\nnonsense\r\n"}, b"* OK hi\r\n"),
    ],
)
async def test_starttls_cannot_be_skipped(trusting: ssl.SSLContext, handlers: dict[str, str], greeting: bytes) -> None:
    async with scripted(handlers, greeting=greeting) as server:
        with pytest.raises(ConnectError) as caught:
            await opened(server, security="starttls", ssl_context=trusting)
        assert caught.value.reason == "tls"


# Passwords in the clear


async def test_no_password_leaves_over_a_network_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    far_away(monkeypatch)
    async with scripted() as server:
        client = await opened(server)
        for credential in (ALICE, Credential("xoauth2", "a", "token"), Credential("oauthbearer", "a", "token")):
            with pytest.raises(ConnectError) as caught:
                await client.authenticate(credential)
            assert caught.value.reason == "plaintext"
        assert [command.split()[1] for command in server.commands] == [b"CAPABILITY"]
        await client.close()


async def test_the_admin_may_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    far_away(monkeypatch)
    async with scripted() as server:
        client = await opened(server, allow_plaintext=True)
        await client.authenticate(ALICE)
        assert client.state == "authenticated"
        await client.close()


class _Peer:
    def __init__(self, peer: object) -> None:
        self.peer = peer
        self.transport = self

    def get_extra_info(self, name: str) -> object:
        return self.peer if name == "peername" else None


@pytest.mark.parametrize(
    ("peer", "private"),
    [
        (("127.0.0.1", 143), True), (("::1", 143, 0, 0), True), (("::ffff:127.0.0.1", 143, 0, 0), True),
        (("192.168.1.5", 143), False), (("10.0.0.1", 143), False), (("fe80::1%eth0", 143, 0, 2), False),
        ("/run/imap", True),
    ],
)  # fmt: skip
def test_the_peers_address_decides_what_is_private(peer: object, private: bool) -> None:
    assert dialing.is_private(_Peer(peer)) is private  # type: ignore[arg-type]  # a stand-in with the one method used
    assert ip_address("127.0.0.1").is_loopback


# Logging in


async def authenticated_lines(server: ScriptedServer, credential: Credential) -> list[bytes]:
    client = await opened(server)
    await client.authenticate(credential)
    await client.close()
    return server.commands[1:]


async def test_a_password_goes_by_plain_in_one_round_trip() -> None:
    async with scripted() as server:
        (first, *_) = await authenticated_lines(server, ALICE)
        words = first.split()
        assert words[1:3] == [b"AUTHENTICATE", b"PLAIN"]
        assert b64decode(words[3]) == b"\0alice@demo.test\0s3cr3t"


async def test_a_password_goes_by_login_where_that_is_all() -> None:
    async with scripted(capabilities="IMAP4rev1") as server:
        (first, *_) = await authenticated_lines(server, Credential("password", 'al"ice', "pä\\ss"))
        assert first.split(b" ", 1)[1] == b'LOGIN "al\\"ice" {6}\r\np\xc3\xa4\\ss'


async def test_a_password_beyond_ascii_prefers_plain_without_initial_response() -> None:
    lines: list[bytes] = []

    async def exchange(tag: str, rest: str) -> bytes | None:
        return b"+ \r\n"

    def other(tag: str, rest: str) -> bytes:
        return b"h2 OK\r\n"

    encoded = b64encode("\0alice\0pässword".encode()).decode()
    async with scripted({"AUTHENTICATE": exchange}, capabilities="IMAP4rev1 AUTH=PLAIN") as server:
        server.handlers[""] = other
        lines = await authenticated_lines(server, Credential("password", "alice", "pässword"))
    assert lines[0] == b"h2 AUTHENTICATE PLAIN"
    assert lines[1] == encoded.encode()


async def test_a_server_that_takes_no_password_here() -> None:
    async with scripted(capabilities="IMAP4rev1 LOGINDISABLED") as server:
        client = await opened(server)
        with pytest.raises(ConnectError) as caught:
            await client.authenticate(ALICE)
        assert caught.value.reason == "plaintext"
        assert len(server.commands) == 1
        await client.close()


async def test_tokens_are_sent_in_the_form_of_their_mechanism() -> None:
    async with scripted(capabilities=OAUTH) as server:
        google = (await authenticated_lines(server, Credential("xoauth2", "a@x", "tok")))[0].split()
        server.commands.clear()
        bearer = (await authenticated_lines(server, Credential("oauthbearer", "a=,@x", "tok")))[0].split()
        assert google[2] == b"XOAUTH2"
        assert b64decode(google[3]) == b"user=a@x\x01auth=Bearer tok\x01\x01"
        expected = f"n,a=a=3D=2C@x,\x01host=127.0.0.1\x01port={server.port}\x01auth=Bearer tok\x01\x01"
        assert bearer[2] == b"OAUTHBEARER"
        assert b64decode(bearer[3]) == expected.encode()


@pytest.mark.parametrize(("mechanism", "reply"), [("xoauth2", b""), ("oauthbearer", b"AQ==")])
async def test_a_refused_token_is_acknowledged(mechanism: str, reply: bytes) -> None:
    refusal = "+ " + b64encode(b'{"status":"401"}').decode() + "\r\n"
    async with scripted({"AUTHENTICATE": refusal}, capabilities=OAUTH) as server:
        server.handlers[""] = lambda tag, rest: b"h2 NO [AUTHENTICATIONFAILED] expired\r\n"
        client = await opened(server)
        credential = Credential("xoauth2" if mechanism == "xoauth2" else "oauthbearer", "a@x", "secret-token")
        task = asyncio.ensure_future(client.authenticate(credential))
        if not reply:
            # The scripted server takes an empty line for the end: it answers the next thing it hears.
            while len(server.commands) < 2:
                await asyncio.sleep(0)
            server.say(b"h2 NO [AUTHENTICATIONFAILED] expired\r\n")
        with pytest.raises(AuthenticationRejected) as caught:
            await task
        assert not caught.value.temporary
        assert "secret-token" not in str(caught.value)
        assert not reply or server.commands[2] == reply
        await client.close()


@pytest.mark.parametrize(
    ("answer", "error", "temporary"),
    [
        ("NO [AUTHENTICATIONFAILED] wrong", AuthenticationRejected, False),
        ("NO wrong", AuthenticationRejected, False),
        ("BAD what", AuthenticationRejected, False),
        ("NO [UNAVAILABLE] no database", AuthenticationRejected, True),
        ("NO [LIMIT] enough", ServerBusy, None),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", ServerBusy, None),
    ],
)
async def test_refusals_are_sorted(answer: str, error: type[ImapError], temporary: bool | None) -> None:
    async with scripted({"AUTHENTICATE": "{tag} " + answer + "\r\n"}) as server:
        client = await opened(server)
        with pytest.raises(error) as caught:
            await client.authenticate(ALICE)
        assert getattr(caught.value, "temporary", None) == temporary
        assert "s3cr3t" not in str(caught.value)
        await client.close()


@pytest.mark.parametrize("value", ["", "a\0b", "a\r\nb", "a\nb", "a\x01b"])
async def test_sc13_credentials_with_control_characters_are_refused(value: str) -> None:
    async with scripted() as server:
        client = await opened(server)
        for credential in (Credential("password", value, "x"), Credential("password", "x", value)):
            with pytest.raises(ValueError, match="no server can take"):
                await client.authenticate(credential)
        assert len(server.commands) == 1
        await client.close()


async def test_a_sasl_exchange_without_end_is_ended() -> None:
    async with scripted({"AUTHENTICATE": "+ more\r\n"}) as server:
        server.handlers[""] = lambda tag, rest: b"+ more\r\n"
        client = await opened(server)
        task = asyncio.ensure_future(client.authenticate(ALICE))
        while not task.done():
            if server.writers and client.is_usable:
                server.say(b"+ more\r\n")
            await asyncio.sleep(0)
        with pytest.raises((ProtocolViolation, ConnectionLost)):
            await task
        assert not client.is_usable
        await client.close()
