"""Whose address counts behind proxies (SC-24)."""

import ipaddress
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from hsp.services.forwarded import ClientAddress, forwarded_hops, parse_node, x_forwarded_hops

pytestmark = pytest.mark.anyio

NETWORKS = tuple(ipaddress.ip_network(text) for text in ("10.0.0.0/8", "fd00::/8", "192.0.2.7/32"))
Header = Literal["X-Forwarded-For", "Forwarded"]


async def seen(
    headers: Sequence[tuple[bytes, bytes]],
    *,
    peer: tuple[str, int] | None = ("10.0.0.1", 5000),
    trusted: Sequence[Any] = NETWORKS,
    header: Header = "X-Forwarded-For",
    scheme: str = "http",
) -> Scope:
    """The scope as the application sees it."""
    found: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    scope = {"type": "http", "client": peer, "scheme": scheme, "headers": list(headers)}
    await ClientAddress(app, trusted, header)(scope, _never, _never)
    return found[0]


async def _never(*_: object) -> Any:
    raise AssertionError("not expected")


def xff(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"x-forwarded-for", value.encode("latin-1")) for value in values]


async def test_sc24_a_stranger_cannot_name_an_address() -> None:
    headers = [*xff("198.51.100.1"), (b"x-forwarded-proto", b"https"), (b"forwarded", b"for=198.51.100.1;proto=https")]
    scope = await seen(headers, peer=("203.0.113.9", 4000))
    assert scope["client"] == ("203.0.113.9", 4000)
    assert scope["scheme"] == "http"


async def test_sc24_the_right_most_hop_that_is_not_a_proxy_is_the_client() -> None:
    scope = await seen(xff("6.6.6.6, 203.0.113.9, 10.1.1.1"))
    assert scope["client"] == ("203.0.113.9", 0)


async def test_sc24_several_header_lines_are_one_list() -> None:
    scope = await seen(xff("6.6.6.6", "203.0.113.9", "10.1.1.1"))
    assert scope["client"] == ("203.0.113.9", 0)


async def test_sc24_only_the_named_header_counts() -> None:
    both = [*xff("203.0.113.9"), (b"forwarded", b"for=6.6.6.6;proto=https")]
    assert (await seen(both))["client"] == ("203.0.113.9", 0)
    assert (await seen(both))["scheme"] == "http"
    assert (await seen(both, header="Forwarded"))["client"] == ("6.6.6.6", 0)


async def test_no_application_code_sees_the_headers() -> None:
    names = ("x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "x-original-url", "x-forwarded-proto")
    headers = [(name.encode(), b"203.0.113.9") for name in names] + [(b"host", b"a")]
    for peer in ("10.0.0.1", "203.0.113.1"):
        assert (await seen(headers, peer=(peer, 1)))["headers"] == [(b"host", b"a")]


@pytest.mark.parametrize(
    "garbage",
    [
        "unknown",
        "",
        "203.0.113",
        "203.0.113.9x",
        "1.2.3.4.5",
        "[::1",
        "::1]:8",
        "203.0.113.9:port",
        "_hidden",
        "a b",
        "%00",
        "１.2.3.4",
    ],
)
async def test_garbage_ends_the_reading(garbage: str) -> None:
    value = f"6.6.6.6, {garbage}, 10.2.2.2"
    scope = await seen([(b"x-forwarded-for", value.encode("utf-8"))])
    expected = "6.6.6.6" if not garbage.strip() else "10.2.2.2"
    assert scope["client"][0] == expected


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:1234", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("[203.0.113.9]", None),
        ("fe80::1%eth0", None),
        ("203.0.113.09", None),
    ],
)
def test_nodes(node: str, address: str | None) -> None:
    found = parse_node(node)
    assert (str(found) if found else None) == address


async def test_a_mapped_address_is_the_address_it_maps() -> None:
    scope = await seen(xff("203.0.113.9"), peer=("::ffff:10.0.0.1", 9))
    assert scope["client"] == ("203.0.113.9", 0)
    assert (await seen([], peer=("::ffff:203.0.113.9", 9)))["client"] == ("203.0.113.9", 9)


async def test_when_every_hop_is_a_proxy_the_left_most_is_the_client() -> None:
    assert (await seen(xff("10.9.9.9, 10.1.1.1")))["client"] == ("10.9.9.9", 0)


@pytest.mark.parametrize(
    ("proto", "expected"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("http", "http"),
        ("javascript", "http"),
        ("", "http"),
        ("https, http", "https"),
    ],
)
async def test_the_scheme_is_the_one_of_the_client_s_hop(proto: str, expected: str) -> None:
    headers = [*xff("203.0.113.9, 10.1.1.1"), (b"x-forwarded-proto", proto.encode())]
    scope = await seen(headers)
    assert scope["scheme"] == expected


async def test_sc24_a_scheme_written_by_a_stranger_stays_left() -> None:
    headers = [*xff("6.6.6.6, 203.0.113.9"), (b"x-forwarded-proto", b"https, http")]
    assert (await seen(headers))["scheme"] == "http"


async def test_a_unix_peer_counts_only_when_listed() -> None:
    assert (await seen(xff("203.0.113.9"), peer=None))["client"] is None
    assert (await seen(xff("203.0.113.9"), peer=None, trusted=("unix",)))["client"] == ("203.0.113.9", 0)
    assert (await seen(xff("203.0.113.9"), trusted=("unix",)))["client"] == ("10.0.0.1", 5000)


@pytest.mark.parametrize(
    ("value", "client", "scheme"),
    [
        ("for=203.0.113.9;proto=https;by=10.0.0.1", "203.0.113.9", "https"),
        ('For="[2001:db8::1]:4711";Proto=HTTPS', "2001:db8::1", "https"),
        ("for=6.6.6.6, for=203.0.113.9;proto=https, for=10.1.1.1", "203.0.113.9", "https"),
        ("for=6.6.6.6, for=unknown", "10.0.0.1", "http"),
        ("for=6.6.6.6, for=_secret", "10.0.0.1", "http"),
        ("for=6.6.6.6, proto=https", "10.0.0.1", "http"),
        ("for=6.6.6.6;for=6.6.6.7", "10.0.0.1", "http"),
        ('for="6.6.6.6, for=7.7.7.7"', "10.0.0.1", "http"),
        ('for=6.6.6.6, for="', "10.0.0.1", "http"),
        (";;;", "10.0.0.1", "http"),
    ],
)
async def test_forwarded_as_rfc_7239_writes_it(value: str, client: str, scheme: str) -> None:
    scope = await seen([(b"forwarded", value.encode())], header="Forwarded")
    assert scope["client"][0] == client
    assert scope["scheme"] == scheme


addresses = st.ip_addresses().map(str)
junk = st.binary(max_size=60).filter(lambda value: b"\r" not in value and b"\n" not in value)


@given(values=st.lists(junk, max_size=4), header=st.sampled_from(["X-Forwarded-For", "Forwarded"]))
def test_sc24_no_header_makes_the_reading_fail(values: list[bytes], header: Header) -> None:
    hops = forwarded_hops if header == "Forwarded" else x_forwarded_hops
    name = header.lower().encode()
    for hop in hops([*((name, value) for value in values), *((b"x-forwarded-proto", value) for value in values)]):
        assert hop.scheme in (None, "http", "https")


@given(left=junk, client=addresses.filter(lambda text: not any(parse_node(text) in network for network in NETWORKS)))
async def test_sc24_nothing_left_of_the_client_matters(left: bytes, client: str) -> None:
    scope = await seen([(b"x-forwarded-for", left), *xff(f"{client}, 10.1.1.1")])
    assert scope["client"] == (str(parse_node(client)), 0)


@given(st.text(max_size=2000))
def test_sc30_hostile_forwarded_headers_take_bounded_time(text: str) -> None:
    value = (text + 'for="' * 200 + ";" * 200).encode("utf-8", "replace")
    forwarded_hops([(b"forwarded", value)])
