"""Log lines: one event, one line, nothing in it that opens anything."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from hsp.foundation.logs import configure, escape, get_logger, redact, security_event, security_line
from hsp.foundation.sealing import KeyRing
from hsp.sessions.keys import SessionKeys

KEYS = SessionKeys(KeyRing.generate())
PAIR = KEYS.new_pair()
KEY = KEYS.session_key(PAIR, cookieless=False)
BARE = KEYS.session_key(PAIR, cookieless=True)
BREAKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
Configure = Callable[..., io.StringIO]


@pytest.fixture
def log_to() -> Iterator[Configure]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def start(*, json: bool = False, level: str = "INFO") -> io.StringIO:
        stream = io.StringIO()
        configure(level, json, stream)
        return stream

    yield start
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("secret", [KEY, BARE, PAIR.cookie])
@pytest.mark.parametrize(
    "text",
    [
        "GET /mail.hsp?_h={}&folder=1",
        "GET /mail.hsp?folder=1&_h={}#top",
        "Cookie: a=b; _hmail={}; c=d",
        "{}",
        "key {} was refused",
        'page "{}"',
        "https%3A//x/%3F_h%3D{}",
    ],
)
def test_our_keys_are_redacted_wherever_they_stand(text: str, secret: str) -> None:
    shown = redact(text.format(secret))
    for part in secret.split("."):
        assert part not in shown


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("/?action=login&username=a&password=hunter2", "hunter2"),
        ("/callback?code=4/0Adeu5B&state=xyz123", "4/0Adeu5B"),
        ("/callback?code=4/0Adeu5B&state=xyz123", "xyz123"),
        ("{'password': 'hunter2'}", "hunter2"),
        ('{"access_token": "ya29.a0Af"}', "ya29.a0Af"),
        ("Authorization: Bearer eyJhbGciOi.J9", "eyJhbGciOi.J9"),
        ("authorization=Basic YWxpY2U6ZGVtbw==", "YWxpY2U6ZGVtbw"),
        ("_h=short", "short"),
        ("_hadmin=abc; _hapi=def", "def"),
    ],
)
def test_secrets_in_text_are_redacted(text: str, secret: str) -> None:
    assert secret not in redact(text)


@pytest.mark.parametrize("text", ["status code: 500", "the token expired", "path=/a_h_b", "a basic idea", "page=2&q=a"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("as_json", [False, True])
def test_secret_fields_are_redacted_at_any_depth(log_to: Configure, *, as_json: bool) -> None:
    stream = log_to(json=as_json)
    get_logger("test").info(
        "request",
        password="hunter2",
        headers={
            "Cookie": "x=hunter2",
            "Set-Cookie": "y=hunter2",
            "authorization": "hunter2",
            "hsp-session": "hunter2",
        },
        _h="hunter2",
        url=f"/mail.hsp?_h={KEY}",
        listed=[{"client_secret": "hunter2"}, f"_hmail={PAIR.cookie}"],
        folder=7,
    )
    logging.getLogger("library").warning("sent %s", f"_h={KEY}")
    shown = stream.getvalue()
    assert "hunter2" not in shown
    assert PAIR.id not in shown
    assert PAIR.twin not in shown
    assert "folder" in shown
    assert len(shown.splitlines()) == 2


def test_a_traceback_is_redacted_and_stays_on_its_line(log_to: Configure) -> None:
    stream = log_to()
    try:
        raise ValueError(f"bad url /?_h={KEY}")
    except ValueError:
        get_logger("test").exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert "ValueError" in line
    assert PAIR.id not in line


@given(st.text(max_size=60))
def test_a_line_stays_a_line(text: str) -> None:
    assert not BREAKS.search(escape(text))
    line = security_line({"event": "login_failed", "address": text, "account": text, "reason": text})
    assert not BREAKS.search(line)
    assert line.isprintable() or not any(character in line for character in "\n\r\v\f\x1c\x1d\x1e\x85")


@pytest.mark.parametrize(
    "hostile",
    [
        "x\nhsp-security event=login_failed address=198.51.100.1",
        "x\r\n2026-01-01 [info] all is well",
        'x" address=198.51.100.1 event="login_succeeded',
        "x\\",
        'x\\" address=198.51.100.1',
        "x address=198.51.100.1",
        "\x1b[2J\x1b[31m",
        "\u202eevil",
        "x\u2028y",
    ],
)
def test_sc09_an_account_cannot_forge_a_line_a_field_or_a_terminal_command(log_to: Configure, hostile: str) -> None:
    stream = log_to()
    security_event("login_failed", address="203.0.113.9", account=hostile, reason="bad_credentials")
    (line,) = stream.getvalue().splitlines()
    assert not BREAKS.search(line)
    fields = re.fullmatch(
        r'\S+ hsp-security event=login_failed address=(\S+) account="((?:[^"\\]|\\.)*)" reason=bad_credentials', line
    )
    assert fields is not None, line
    assert fields[1] == "203.0.113.9"


def test_the_security_line_is_as_documented(log_to: Configure) -> None:
    for as_json in (False, True):
        stream = log_to(json=as_json)
        security_event("login_failed", address="203.0.113.9", account="alice@x", reason="bad_credentials")
        assert "event=login_failed address=203.0.113.9 account=" in stream.getvalue()
    assert (
        security_line({"event": "e", "address": "::1", "account": "a"})
        == 'hsp-security event=e address=::1 account="a"'
    )


def test_json_lines_are_json(log_to: Configure) -> None:
    stream = log_to(json=True)
    get_logger("test").warning("full\ndisk", path="/x", free=0)
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["logger"], told["free"]) == ("full\ndisk", "warning", "test", 0)


def test_the_level_holds_for_us_and_for_libraries(log_to: Configure) -> None:
    stream = log_to(level="warning")
    get_logger("test").info("quiet")
    logging.getLogger("library").info("quiet")
    get_logger("test").warning("loud")
    assert stream.getvalue().count("\n") == 1


def test_configuring_again_replaces_the_former_stream(log_to: Configure) -> None:
    first, second = log_to(), log_to()
    get_logger("test").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_sc32_before_logging_is_configured_a_traceback_shows_no_variables() -> None:
    program = """
from hsp.foundation.logs import get_logger
import logging
logging.basicConfig(level=logging.DEBUG)
def fail(password):
    try:
        raise ValueError("broken")
    except ValueError:
        get_logger("x").exception("defect")
fail("canary-4711")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert "ValueError: broken" in done.stderr
    assert "canary-4711" not in done.stdout + done.stderr.replace('fail("canary-4711")', "")
