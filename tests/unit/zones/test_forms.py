"""Query strings and posted forms: read within limits, refused when they are not what they should be (class SC-30)."""

import errno
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers, UploadFile
from starlette.types import Message

from hsp.zones import forms
from hsp.zones.forms import BadInput, BodyTooLarge, ClientGone, Fields, pack, parse_form, parse_query, unpack

pytestmark = pytest.mark.anyio

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=BOUND"


_opened: list[Fields] = []


@pytest.fixture(autouse=True)
def close_what_was_read() -> Iterator[None]:
    yield
    while _opened:
        _opened.pop().close()


class Body:
    """An ASGI `receive` that gives these chunks, then (by default) says that the body is complete."""

    def __init__(self, *chunks: bytes, gone: bool = False) -> None:
        self._messages: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
        self._messages.append({"type": "http.disconnect"} if gone else {"type": "http.request", "body": b""})
        self.taken = 0

    async def __call__(self) -> Message:
        self.taken += 1
        return self._messages[self.taken - 1]


async def read(
    body: Body | bytes, kind: str = URLENCODED, *, limit: int = 1000, drain: bool = False, **headers: str
) -> Fields:
    receive = body if isinstance(body, Body) else Body(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    form = await parse_form(Headers({"content-type": kind, **named}), receive, limit=limit, drain=drain)
    _opened.append(form)
    return form


def part(name: str, value: bytes, *, filename: str | None = None, kind: str = "") -> bytes:
    file = f'; filename="{filename}"' if filename is not None else ""
    typed = f"\r\nContent-Type: {kind}" if kind else ""
    return f'--BOUND\r\nContent-Disposition: form-data; name="{name}"{file}{typed}\r\n\r\n'.encode() + value + b"\r\n"


def multipart(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--BOUND--\r\n"


async def refusal(body: Body | bytes, kind: str = URLENCODED, **more: Any) -> BadInput:
    with pytest.raises(BadInput) as refused:
        await read(body, kind, **more)
    return refused.value


# Query strings


def test_a_query_is_read() -> None:
    query = parse_query(b"folder=1_2&q=from%3Abob+x&empty=&folder=3")
    assert query["folder"] == "1_2"
    assert query["q"] == "from:bob x"
    assert query["empty"] == ""
    assert query.getlist("folder") == ["1_2", "3"]
    assert query.get("missing", "-") == "-"
    assert len(query) == 3


@pytest.mark.parametrize("raw", [b"a=%ff", b"a=%c0%ae", b"%ed%a0%80=1", b"a=\xff", b"a=%f5%80%80%80", b"\xc3\xa9=1"])
def test_a_query_that_is_not_utf8_is_refused(raw: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        parse_query(raw)
    assert (refused.value.key, refused.value.status) == ("invalid_utf8", 400)


@pytest.mark.parametrize("code", [*range(0x20), 0x7F])
def test_a_control_character_in_a_query_is_refused(code: int) -> None:
    for raw in (b"a=x%%%02x" % code, b"%%%02x=x" % code, b"_h=%%%02x" % code):
        with pytest.raises(BadInput) as refused:
            parse_query(raw)
        assert refused.value.key == "control_characters"


def test_a_query_has_a_limited_number_of_fields() -> None:
    assert len(parse_query(b"&".join(b"a%d=" % n for n in range(forms.MAX_FIELDS)))) == forms.MAX_FIELDS
    with pytest.raises(BadInput) as refused:
        parse_query(b"&" * forms.MAX_FIELDS)
    assert refused.value.key == "too_many_fields"
    with pytest.raises(BadInput):
        parse_query(b"&".join([b"a=1"] * (forms.MAX_FIELDS + 1)))


@given(st.text(alphabet="ab=&+._-~%2 ", max_size=60))
def test_a_plain_query_is_read_as_the_standard_library_reads_it(raw: str) -> None:
    encoded = raw.replace(" ", "+").replace("%", "%25")
    assert parse_query(encoded.encode()).pairs == parse_qsl(encoded, keep_blank_values=True)


@given(st.binary(max_size=200))
def test_any_query_is_read_or_refused(raw: bytes) -> None:
    status, pairs = 200, []
    try:
        pairs = parse_query(raw).pairs
    except BadInput as refused:
        status = refused.status
    assert status in {200, 400}
    assert all("\0" not in name + value for name, value in pairs)


# Posted forms


async def test_both_kinds_of_form_are_read() -> None:
    assert (await read(b"to=a%40b.test&text=one%0D%0Atwo\r\n"))["text"] == "one\r\ntwo"
    body = multipart(
        part("to", b"a@b.test"), part("text", "zw\u00f6lf".encode()), part("file", b"\0\xff", filename="x.bin")
    )
    form = await read(body, MULTIPART)
    assert (form["to"], form["text"]) == ("a@b.test", "zw\u00f6lf")
    (upload,) = form.files("file")
    assert (upload.filename, upload.size, upload.read(), upload.read()) == ("x.bin", 2, b"\0\xff", b"\0\xff")
    form.close()
    assert upload.file.closed


async def test_a_file_field_left_empty_is_no_upload() -> None:
    form = await read(multipart(part("file", b"", filename="")), MULTIPART)
    assert form.files("file") == []
    named = await read(multipart(part("file", b"", filename="empty.txt")), MULTIPART)
    assert [upload.filename for upload in named.files("file")] == ["empty.txt"]


@pytest.mark.parametrize(
    "kind", ["", "application/json", "text/plain", "application/octet-stream", "multipart/mixed; boundary=B"]
)
async def test_another_content_type_is_an_empty_form(kind: str) -> None:
    body = Body(b"_h=x", b"&action=logout")
    assert dict(await read(body, kind)) == {}
    assert body.taken == 3


@pytest.mark.parametrize("kind", [URLENCODED.upper(), f"{URLENCODED}; charset=utf-8", f" {URLENCODED} ;x"])
async def test_the_content_type_is_read_as_http_means_it(kind: str) -> None:
    assert (await read(b"a=1", kind))["a"] == "1"


@pytest.mark.parametrize("chunks", [(b"a=" + b"x" * 98,), (b"a=", b"x" * 97, b"x"), tuple([b"a", b"="] + [b"x"] * 98)])
async def test_the_limit_holds_at_the_exact_byte(chunks: Sequence[bytes]) -> None:
    assert len((await read(Body(*chunks), limit=100))["a"]) == 98
    assert (await refusal(Body(*chunks, b"x"), limit=100)).status == 413
    assert (await refusal(Body(*chunks), limit=99)).status == 413


async def test_a_multipart_form_has_the_same_limit() -> None:
    body = multipart(part("file", b"x" * 5000, filename="f"))
    assert (await read(body, MULTIPART, limit=len(body))).files("file")[0].size == 5000
    assert isinstance(await refusal(body, MULTIPART, limit=len(body) - 1), BodyTooLarge)


async def test_too_long_a_declared_length_is_refused_before_a_byte_is_read() -> None:
    body = Body(b"a=1")
    refused = await refusal(body, limit=100, content_length="101")
    assert (refused.status, body.taken) == (413, 0)
    assert (await read(b"a=1", limit=100, content_length="100"))["a"] == "1"


async def test_a_length_declared_too_small_does_not_lift_the_limit() -> None:
    assert (await refusal(b"a=" + b"x" * 200, limit=100, content_length="3")).status == 413


@pytest.mark.parametrize("declared", ["", "-1", "+5", "1e3", "0x10", "\u00b2", "five", "5, 5", "9" * 400])
async def test_an_odd_declared_length_is_never_a_crash(declared: str) -> None:
    try:
        form = await read(b"a=1", limit=100, content_length=declared)
    except BodyTooLarge:
        assert declared == "9" * 400
    else:
        assert form["a"] == "1"


async def test_drained_the_whole_body_is_read_and_none_of_it_kept() -> None:
    body = Body(b"a=" + b"x" * 90, b"x" * 90, b"x" * 90)
    assert (await refusal(body, limit=100, drain=True)).status == 413
    assert body.taken == 4
    declared = Body(b"a=1")
    assert (await refusal(declared, limit=100, drain=True, content_length="101")).status == 413
    assert declared.taken == 2


@pytest.mark.parametrize("kind", [URLENCODED, MULTIPART, "text/plain"])
async def test_a_client_that_goes_away_is_told_apart(kind: str) -> None:
    with pytest.raises(ClientGone):
        await read(Body(part("a", b"1")[:20], gone=True), kind)


@pytest.mark.parametrize("raw", [b"a=%ff", b"a=%c0%ae", b"a=\xff", b"%ed%a0%80=1"])
async def test_a_form_that_is_not_utf8_is_refused(raw: bytes) -> None:
    assert (await refusal(raw)).key == "invalid_utf8"


@pytest.mark.parametrize(
    "piece",
    [
        part("a", b"\xff"),
        part("a", b"\xc0\xae"),
        part("n", b"1").replace(b'"n"', b'"\xff"'),
        part("f", b"1", filename="F").replace(b'"F"', b'"\xfc.txt"'),
    ],
)
async def test_a_multipart_form_that_is_not_utf8_is_refused(piece: bytes) -> None:
    assert (await refusal(multipart(piece), MULTIPART)).key == "invalid_utf8"


@pytest.mark.parametrize(
    "charset", ["utf-7", "utf-16", "latin-1", "punycode", "idna", "unicode_escape", "undefined", "no-such", "rot13"]
)
async def test_no_charset_but_utf8_is_honoured(charset: str) -> None:
    form = await read(multipart(part("a", b"+ADw-x\\x3c\xc3\xa9")), f"{MULTIPART}; charset={charset}")
    assert form["a"] == "+ADw-x\\x3c\u00e9"


async def test_nul_is_refused_in_fields_and_kept_in_files() -> None:
    assert (await refusal(b"a=x%00y")).key == "control_characters"
    assert (await refusal(b"a%00=x")).key == "control_characters"
    assert (await refusal(multipart(part("a", b"\0")), MULTIPART)).key == "control_characters"
    assert (await refusal(multipart(part("f", b"1", filename="a\0.txt")), MULTIPART)).key in {
        "control_characters",
        "broken_form",
    }
    form = await read(multipart(part("f", b"\0", filename="a.bin")), MULTIPART)
    assert form.files("f")[0].read() == b"\0"


async def test_the_number_of_fields_and_files_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_FIELDS", 40)
    monkeypatch.setattr(forms, "MAX_FILES", 2)
    names = [f"f{number}" for number in range(41)]
    assert len(await read("&".join(f"{name}=1" for name in names[:40]).encode())) == 40
    assert (await refusal("&".join(f"{name}=1" for name in names).encode())).key == "too_many_fields"
    fields = [part(name, b"1") for name in names]
    files = [part(name, b"1", filename="f") for name in "abc"]
    assert len(await read(multipart(*fields[:40], *files[:2]), MULTIPART, limit=9000)) == 40
    assert (await refusal(multipart(*fields), MULTIPART, limit=9000)).key == "broken_form"
    assert (await refusal(multipart(*files), MULTIPART, limit=9000)).key == "broken_form"


GOOD = multipart(part("a", b"1"), part("b", b"2"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (GOOD, "multipart/form-data"),
        (GOOD, "multipart/form-data; boundary="),
        (GOOD, "multipart/form-data; boundary=OTHER"),
        (GOOD, "multipart/form-data; boundary=" + "B" * 300),
        (GOOD, "multipart/form-data; boundary=\u00e9"),
        (b"", MULTIPART),
        (b"a=1", MULTIPART),
        (GOOD[:-4], MULTIPART),
        (GOOD[:-30], MULTIPART),
        (part("a", b"1"), MULTIPART),
        (b"--BOUND\r\n\r\n1\r\n--BOUND--\r\n", MULTIPART),
        (b"--BOUND\r\nContent-Disposition: form-data\r\n\r\n1\r\n--BOUND--\r\n", MULTIPART),
        (b"--BOUND\r\nContent Disposition: form-data; name=a\r\n\r\n1\r\n--BOUND--\r\n", MULTIPART),
        (b"--BOUND\r\nX: " + b"y" * 20000 + b"\r\n\r\n1\r\n--BOUND--\r\n", MULTIPART),
        (b"--BOUND\r\n" + b"X: y\r\n" * 2000 + b"\r\n1\r\n--BOUND--\r\n", MULTIPART),
        (b"--BOUNDX" + GOOD[7:], MULTIPART),
        (b"\xff" * 500, MULTIPART),
    ],
    ids=range(17),
)
async def test_a_broken_multipart_form_is_refused(body: bytes, kind: str) -> None:
    refused = await refusal(body, kind, limit=100_000)
    assert refused.status == 400
    assert refused.key in {"broken_form", "invalid_utf8"}


async def test_a_boundary_inside_a_value_ends_nothing() -> None:
    value = b"line\r\n--BOUN\r\n-- BOUND\r\n--boundary--\r\nBOUND--"
    assert (await read(multipart(part("a", value)), MULTIPART))["a"].encode() == value


@given(st.lists(st.binary(max_size=60), max_size=6))
async def test_any_body_is_read_or_refused(chunks: list[bytes]) -> None:
    for kind in (URLENCODED, MULTIPART):
        status = 200
        try:
            await read(Body(*chunks), kind, limit=200)
        except BadInput as refused:
            status = refused.status
        assert status in {200, 400, 413}


@given(st.integers(min_value=1, max_value=len(GOOD)))
async def test_chunks_may_be_cut_anywhere(size: int) -> None:
    chunks = [GOOD[at : at + size] for at in range(0, len(GOOD), size)]
    assert dict(await read(Body(*chunks), MULTIPART)) == {"a": "1", "b": "2"}


async def test_a_full_disk_is_said_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(_self: UploadFile, _data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(UploadFile, "write", full)
    refused = await refusal(multipart(part("f", b"1", filename="f")), MULTIPART)
    assert (refused.key, refused.status) == ("disk_full", 507)


async def test_a_form_survives_being_kept() -> None:
    body = multipart(
        part("_h", b"secret"),
        part("to", "z\u00f6e".encode()),
        part("f", bytes(range(256)), filename="f.bin", kind="x/y"),
    )
    form = await read(body, MULTIPART, limit=5000)
    again = unpack(pack(form, skip=("_h",)))
    assert dict(again) == {"to": "z\u00f6e"}
    (upload,) = again.files("f")
    assert (upload.filename, upload.content_type, upload.size) == ("f.bin", "x/y", 256)
    assert upload.read() == bytes(range(256))
    form.close()
    again.close()
