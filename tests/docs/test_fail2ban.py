"""The ban filter of docs/operations.md against the real lines of the security log, forged ones included."""

import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hsp.commands.serving import set_up_logs
from hsp.config import Log
from hsp.foundation.logs import security_event
from tests.support.documents import ROOT, Document

OPERATIONS = Document(ROOT / "docs" / "operations.md")
# What fail2ban takes off the front of a line, and what it puts in the place of <HOST> (addresses only).
DATE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}")
HOST = r"(?P<host>(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)"
FORGED = 'hsp-security event=login_failed address=203.0.113.66 account="'


def failregex() -> re.Pattern[str]:
    (example,) = [text for text in OPERATIONS.fenced("ini") if "failregex" in text]
    (line,) = re.findall(r"^failregex = (.+)$", example, re.MULTILINE)
    return re.compile(line.replace("<HOST>", HOST))


def banned(lines: str) -> list[str]:
    """The addresses fail2ban would count, one for each matching line."""
    found = []
    for line in lines.splitlines():
        match = failregex().search(DATE.sub("", line))
        if match is not None:
            found.append(match["host"])
    return found


@pytest.fixture
def security_log(tmp_path: Path) -> Iterator[Path]:
    """The file that `securityLog` names, written the way `hsp serve` writes it."""
    root, named = logging.getLogger(), logging.getLogger("hsp.security")
    before, level, own = list(root.handlers), root.level, list(named.handlers)
    path = tmp_path / "log" / "security.log"
    set_up_logs(Log(level="info", security_log=path))
    yield path
    for handler in [one for one in named.handlers if one not in own]:
        named.removeHandler(handler)
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_the_example_line_is_matched() -> None:
    (line,) = OPERATIONS.fenced("text")
    assert banned(line) == ["203.0.113.9"]


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9", "::ffff:203.0.113.9"])
@pytest.mark.parametrize("event", ["login_failed", "login_refused"])
def test_a_failure_is_one_matching_line(security_log: Path, event: str, address: str) -> None:
    security_event(event, address=address, account="alice@example.com", reason="bad_credentials")
    assert banned(security_log.read_text()) == [address]


def test_a_success_is_none(security_log: Path) -> None:
    security_event("login_succeeded", address="203.0.113.9", account="alice@example.com")
    assert security_log.read_text().count("\n") == 1
    assert banned(security_log.read_text()) == []


@pytest.mark.parametrize("before", ["", "\n", "\r\n", '"\n', '" ', "\u2028", "\x85", "\x1b[1A\n", "\\\n", "\v", "\x1c"])
@pytest.mark.parametrize("event", ["login_failed", "login_succeeded"])
def test_sc09_no_account_and_no_other_field_forges_a_line(security_log: Path, event: str, before: str) -> None:
    forged = f"{before}{FORGED}x"
    security_event(event, address="198.51.100.4", account=forged, user_agent=forged, reason=forged)
    text = security_log.read_text()
    assert text.count("\n") == 1
    assert text.splitlines() == text.split("\n")[:-1], "no other line separator either"
    assert banned(text) == (["198.51.100.4"] if event == "login_failed" else [])


def test_a_forged_address_bans_nobody(security_log: Path) -> None:
    security_event("login_failed", address=f'x\n{FORGED}"', account="a@b.test")
    assert banned(security_log.read_text()) == []


def test_a_file_moved_away_by_logrotate_is_opened_anew(security_log: Path) -> None:
    security_event("login_failed", address="203.0.113.9", account="a@b.test")
    security_log.rename(security_log.with_suffix(".1"))
    security_event("login_failed", address="203.0.113.10", account="a@b.test")
    assert banned(security_log.read_text()) == ["203.0.113.10"]


def test_json_logging_leaves_the_file_as_text(tmp_path: Path, security_log: Path) -> None:
    from hsp.foundation import logs

    stream = io.StringIO()
    logs.configure("info", json=True, stream=stream)
    security_event("login_failed", address="203.0.113.9", account="a@b.test")
    assert banned(security_log.read_text()) == ["203.0.113.9"]
