"""Messages, static files and headers: what a stranger gets to see."""

from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from hsp.zones.headers import NO_STORE, PAGE_CSP, harden, without_body
from hsp.zones.messages import TEXTS, Message, text
from hsp.zones.static import StaticFiles
from tests.support.spellings import SPELLINGS

pytestmark = pytest.mark.anyio

# Messages


def test_every_message_has_its_words() -> None:
    assert set(TEXTS) == set(Message)
    for message in Message:
        assert text(str(int(message))) == TEXTS[message]
    assert [int(message) for message in Message][:7] == [1, 2, 3, 4, 5, 6, 7]


CVE_2023_40355 = [
    "<script>alert(1)</script>",
    "'\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "1<svg/onload=alert(1)>",
    "1;alert(1)",
    "%3Cscript%3E",
    "{{7*7}}",
    "<%= 7 %>",
]


@pytest.mark.parametrize(
    "value",
    [
        *CVE_2023_40355,
        None,
        "",
        "0",
        "14",
        "99",
        "100",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1.0",
        "1e0",
        "0x1",
        "\u0661",
        "\u00b2",
        "1\n",
        "01a",
        "True",
    ],
)
def test_cve_2023_40355_what_is_no_index_is_no_text(value: str | None) -> None:
    assert text(value) == ""


# Static files


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    root = tmp_path / "static"
    (root / "css").mkdir(parents=True)
    (root / "css" / "a.css").write_text("a{}")
    (root / "icons.svg").write_text("<svg/>")
    (root / "bare").write_text("x")
    (root / ".hidden").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    return StaticFiles(root)


async def fetch(files: StaticFiles, raw_path: bytes, method: str = "GET") -> tuple[bool, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": method, "headers": [], "raw_path": raw_path, "query_string": b""}
    found = await files.answer(raw_path, scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]} if sent else {}
    return found, headers, b"".join(message.get("body", b"") for message in sent)


async def test_a_file_is_served_for_ever_under_the_name_of_its_content(files: StaticFiles) -> None:
    url = files.url("css/a.css")
    found, headers, body = await fetch(files, url.encode())
    assert (found, body, headers["content-type"]) == (True, b"a{}", "text/css; charset=utf-8")
    assert "immutable" in headers["cache-control"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "sandbox" in headers["content-security-policy"]
    head = await fetch(files, url.encode(), "HEAD")
    assert head == (True, headers, b"")


async def test_another_content_has_another_address(files: StaticFiles, tmp_path: Path) -> None:
    (tmp_path / "static" / "css" / "a.css").write_text("b{}")
    assert StaticFiles(tmp_path / "static").url("css/a.css") != files.url("css/a.css")
    assert (await fetch(files, files.url("css/a.css").encode()))[2] == b"a{}", "what was there at start is served"


async def test_no_path_leads_elsewhere(files: StaticFiles) -> None:
    url = files.url("css/a.css").encode()
    spellings = [
        b"/static/css/a.css",
        b"/static/",
        b"/static/../secret",
        b"/static/css/../" + url.removeprefix(b"/static/"),
        b"/static/%2e%2e/secret",
        b"/static/..%5csecret",
        b"/static/.hidden",
        b"/static//etc/passwd",
        url.upper(),
        url + b"/",
        url + b"\0",
        url.replace(b"/css/", b"/css%2f"),
        b"/" + url,
    ]
    for spelling in (*spellings, *SPELLINGS):
        assert not (await fetch(files, spelling))[0], spelling
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert not (await fetch(files, url, method))[0]


def test_a_file_that_is_not_there_is_the_developers_error(files: StaticFiles) -> None:
    for name in ("missing.css", ".hidden", "../secret"):
        with pytest.raises(KeyError):
            files.url(name)
    assert files.url("bare").startswith("/static/bare.")


def test_an_absent_folder_is_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        StaticFiles(tmp_path / "absent").url("a")


# Headers


def test_a_page_gets_every_header() -> None:
    response = Response("x")
    harden(response, cache="no-store", hsts="max-age=1")
    expected = {
        "content-security-policy": PAGE_CSP,
        "referrer-policy": "same-origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": NO_STORE,
        "pragma": "no-cache",
        "strict-transport-security": "max-age=1",
    }
    assert expected.items() <= dict(response.headers).items()


def test_what_a_handler_set_stands_and_is_not_sent_twice() -> None:
    own = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private",
        "X-Frame-Options": "SAMEORIGIN",
    }
    response = Response("x", headers=own)
    harden(response, cache="no-store")
    for name, value in own.items():
        assert response.headers.getlist(name) == [value]
    assert "strict-transport-security" not in response.headers


def test_a_page_that_may_be_cached_says_so() -> None:
    response = Response("x")
    harden(response, cache="private, max-age=60")
    assert response.headers["cache-control"] == "private, max-age=60"
    assert "pragma" not in response.headers


def test_the_policy_of_pages_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    directives = {part.split()[0]: part.split()[1:] for part in PAGE_CSP.split(";")}
    assert directives["default-src"] == ["'none'"]
    assert directives["frame-ancestors"] == directives["base-uri"] == ["'none'"]
    assert {source for sources in directives.values() for source in sources} == {"'none'", "'self'"}


async def test_the_answer_to_head_fetches_nothing() -> None:
    fetched = []

    async def pieces() -> Any:
        fetched.append(1)
        yield b"x"

    streamed = StreamingResponse(pieces(), media_type="text/plain", headers={"x-own": "1"})
    bare = await without_body(streamed)
    assert (bare.status_code, bare.body, fetched) == (200, b"", [])
    assert bare.headers["x-own"] == "1"
    assert bare.headers["content-type"].startswith("text/plain")
    plain = await without_body(Response("four", status_code=404))
    assert (plain.status_code, plain.body, plain.headers["content-length"]) == (404, b"", "4")
