# ruff: noqa: E501, SIM905 - address lists read best as words
"""SC-11: outside fetches reach public addresses only, however the address is spelt and whatever its name becomes."""

import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.foundation.http import AddressRefusedError, FencedTransport, client, httpx, is_public

pytestmark = pytest.mark.anyio

LOCAL = """127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 169.254.169.254 172.16.0.1
172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8
64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:53aa:64c::1 2001:10::1
2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fd12::1 fe80::1 fe80::1%eth0 2606:4700::1%1 fec0::1 ff02::1""".split()
PUBLIC = """1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.255.255
169.255.0.1 172.15.255.255 172.32.0.1 191.255.255.255 192.0.1.1 192.167.255.255 192.169.0.1 198.17.255.255 198.20.0.1
223.255.255.255 2001:4860:4860::8888 2606:4700::1111 2a00:1450::1 64:ff9b::808:808""".split()


@pytest.mark.parametrize("address", LOCAL)
def test_sc11_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_sc11_public_look_alikes_pass(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "text", ["", "x", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "1.1.1.1 ", "1.1.1", "::1::", "1.1.1.1\n"]
)
def test_text_that_is_no_address_is_not_public(text: str) -> None:
    assert not is_public(text)


@given(st.ip_addresses())
def test_nothing_private_is_public(address: object) -> None:
    if getattr(address, "is_private", False) or getattr(address, "is_multicast", False):
        assert not is_public(str(address)) or str(address).startswith("64:ff9b:")


class Names:
    """A resolver of our own; each name has a list of answers, one per question."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(answer) for name, answer in answers.items()}
        self.asked: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers[host].pop(0)


class Network(httpx.AsyncBaseTransport):
    """Notes who is connected to; addresses in `dead` do not answer."""

    def __init__(self, *dead: str) -> None:
        self.requests: list[httpx.Request] = []
        self.dead = dead
        self.closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self.dead:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, content=b"ok")

    async def aclose(self) -> None:
        self.closed = True


async def get(url: str, names: Names | None = None, network: Network | None = None) -> tuple[httpx.Response, Network]:
    network = network or Network()
    transport = FencedTransport(resolver=names or Names(), inner=network)
    return await transport.handle_async_request(httpx.Request("GET", url)), network


async def test_sc11_the_connection_goes_to_the_checked_address() -> None:
    names = Names(x_example=[["8.8.8.8"]])
    _, network = await get("https://x.example/a?b", names)
    request = network.requests[0]
    assert str(request.url) == "https://8.8.8.8/a?b"
    assert request.headers["host"] == "x.example"
    assert request.extensions["sni_hostname"] == "x.example"
    assert names.asked == [("x.example", 443)]


async def test_sc11_rebinding_between_check_and_connect_is_impossible() -> None:
    # The second answer is the trap: a build that checks the name and then connects to the name would fall into it.
    names = Names(x_example=[["8.8.8.8"], ["127.0.0.1"]])
    _, network = await get("http://x.example/", names)
    assert [request.url.host for request in network.requests] == ["8.8.8.8"]
    with pytest.raises(AddressRefusedError):
        await get("http://x.example/", names)


@pytest.mark.parametrize("address", LOCAL)
async def test_sc11_names_that_lead_inside_are_refused(address: str) -> None:
    network = Network()
    with pytest.raises(AddressRefusedError):
        await get("http://x.example/", Names(x_example=[[address]]), network)
    with pytest.raises(AddressRefusedError):
        await get("http://x.example/", Names(x_example=[["8.8.8.8", address]]), network)
    assert network.requests == []


@pytest.mark.parametrize(
    "url",
    """http://127.0.0.1/ http://127.1/ http://127.0.1/ http://0/ http://2130706433/ http://017700000001/ http://0x7f000001/ http://0x7f.1/
    http://0177.0.0.1/ http://0x7f.0x0.0x0.0x1/ http://127.0.0.1./ http://localhost/ http://LOCALHOST/ http://localhost./ http://intranet/
    http://[::1]/ http://[::]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ http://[0:0:0:0:0:0:0:1]/ http://[fe80::1%25eth0]/
    http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://134744072/ http://8.8.8/ http://0x08.8.8.8/ http://08.8.8.8/
    http://①②⑦.⓪.⓪.①/ http://169.254.169.254/latest http://user@x.example/ http://user:pw@x.example/
    http://x.example@127.0.0.1/ http://127.0.0.1@x.example/ http://127.0.0.1#@x.example/ http://x.example:22/ http://x.example:8080/
    http://x.example:65536/ http://x.example:0/ ftp://x.example/ file:///etc/passwd gopher://x.example/ unix:/run/x data:text/plain,x //x.example/
    /x x.example http:///x http://.example/ http://x..example/ http://-x.example/ http://x%2eexample/ http://127.0.0.1%2f@x.example/
    http://x.example%00.y.example/ http://[127.0.0.1]/ http://[x.example]/ http://x.example\\@127.0.0.1/ http://*.example/""".split(),
)
async def test_sc11_spellings_and_tricks_are_refused(url: str) -> None:
    network = Network()
    names = Names(x_example=[["8.8.8.8"]])
    with pytest.raises((AddressRefusedError, httpx.InvalidURL)):
        await get(url, names, network)
    assert network.requests == []
    assert names.asked == []


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1.x.example",
        "localhost.x.example",
        "10.x.example",
        "fe80.x.example",
        "x-y.example",
        "x_y.example",
        "xn--bcher-kva.example",
    ],
)
async def test_sc11_names_that_only_look_local_pass(host: str) -> None:
    names = Names()
    names.answers[host] = [["8.8.8.8"]]
    response, _ = await get(f"http://{host}/", names)
    assert response.status_code == 200


@pytest.mark.parametrize("address", [address for address in PUBLIC if "." in address])
async def test_public_literals_need_no_resolver(address: str) -> None:
    _, network = await get(f"http://{address}/")
    assert network.requests[0].url.host == address


async def test_the_next_checked_address_is_tried() -> None:
    network = Network("8.8.8.8")
    await get("http://x.example/", Names(x_example=[["8.8.8.8", "1.1.1.1"]]), network)
    assert [request.url.host for request in network.requests] == ["8.8.8.8", "1.1.1.1"]
    with pytest.raises(httpx.ConnectError):
        await get("http://x.example/", Names(x_example=[["8.8.8.8"]]), network)


async def test_no_address_and_far_too_many_are_refused() -> None:
    for answer in ([], ["8.8.8.8"] * 17):
        with pytest.raises(AddressRefusedError):
            await get("http://x.example/", Names(x_example=[answer]))


async def test_overlong_urls_are_refused() -> None:
    with pytest.raises(AddressRefusedError):
        await get(f"http://8.8.8.8/{'x' * 9000}")


async def test_closing_closes_the_network() -> None:
    network = Network()
    await FencedTransport(resolver=Names(), inner=network).aclose()
    assert network.closed


async def test_a_client_takes_nothing_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    network = Network()
    async with client(transport=network) as http:
        response = await http.get("http://x.example/")
        assert response.status_code == 200
        assert not http.follow_redirects
        assert not http.trust_env


def test_one_library_is_chosen_for_everything() -> None:
    # With httpx2 installed it is the one that Authlib and Starlette take, so it must be ours as well.
    script = (
        "import sys, types, importlib.machinery, httpx;"
        "module = types.ModuleType('httpx2'); module.__dict__.update({k: v for k, v in vars(httpx).items() if not k.startswith('__')});"
        "module.__spec__ = importlib.machinery.ModuleSpec('httpx2', None); sys.modules['httpx2'] = module;"
        "from hsp.foundation import http; assert http.httpx is module"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
