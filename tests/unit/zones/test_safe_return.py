"""Where a login may lead: to a page of ours in its one spelling (class SC-31)."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.zones.paths import MAX_RETURN, safe_return

HOSTILE = [
    "",
    "mail.hsp",
    "//evil.test",
    "//evil.test/mail.hsp",
    "///evil.test",
    "////evil.test/mail.hsp",
    "/\\evil.test",
    "\\\\evil.test",
    "\\/evil.test",
    "/\\/evil.test",
    "/\\\\evil.test",
    "/\t/evil.test",
    "\t//evil.test",
    "/\n/evil.test",
    "/\r\n/evil.test",
    "/mail.hsp\r\nSet-Cookie: a=b",
    "/mail.hsp\n",
    "/mail.hsp?q=\r\nLocation: //evil.test",
    " //evil.test",
    "/ /evil.test",
    "/.//evil.test",
    "/..//evil.test",
    "/%2f/evil.test",
    "/%2fevil.test",
    "/%5cevil.test",
    "/%09/evil.test",
    "/%0d%0a/evil.test",
    "/%252f%252fevil.test",
    "/%c0%af/evil.test",
    "/\xc0\xaf/evil.test",
    "/\uff0f/evil.test",
    "\uff0f\uff0fevil.test",
    "/\u2044/evil.test",
    "/\0/evil.test",
    "http://evil.test",
    "https://evil.test/mail.hsp",
    "HTTPS://evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "javascript:alert(1)",
    "/javascript:alert(1)",
    "data:text/html,x",
    "/@evil.test",
    "@evil.test",
    "//user@evil.test",
    "http://own.test@evil.test/",
    "/mail.hsp@evil.test",
    "/mail.hsp#@evil.test",
    "/mail.hsp#x",
    ".evil.test",
    "/.evil.test",
    ":443",
    "/mail.hsp/../../evil",
    "/MAIL.HSP",
    "/mail.hsp/",
    "/mail.hsp;x",
    "/static/x.js",
    "/capability/abc",
    "/mail.hsp?q=<script>",
    '/mail.hsp?q="',
    "/mail.hsp?q=a b",
    "/mail.hsp?q=\\",
    "/mail.hsp?q=\u00e9",
    "/mail.hsp?a=%ff",
    "/mail.hsp?a=%c0%af",
    "?q=1",
    "#",
]


def test_the_controls_pass() -> None:
    assert safe_return("/") == "/"
    assert safe_return("/mail.hsp") == "/mail.hsp"
    assert safe_return("/mail.hsp?folder=1_2&page=3&q=from%3Abob") == "/mail.hsp?folder=1_2&page=3&q=from%3Abob"
    assert safe_return("/compose.hsp?to=a%40b.test") == "/compose.hsp?to=a%40b.test"


@pytest.mark.parametrize("target", HOSTILE, ids=repr)
def test_sc31_hostile_targets_lead_to_the_start_page(target: str) -> None:
    assert safe_return(target) == "/"


def test_an_address_inside_the_query_stays_data() -> None:
    back = safe_return("/mail.hsp?q=%0d%0aLocation%3A%20%2F%2Fevil.test")
    assert back.startswith("/mail.hsp?q=%0D%0A")
    assert "\n" not in back


@pytest.mark.parametrize("name", ["_h", "action", "username", "password", "m", "login", "return"])
def test_secrets_special_requests_and_messages_are_taken_out(name: str) -> None:
    assert safe_return(f"/mail.hsp?{name}=x&page=2&{name}=y") == "/mail.hsp?page=2"
    assert safe_return(f"/mail.hsp?{name.replace('_', '%5f')[:-1]}%{ord(name[-1]):02x}=x") == "/mail.hsp"


def test_length_and_number_of_fields_are_limited() -> None:
    longest = "/mail.hsp?q=" + "a" * (MAX_RETURN - len("/mail.hsp?q="))
    assert safe_return(longest) == longest
    assert safe_return(longest + "a") == "/"
    assert safe_return("/mail.hsp?" + "&".join(["a=1"] * 51)) == "/"


@given(st.text(max_size=60))
def test_any_text_leads_to_a_path_of_ours(target: str) -> None:
    _holds(safe_return(target))


@given(st.text(alphabet="/\\.:@?&=%#;_hmailspvtc0aA25dF\t\r\n ", max_size=60))
def test_texts_that_look_like_addresses_lead_to_a_path_of_ours(target: str) -> None:
    _holds(safe_return("/" + target))
    _holds(safe_return("/mail.hsp?" + target))


def _holds(back: str) -> None:
    parts = urlsplit(back)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("", "", "")
    assert parts.path == "/" or (
        parts.path.startswith("/") and parts.path.count("/") == 1 and parts.path.endswith(".hsp")
    )
    assert back.isascii()
    assert back.isprintable()
    assert "\\" not in back
    assert not {"_h", "action", "password"} & {name for name, _ in parse_qsl(parts.query)}
    assert safe_return(back) == back or len(back) > MAX_RETURN
