"""Listeners: several at once, Unix sockets, TLS, errors in words, and an orderly end."""

import asyncio
import ssl
import stat
from pathlib import Path

import httpx
import pytest
import trustme

from hsp.config import Listener
from hsp.services import ListenerError, bind, tls_context
from tests.support.serving import DEADLINE, Echo, connect, serving, settings_with, statuses, talk

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_listener(authority: trustme.CA, tmp_path: Path) -> Listener:
    pem = tmp_path / "one.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
    return Listener(address="127.0.0.1:0", ssl_enable=True, certificate_file=pem)


async def test_one_process_serves_tcp_unix_and_tls(
    tmp_path: Path, tls_listener: Listener, authority: trustme.CA
) -> None:
    echo = Echo()
    path = tmp_path / "hsp.sock"
    listeners = [Listener(address="127.0.0.1:0"), Listener(address=f"unix:{path}"), tls_listener]
    async with serving(echo, settings_with(listeners=listeners)) as server:
        plain, unix, tls = server.urls
        assert statuses(await talk(plain, GET)) == [200]
        assert statuses(await talk(unix, GET)) == [200]
        assert stat.S_IMODE(path.stat().st_mode) == 0o660, "not for everybody: its peers may claim any address"
        context = ssl.create_default_context()
        authority.configure_trust(context)
        async with httpx.AsyncClient(verify=context) as client:
            answer = await client.get(tls.replace("127.0.0.1", "localhost"))
        assert answer.status_code == 200
    assert [scope["scheme"] for scope in echo.seen] == ["http", "http", "https"]
    assert echo.seen[1]["client"] is None
    assert not path.exists()


async def test_an_old_tls_version_is_refused(tls_listener: Listener) -> None:
    context = tls_context(tls_listener)
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    only_new = tls_context(tls_listener.model_copy(update={"allowed_versions": ("tls1_3",)}))
    assert only_new is not None
    assert only_new.minimum_version == ssl.TLSVersion.TLSv1_3


async def test_a_plain_request_to_a_tls_listener_gets_no_answer(tls_listener: Listener) -> None:
    echo = Echo()
    async with serving(echo, settings_with(listeners=[tls_listener])) as server:
        assert statuses(await talk(server.urls[0].replace("https", "http"), GET)) == []
    assert echo.seen == []


async def test_the_header_limits_hold_behind_tls(tls_listener: Listener, authority: trustme.CA) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with serving(Echo(), settings_with(listeners=[tls_listener], http_headers_max_size=16)) as server:
        async with httpx.AsyncClient(verify=context) as client:
            answer = await client.get(server.urls[0].replace("127.0.0.1", "localhost"), headers={"x": "a" * 20_000})
    assert answer.status_code == 431


def test_each_tls_mistake_is_named(tls_listener: Listener, authority: trustme.CA, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    authority.issue_cert("localhost").private_key_pem.write_to_path(other)
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("hello")
    wrong = {
        "does not belong to the certificate": {"private_key_file": other},
        "no certificate and private key in PEM form": {"certificate_file": garbage},
        "cannot be read": {"certificate_file": tmp_path / "absent.pem"},
        "cipherSuite is not understood": {"cipher_suite": "NO-SUCH-CIPHER"},
        "set certFile": {"certificate_file": None},
    }
    for words, change in wrong.items():
        with pytest.raises(ListenerError, match=words):
            tls_context(tls_listener.model_copy(update=change))


def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    first = bind(Listener(address="127.0.0.1:0"))
    try:
        taken = first.url.removeprefix("http://")
        with pytest.raises(ListenerError, match=f"{taken}: another program listens there already"):
            bind(Listener(address=taken))
    finally:
        first.close()


def test_a_listener_the_machine_cannot_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(ListenerError, match="no such address"):
        bind(Listener(address="192.0.2.1:0"))
    with pytest.raises(ListenerError, match="the folder of the socket does not exist"):
        bind(Listener(address=f"unix:{tmp_path}/absent/hsp.sock"))


def test_a_stale_socket_is_replaced_and_a_living_one_is_not(tmp_path: Path) -> None:
    listener = Listener(address=f"unix:{tmp_path}/hsp.sock")
    first = bind(listener)
    with pytest.raises(ListenerError, match="another program listens there already"):
        bind(listener)
    first.socket.close()
    bind(listener).close()
    (tmp_path / "hsp.sock").write_text("a file somebody needs")
    with pytest.raises(ListenerError, match="another program"):
        bind(listener)
    assert (tmp_path / "hsp.sock").read_text() == "a file somebody needs"


def test_an_ipv6_listener_leaves_ipv4_to_others() -> None:
    six = bind(Listener(address="[::1]:0"))
    assert six.url.startswith("http://[::1]:")
    port = six.url.rpartition(":")[2]
    four = bind(Listener(address=f"127.0.0.1:{port}"))
    four.close()
    six.close()


async def test_a_running_request_is_finished_before_the_end() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def slow(scope, receive, send) -> None:  # type: ignore[no-untyped-def] # an ASGI application
        started.set()
        await release.wait()
        await Echo()(scope, receive, send)

    async with asyncio.timeout(DEADLINE):
        async with serving(slow, settings_with()) as server:
            url = server.urls[0]
            reader, writer = await connect(url)
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.wait()
            server.stop()
            while await _accepts(url):
                pass
            release.set()
            answer = await reader.read(-1)
            writer.close()
    assert statuses(answer) == [200]
    assert b"connection: close" in answer


async def _accepts(url: str) -> bool:
    try:
        await talk(url)
    except OSError:
        return False
    return True
