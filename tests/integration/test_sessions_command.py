"""`hsp sessions`: what the operator sees and ends is what the gateway keeps."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hsp.cli import app
from hsp.foundation.clock import SystemClock
from hsp.foundation.redis import connect
from hsp.foundation.sealing import KeyRing
from hsp.protocols.credentials import Credential
from hsp.sessions import RedisSessionStore, Sessions
from tests.support.redis_server import RedisServer

NAMESPACE = "sessions-command"


@pytest.fixture
def config(tmp_path: Path, redis_server: RedisServer) -> Path:
    path = tmp_path / "hsp.toml"
    path.write_text(
        f"[server]\nkeyRingFile = '{tmp_path}/keys.jsonl'\n"
        f"[server.redis]\nurl = '{redis_server.url}'\nnamespace = '{NAMESPACE}'\n"
    )
    KeyRing.load(tmp_path / "keys.jsonl", create=True)
    return path


def log_in(config: Path, url: str, account: str) -> None:
    async def start() -> None:
        client = connect(url)
        ring = KeyRing.load(config.parent / "keys.jsonl")
        sessions = Sessions(RedisSessionStore(client, namespace=NAMESPACE), ring, SystemClock())
        credential = Credential("password", account, "hunter2")
        place = {"surface": "webmail", "virtual_host": "", "device": "Firefox", "address": "203.0.113.9"}
        await sessions.start(account=account, credential=credential, **place)
        await client.aclose()

    asyncio.run(start())


def hsp(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_sessions_are_listed_and_ended(config: Path, redis_server: RedisServer) -> None:
    for account in ("alice@demo.test", "alice@demo.test", "bob@demo.test"):
        log_in(config, redis_server.url, account)
    listed = hsp("sessions", "list", "alice@demo.test", "-c", config)
    assert "203.0.113.9" in listed
    assert listed.endswith("2 sessions of alice@demo.test\n")
    assert "hunter2" not in listed
    assert len(json.loads(hsp("sessions", "list", "alice@demo.test", "--json", "-c", config))) == 2
    assert hsp("sessions", "kill", "alice@demo.test", "-c", config) == "ended 2 sessions of alice@demo.test\n"
    assert hsp("sessions", "list", "alice@demo.test", "-c", config) == "0 sessions of alice@demo.test\n"
    assert "1 session of bob@demo.test" in hsp("sessions", "list", "bob@demo.test", "-c", config)


def test_an_account_is_found_however_it_is_written(config: Path, redis_server: RedisServer) -> None:
    log_in(config, redis_server.url, "carol@demo.test")
    assert "1 session of carol@demo.test" in hsp("sessions", "kill", " Carol@Demo.TEST ", "-c", config)
