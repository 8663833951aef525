"""What a listener lets through to the application, on real sockets and with raw bytes (SC-23, SC-24, SC-30)."""

import asyncio

import pytest

from hsp.config import Listener
from tests.support.serving import DEADLINE, Echo, connect, serving, settings_with, statuses, talk

pytestmark = pytest.mark.anyio

HOST = b"Host: mail.example\r\n"
CLOSE = b"Connection: close\r\n"


def get(*headers: bytes, target: bytes = b"/", close: bool = True) -> bytes:
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"".join(headers) + (CLOSE if close else b"") + b"\r\n"


async def test_an_ordinary_request_arrives() -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], get(b"X-A: 1\r\n", target=b"/mail.hsp?folder=a%2Fb"))
    assert statuses(answer) == [200]
    assert answer.endswith(b"0 bytes\n")
    scope = echo.seen[0]
    assert (scope["raw_path"], scope["query_string"]) == (b"/mail.hsp", b"folder=a%2Fb")
    assert (b"x-a", b"1") in scope["headers"]
    assert scope["client"][0] == "127.0.0.1"


async def test_the_product_is_not_named_unless_the_admin_wants_it() -> None:
    async with serving(Echo(), settings_with()) as server:
        assert b"server:" not in (await talk(server.urls[0], get())).lower()
    async with serving(Echo(), settings_with(http_server_header_enable=True)) as server:
        answer = (await talk(server.urls[0], get())).lower()
        assert b"server: hsp\r\n" in answer
        assert b"uvicorn" not in answer


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(get(b"X: " + b"a" * 17_000 + b"\r\n"), 431, id="one header above the limit"),
        pytest.param(get(*(b"X-%d: %s\r\n" % (n, b"a" * 900) for n in range(19))), 431, id="headers above it together"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 400_000, 431, id="a header that never ends"),
        pytest.param(b"GET / HTTP/1.1\r\n" + b"a" * 400_000, 431, id="a header name that never ends"),
        pytest.param(get(*(b"X: 1\r\n" for _ in range(17))), 431, id="too many headers"),
        pytest.param(get(target=b"/" + b"a" * 1024), 414, id="address too long"),
        pytest.param(b"GET /" + b"a" * 400_000, 414, id="an address that never ends"),
    ],
)
async def test_sc30_a_head_above_its_limits_never_reaches_the_application(request_bytes: bytes, status: int) -> None:
    echo = Echo()
    small = settings_with(http_headers_max_size=16, http_headers_max_count=16, http_url_max_size=1)
    async with serving(echo, small) as server:
        answer = await talk(server.urls[0], request_bytes)
    assert statuses(answer) == [status]
    assert b"connection: close\r\n" in answer
    assert len(answer) < 400
    assert echo.seen == []


async def test_heads_just_within_the_limits_pass() -> None:
    small = settings_with(http_headers_max_size=16, http_headers_max_count=16, http_url_max_size=1)
    async with serving(Echo(), small) as server:
        url = server.urls[0]
        assert statuses(await talk(url, get(b"X: " + b"a" * 16_000 + b"\r\n"))) == [200]
        assert statuses(await talk(url, get(*(b"X: 1\r\n" for _ in range(14))))) == [200]
        assert statuses(await talk(url, get(target=b"/" + b"a" * 1023))) == [200]


async def test_limits_hold_for_every_request_of_a_connection() -> None:
    small = settings_with(http_headers_max_size=16)
    async with serving(Echo(), small) as server:
        big = get(b"X: " + b"a" * 10_000 + b"\r\n", close=False)
        assert statuses(await talk(server.urls[0], big * 3 + get())) == [200, 200, 200, 200]
        answer = await talk(server.urls[0], get(close=False), get(b"X: " + b"a" * 17_000 + b"\r\n"))
    assert statuses(answer) == [200, 431]


SMUGGLING = {
    "length and coding": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "coding and length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "two lengths": b"Content-Length: 3\r\nContent-Length: 4\r\n",
    "the same length twice": b"Content-Length: 0\r\nContent-Length: 0\r\n",
    "a list of lengths": b"Content-Length: 0, 0\r\n",
    "a signed length": b"Content-Length: +0\r\n",
    "a negative length": b"Content-Length: -1\r\n",
    "a hexadecimal length": b"Content-Length: 0x0\r\n",
    "a length too large to be true": b"Content-Length: 99999999999999999999\r\n",
    "an empty length": b"Content-Length: \r\n",
    "two codings": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    "coding not last": b"Transfer-Encoding: chunked, identity\r\n",
    "another coding": b"Transfer-Encoding: gzip, chunked\r\n",
    "identity": b"Transfer-Encoding: identity\r\n",
    "coding behind a vertical tab": b"Transfer-Encoding: \x0bchunked\r\n",
    "coding with blank before the colon": b"Transfer-Encoding : chunked\r\n",
    "a folded header": b"X: a\r\n b\r\n",
    "a folded coding": b"Transfer-Encoding:\r\n chunked\r\n",
    "a bare line feed": b"X: a\nContent-Length: 3\r\n",
    "a bare carriage return": b"X: a\rb\r\n",
    "NUL in a value": b"X: a\x00b\r\n",
    "NUL in a name": b"X\x00Y: a\r\n",
    "a blank in a name": b"X Y: a\r\n",
    "no name": b": a\r\n",
    "no colon": b"abc\r\n",
    "a second host": b"Host: other.example\r\n",
}


@pytest.mark.parametrize("headers", SMUGGLING.values(), ids=SMUGGLING.keys())
async def test_sc24_what_two_programs_could_read_in_two_ways_is_refused(headers: bytes) -> None:
    echo = Echo()
    smuggled = b"GET /smuggled HTTP/1.1\r\nHost: mail.example\r\n\r\n"
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], b"POST / HTTP/1.1\r\n" + HOST + headers + b"\r\n", smuggled)
    assert statuses(answer) == [400]
    assert echo.seen == []


MALFORMED = {
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "lower-case protocol": b"GET / http/1.1\r\nHost: a\r\n\r\n",
    "unknown method": b"FLY / HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT mail.example:443 HTTP/1.1\r\nHost: mail.example:443\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "a host with a user": b"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "an empty host": b"GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "a target of another host": b"GET http://other.example/ HTTP/1.1\r\nHost: mail.example\r\n\r\n",
    "a target without slash": b"GET mail.hsp HTTP/1.1\r\nHost: a\r\n\r\n",
    "a raw byte in the target": b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "a NUL in the target": b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    "coding in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED.keys())
async def test_sc23_a_malformed_request_is_400_and_never_reaches_the_application(request_bytes: bytes) -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], request_bytes)
    assert statuses(answer) == [400]
    assert echo.seen == []


@pytest.mark.parametrize("version", [b"", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/3.7"])
async def test_another_http_version_is_refused(version: bytes) -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], b"GET / " + version + b"\r\n" + HOST + b"\r\n")
    assert statuses(answer) in ([400], [505])
    assert echo.seen == []


async def test_an_absolute_target_of_the_same_host_is_accepted() -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], get(target=b"http://mail.example/login.hsp?m=1"))
    assert statuses(answer) == [200]
    assert echo.seen[0]["raw_path"] == b"/login.hsp"


@pytest.mark.parametrize("path", [b"//evil.example/mail.hsp", b"/a//b/../c;d", b"/%2e%2e/%00", b"/.hsp%20", b"/a\\b"])
async def test_sc23_the_application_sees_the_path_as_it_was_written(path: bytes) -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], get(target=path + b"?q=1"))
    assert [scope["raw_path"] for scope in echo.seen] in ([path], [])
    assert statuses(answer) == ([200] if echo.seen else [400])


async def test_sc24_header_names_with_underscores_never_arrive() -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        headers = (b"X_Forwarded_For: 6.6.6.6\r\n", b"Content_Length: 5\r\n", b"HSP_Session: x\r\n", b"X-Fine: 1\r\n")
        assert statuses(await talk(server.urls[0], get(*headers))) == [200]
    names = {name for name, _ in echo.seen[0]["headers"]}
    assert names == {b"host", b"x-fine", b"connection"}


CHUNKED = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"


async def test_a_chunked_body_arrives_and_its_trailers_do_not() -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        body = b"5\r\nhello\r\n4;note=x\r\n you\r\n0\r\nX-Late: 1\r\nCookie: _hmail=a.b\r\n\r\n"
        assert statuses(await talk(server.urls[0], CHUNKED + body + get())) == [200, 200]
    assert echo.bodies[0] == b"hello you"
    assert {name for name, _ in echo.seen[0]["headers"]} == {b"host", b"transfer-encoding"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"zz\r\nhello\r\n0\r\n\r\n", 400, id="no number"),
        pytest.param(b"-1\r\n\r\n", 400, id="negative"),
        pytest.param(b"0x5\r\nhello\r\n0\r\n\r\n", 400, id="prefix"),
        pytest.param(b"fffffffffffffffff\r\n", 400, id="overflow"),
        pytest.param(b"5\r\nhelloworld\r\n0\r\n\r\n", 400, id="longer than it says"),
        pytest.param(b"5\nhello\n0\n\n", 400, id="bare line feeds"),
        pytest.param(b"1;" + b"a" * 300_000, 431, id="an extension that never ends"),
        pytest.param(b"0\r\nX: " + b"a" * 300_000, 431, id="a trailer that never ends"),
        pytest.param(b"0\r\n" + b"X: 1\r\n" * 300, 431, id="too many trailers"),
    ],
)
async def test_sc30_a_broken_chunked_body_ends_the_request(body: bytes, status: int) -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        answer = await talk(server.urls[0], CHUNKED + body)
    assert statuses(answer) == [status]
    assert len(echo.bodies) <= 1


async def test_slow_headers_are_cut_off() -> None:
    echo = Echo()
    async with serving(echo, settings_with(), head_seconds=0.2) as server:
        assert statuses(await talk(server.urls[0], b"GET / HTTP/1.1\r\nHost: a\r\n")) == [408]
        assert await talk(server.urls[0]) == b"", "who sends nothing gets nothing"
    assert echo.seen == []


async def test_one_byte_at_a_time_does_not_hold_a_connection_open() -> None:
    async with serving(Echo(), settings_with(), head_seconds=0.3) as server:
        reader, writer = await connect(server.urls[0])
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n")
        answer = asyncio.create_task(reader.read(-1))
        async with asyncio.timeout(DEADLINE):
            while not answer.done():
                writer.write(b"X: 1\r\n")
                await asyncio.wait([answer], timeout=0.05)
        writer.close()
        assert statuses(await answer) == [408]


async def test_a_slow_body_is_cut_off() -> None:
    async with serving(Echo(), settings_with(), idle_seconds=0.2) as server:
        answer = await talk(server.urls[0], b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\n\r\nabc")
    assert statuses(answer) == [408]


async def test_an_idle_connection_is_closed() -> None:
    async with serving(Echo(), settings_with(), idle_seconds=0.2) as server:
        assert statuses(await talk(server.urls[0], get(close=False))) == [200]


async def test_keep_alive_can_be_switched_off() -> None:
    async with serving(Echo(), settings_with(allow_keep_alive=False)) as server:
        answer = await talk(server.urls[0], get(close=False), get(close=False))
    assert statuses(answer) == [200]
    assert b"connection: close" in answer


async def test_connections_above_the_limit_get_503() -> None:
    listener = Listener(address="127.0.0.1:0", max_connections=2)
    async with serving(Echo(), settings_with(listeners=[listener])) as server:
        held = [await connect(server.urls[0]) for _ in range(2)]
        for reader, writer in held:
            writer.write(get(close=False))
            await reader.readuntil(b"bytes\n")
        answer = await talk(server.urls[0])
        assert statuses(answer) == [503]
        assert b"retry-after:" in answer
        for _, writer in held:
            writer.close()
        async with asyncio.timeout(DEADLINE):
            while statuses(await talk(server.urls[0], get())) != [200]:
                await asyncio.sleep(0.01)


async def test_answers_of_pipelined_requests_come_before_the_error_of_a_later_one() -> None:
    release = asyncio.Event()

    async def slow(scope, receive, send) -> None:  # type: ignore[no-untyped-def] # an ASGI application
        await release.wait()
        await Echo()(scope, receive, send)

    async with serving(slow, settings_with()) as server:
        reader, writer = await connect(server.urls[0])
        writer.write(get(close=False) + b"BROKEN\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.05)
        release.set()
        async with asyncio.timeout(DEADLINE):
            answer = await reader.read(-1)
        writer.close()
    assert statuses(answer) == [200, 400]
    assert b"0 bytes\nHTTP/1.1 400" in answer


async def test_a_broken_body_never_disturbs_an_answer_already_begun() -> None:
    begun = asyncio.Event()
    ended: list[str] = []

    async def early(scope, receive, send) -> None:  # type: ignore[no-untyped-def] # an ASGI application
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        begun.set()
        while (message := await receive())["type"] == "http.request":
            pass
        ended.append(message["type"])

    async with serving(early, settings_with()) as server:
        reader, writer = await connect(server.urls[0])
        writer.write(CHUNKED)
        async with asyncio.timeout(DEADLINE):
            await begun.wait()
            writer.write(b"zz\r\n")
            answer = await reader.read(-1)
        writer.close()
    assert statuses(answer) == [200]
    assert answer.endswith(b"begun\r\n")
    assert ended == ["http.disconnect"]


async def test_too_many_pipelined_requests_end_the_connection() -> None:
    async with serving(Echo(), settings_with()) as server:
        answer = statuses(await talk(server.urls[0], get(close=False) * 200))
    assert answer[-1] == 400
    assert set(answer[:-1]) == {200}
    assert len(answer) < 40


async def test_an_upgrade_is_answered_and_not_followed() -> None:
    echo = Echo()
    async with serving(echo, settings_with()) as server:
        upgrade = get(b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n", close=False)
        answer = await talk(server.urls[0], upgrade + get(target=b"/second"))
    assert statuses(answer) == [200]
    assert len(echo.seen) == 1


async def test_the_refusal_of_a_large_head_is_readable_while_the_client_still_sends() -> None:
    async with serving(Echo(), settings_with(http_headers_max_size=16)) as server:
        answer = await talk(server.urls[0], b"GET / HTTP/1.1\r\nX: ", *(b"a" * 65_536 for _ in range(40)))
    assert statuses(answer) == [431]
