"""SC-10, SC-11: outside images come through a fence, tell nothing of the reader and are images."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from hsp.foundation.http import FencedTransport, httpx
from hsp.mail.remote import ImageRefusedError, fetch_image

pytestmark = pytest.mark.anyio

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 100
Answer = Callable[[httpx.Request], httpx.Response]


class Everywhere:
    """Each name is a public address but those that begin with "inside"."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        return ["10.0.0.1"] if host.startswith("inside") else ["8.8.8.8"]


class Chunks(httpx.AsyncByteStream):
    def __init__(self, *chunks: bytes, wait: bool = False) -> None:
        self.chunks, self.wait, self.sent, self.closed = chunks, wait, 0, False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self.chunks:
            self.sent += 1
            yield chunk
        if self.wait:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        self.closed = True


class Web(httpx.AsyncBaseTransport):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)


def fenced(answer: Answer) -> tuple[FencedTransport, Web]:
    web = Web(answer)
    return FencedTransport(resolver=Everywhere(), inner=web), web


def image(data: bytes = PNG, **headers: str) -> Answer:
    return lambda _: httpx.Response(200, stream=Chunks(data), headers=headers)


def redirects(*targets: str) -> Answer:
    remaining = list(targets)

    def answer(_: httpx.Request) -> httpx.Response:
        if remaining:
            return httpx.Response(302, headers={"location": remaining.pop(0)})
        return httpx.Response(200, stream=Chunks(PNG))

    return answer


async def reason(url: str, answer: Answer, **options: float) -> str:
    transport, _ = fenced(answer)
    with pytest.raises(ImageRefusedError) as refused:
        await fetch_image(url, transport=transport, **options)  # type: ignore[arg-type]  # the two limits
    return refused.value.reason


async def test_an_image_comes_back_with_the_type_its_bytes_show() -> None:
    transport, _ = fenced(image(**{"content-type": "text/html"}))
    found = await fetch_image("https://x.example/a", transport=transport)
    assert (found.type, found.data) == ("image/png", PNG)
    headers = found.headers()
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


async def test_sc10_nothing_of_the_reader_goes_out() -> None:
    transport, web = fenced(lambda _: httpx.Response(200, stream=Chunks(PNG), headers={"set-cookie": "a=b"}))
    for _ in range(2):
        await fetch_image("https://x.example/a#secret", transport=transport)
    for request in web.requests:
        names = {name.lower() for name in request.headers}
        assert names == {"host", "user-agent", "accept", "accept-encoding", "connection"}
        assert "hsp" not in str(request.headers).lower()
        assert "secret" not in str(request.url)


@pytest.mark.parametrize(
    "data",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<?xml version='1.0'?><svg/>",
        b"<html><script>alert(1)</script>",
        b"%PDF-1.7 padding padding",
        b"plain text plain text",
        b"BM" + b"\x00" * 60,
        b"",
        b"\x89PN",
    ],
)
async def test_sc11_only_images_by_their_own_bytes(data: bytes) -> None:
    assert await reason("http://x.example/", image(data, **{"content-type": "image/png"})) == "type"


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip", "zstd"])
async def test_sc12_packed_answers_are_not_unpacked(coding: str) -> None:
    assert await reason("http://x.example/", image(**{"content-encoding": coding})) == "type"


async def test_sc12_size_is_bounded_whatever_is_announced() -> None:
    assert await reason("http://x.example/", image(PNG * 20), max_bytes=1000) == "size"
    assert await reason("http://x.example/", image(**{"content-length": "1001"}), max_bytes=1000) == "size"
    assert await reason("http://x.example/", image(**{"content-length": "9" * 5000}), max_bytes=1000) == "size"
    stream = Chunks(*[PNG] * 1000)
    assert await reason("http://x.example/", lambda _: httpx.Response(200, stream=stream), max_bytes=1000) == "size"
    assert stream.sent < 12, "reading goes on after the limit"
    assert stream.closed


async def test_sc30_time_is_bounded_and_the_answer_is_closed() -> None:
    stream = Chunks(PNG, wait=True)
    assert await reason("http://x.example/", lambda _: httpx.Response(200, stream=stream), seconds=0.05) == "time"
    assert stream.closed


async def test_redirects_are_followed_and_relative_ones_joined() -> None:
    transport, web = fenced(redirects("/b", "https://y.example/c", "//z.example/d"))
    await fetch_image("http://x.example/a", transport=transport)
    assert [request.headers["host"] for request in web.requests] == ["x.example", "x.example", "y.example", "z.example"]
    assert [request.url.path for request in web.requests] == ["/a", "/b", "/c", "/d"]


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/",
        "http://inside.example/",
        "http://2130706433/",
        "http://[::1]/",
        "file:///etc/passwd",
        "http://u@y.example/",
        "http://y.example:25/",
        "gopher://y.example/",
        "http://localhost/",
        "data:image/png,x",
        "http://[",
        "http://\x00/",
        "//10.0.0.1/",
    ],
)
async def test_sc11_every_redirect_is_checked_again(target: str) -> None:
    transport, web = fenced(lambda _: httpx.Response(302, headers={"location": target}))
    with pytest.raises(ImageRefusedError) as refused:
        await fetch_image("http://x.example/", transport=transport)
    assert refused.value.reason == "address"
    assert len(web.requests) == 1


async def test_redirects_end() -> None:
    assert await reason("http://x.example/", lambda _: httpx.Response(302, headers={"location": "/"})) == "redirects"


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 404, 500])
async def test_other_answers_are_no_images(status: int) -> None:
    assert await reason("http://x.example/", lambda _: httpx.Response(status, stream=Chunks(PNG))) == "status"


@pytest.mark.parametrize(
    "url", ["", "x", "http://", "http://inside.example/", "http://[", "\x00", "http://x.example:99999/", "cid:x"]
)
async def test_sc11_addresses_that_are_refused(url: str) -> None:
    assert await reason(url, image()) == "address"


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), OSError("dns")]
)
async def test_failures_outside_are_no_image(error: Exception) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise error

    assert await reason("http://x.example/", fail) == "away"
