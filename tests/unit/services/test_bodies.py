"""Limits on request bodies (SC-30)."""

import pytest
from starlette.types import Message

from hsp.services import BodyTooLarge, declared_length, limit_body, read_rest

pytestmark = pytest.mark.anyio


class Sender:
    """A client that sends a body in parts."""

    def __init__(self, *parts: bytes, vanishes: bool = False) -> None:
        self._parts = list(parts)
        self._vanishes = vanishes
        self.asked = 0

    async def __call__(self) -> Message:
        self.asked += 1
        if not self._parts:
            return {"type": "http.disconnect"}
        part = self._parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(self._parts) or self._vanishes}


async def collect(receive) -> bytes:  # type: ignore[no-untyped-def] # an ASGI receive
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


async def test_a_body_of_exactly_the_limit_passes() -> None:
    assert await collect(limit_body(Sender(b"abc", b"de"), 5)) == b"abcde"


async def test_one_byte_more_does_not() -> None:
    with pytest.raises(BodyTooLarge) as error:
        await collect(limit_body(Sender(b"abc", b"def"), 5))
    assert error.value.limit == 5


async def test_sc30_an_announced_size_is_refused_before_a_byte_is_read() -> None:
    sender = Sender(b"abc")
    with pytest.raises(BodyTooLarge):
        await limit_body(sender, 5, declared=6)()
    assert sender.asked == 0


async def test_an_announced_size_is_not_believed_when_it_is_small() -> None:
    with pytest.raises(BodyTooLarge):
        await collect(limit_body(Sender(b"a" * 6), 5, declared=1))


async def test_a_client_that_leaves_is_passed_on() -> None:
    receive = limit_body(Sender(b"abc", vanishes=True), 5)
    assert (await receive())["body"] == b"abc"
    assert (await receive())["type"] == "http.disconnect"


async def test_reading_the_rest_ends_with_the_body_or_the_client() -> None:
    sender = Sender(b"a", b"b", b"c")
    await read_rest(sender)
    assert sender.asked == 3
    await read_rest(Sender(b"a", vanishes=True))


@pytest.mark.parametrize(
    ("headers", "length"),
    [([], None), ([(b"content-length", b"12")], 12), ([(b"content-length", b"x")], None), ([(b"x", b"1")], None)],
)
def test_declared_length(headers: list[tuple[bytes, bytes]], length: int | None) -> None:
    assert declared_length(headers) == length
