"""The demonstration as a process: its one line, its children, and that none of them outlives it."""

import os
import re
import signal
import socket
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest

from tests.support.demo_process import Visitor, all_ended, below, command_of, demo, watched

READY = re.compile(r"ready http://127\.0\.0\.1:\d+/ alice@demo\.test bob@demo\.test password: demo\n\Z")


def test_one_line_says_that_it_is_ready_and_the_page_answers(tmp_path: Path) -> None:
    with demo("--port", "0", cwd=tmp_path) as running:
        assert READY.match(running.line)
        listed = Visitor(running.url).log_in("alice@demo.test")
        assert listed.count("data-mail-id") == 50
        running.process.terminate()
        assert running.process.wait(60) == 0
        assert running.process.stdout is not None
        assert running.process.stdout.read() == ""


@pytest.mark.slow
@pytest.mark.parametrize(("account", "least"), [("alice@demo.test", 150), ("bob@demo.test", 12)])
def test_every_seeded_message_opens_in_the_webmail(account: str, least: int, tmp_path: Path) -> None:
    with demo("--port", "0", cwd=tmp_path) as running:
        visitor = Visitor(running.url)
        folders = dict.fromkeys(re.findall(r'data-folder-id="([^"]+)"', visitor.log_in(account)))
        opened = [mail for folder in folders for mail in _mails(visitor, folder)]
        for mail in opened:
            page = visitor.get(f"/message.hsp?id={mail}&_h={visitor.key}")
            for frame in re.findall(r'<iframe[^>]*src="([^"]+)"', page):
                visitor.get(unescape(frame))
        assert len(opened) >= least


def _mails(visitor: Visitor, folder: str) -> list[str]:
    found: dict[str, None] = {}
    for number in range(1, 20):
        page = visitor.get(f"/mail.hsp?folder={folder}&page={number}&_h={visitor.key}")
        before = len(found)
        found |= dict.fromkeys(re.findall(r'data-mail-id="([^"]+)"', page))
        if len(found) == before:
            break
    return list(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_no_child_outlives_its_parent(number: signal.Signals, tmp_path: Path) -> None:
    with demo("--port", "0", cwd=tmp_path) as running:
        children = running.children()
        commands = " ".join(command_of(pid) for pid in children)
        assert all(name in commands for name in ("valkey-server", "imap_server", "smtp_server"))
        with watched(children) as handles:
            running.process.send_signal(number)
            assert all_ended(handles)
        assert running.process.wait(60) == (-signal.SIGKILL if number == signal.SIGKILL else 0)
    assert list(tmp_path.glob("hsp-demo-*")) == []


def test_children_started_a_moment_before_the_parent_dies_end_too(tmp_path: Path) -> None:
    """The parent dies before its children had time to tie themselves to it."""
    script = (
        "import os, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-P', '-m', 'hsp.demo.smtp_server', str(os.getpid()), '9', '1'],"
        " stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)\n"
        "print(child.pid, flush=True)\n"
        "sys.stdin.readline()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent.parent)}
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent, watched([int(parent.stdout.readline())]) as handles:
        parent.stdin.write("\n")
        parent.stdin.flush()
        parent.wait(60)
        assert all_ended(handles)


@pytest.mark.parametrize("name", ["valkey-server unixsocket", "hsp.demo.imap_server", "hsp.demo.smtp_server"])
def test_a_killed_child_is_started_again_and_the_log_says_so(name: str, tmp_path: Path) -> None:
    with demo("--port", "0", cwd=tmp_path) as running:
        victim = next(pid for pid in running.children() if name in command_of(pid))
        with watched([victim]) as handles:
            os.kill(victim, signal.SIGKILL)
            assert all_ended(handles)
        assert running.process.stderr is not None
        while "starting it again" not in (line := running.process.stderr.readline()):
            assert line, "the demonstration ended instead"
        # A port of the submission server belongs to the parent: connecting waits for the new child.
        while not any(name in command_of(pid) for pid in _living(running.process.pid) if pid != victim):
            assert running.process.poll() is None
        running.process.terminate()
        assert running.process.wait(60) == 0


def _living(pid: int) -> list[int]:
    try:
        return [child for child in below(pid) if Path(f"/proc/{child}/cmdline").exists()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def test_the_default_port_gives_way_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", 8800))
            taken.listen()
        except OSError:
            assert True  # somebody else's server makes the same point
        with demo(cwd=tmp_path) as running:
            assert READY.match(running.line)
            assert ":8800/" not in running.url
            assert "port 8800 is taken" in running.close()


def test_a_port_that_was_asked_for_is_not_exchanged(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        with demo("--port", port, cwd=tmp_path) as running:
            assert running.line == ""
            assert running.process.wait(60) == 1
            assert f"port {port}" in running.close()


def test_what_is_kept_goes_into_the_folder_that_was_named(tmp_path: Path) -> None:
    with demo("--port", "0", "--data-dir", "kept", cwd=tmp_path) as running:
        running.process.terminate()
        assert running.process.wait(60) == 0
    kept = tmp_path / "kept"
    assert (kept / "hsp.sqlite3").exists()
    assert (kept / "keys.jsonl").stat().st_mode & 0o077 == 0
