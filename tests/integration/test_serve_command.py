"""`hsp serve` as a process: it says when it is ready, ends in good order, and explains why it cannot start."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support.redis_server import RedisServer

SERVE = [sys.executable, "-c", "from hsp.cli import main; main()", "serve", "--config"]


@pytest.fixture
def config(tmp_path: Path, redis_server: RedisServer) -> Path:
    path = tmp_path / "hsp.toml"
    path.write_text(
        f"""
[server]
dataDir = "data"
[server.redis]
url = "{redis_server.url}"
namespace = "serve-test"
[[webmail.listeners]]
address = "127.0.0.1:0"
[[webmail.listeners]]
address = "127.0.0.1:0"
[[domains]]
name = "demo.test"
imap = "in"
smtp = "out"
[upstreams.in]
kind = "imap"
host = "127.0.0.1"
security = "none"
[upstreams.out]
kind = "smtp"
host = "127.0.0.1"
security = "none"
"""
    )
    return path


@contextmanager
def serving(config: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The process and the addresses it announced."""
    process = subprocess.Popen(
        [*SERVE, str(config)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("ready "):
            process.kill()
            pytest.fail(f"{line}{process.communicate()[1]}")
        yield process, line.split()[1:]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_every_listener_until_it_is_told_to_stop(config: Path, number: signal.Signals) -> None:
    with serving(config) as (process, urls):
        assert len(urls) == 2
        for url in urls:
            with urlopen(f"{url}/", timeout=20) as answer:
                assert answer.status == 200
                assert answer.headers["server"] is None
        process.send_signal(number)
        assert process.wait(30) == 0
    assert (config.parent / "data" / "keys.jsonl").stat().st_mode & 0o077 == 0
    assert (config.parent / "data" / "hsp.sqlite3").is_file()


def run(config: Path, **environ: str) -> tuple[int, str]:
    result = subprocess.run(
        [*SERVE, str(config)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environ},
        cwd=Path(__file__).parents[2],
    )
    return result.returncode, result.stderr


def test_a_taken_address_is_said_and_ends_with_1(config: Path) -> None:
    with serving(config) as (_, urls):
        taken = urls[0].removeprefix("http://")
        code, words = run(config, HSP_WEBMAIL__LISTENERS__0__ADDRESS=taken)
    assert code == 1
    assert f"{taken}: another program listens there already" in words
    assert "Traceback" not in words


def test_a_key_ring_others_can_read_stops_the_start(config: Path) -> None:
    ring = config.parent / "data" / "keys.jsonl"
    ring.parent.mkdir()
    ring.write_text("{}\n")
    ring.chmod(0o644)
    code, words = run(config)
    assert (code, "readable by others" in words, "Traceback" in words) == (1, True, False)
