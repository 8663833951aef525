"""`hsp check` as a whole: one answer about everything, exit code 0 or 1."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hsp.cli import app
from tests.support.dovecot import DovecotServer
from tests.support.redis_server import RedisServer, free_port


@pytest.fixture
def config(tmp_path: Path, dovecot: DovecotServer, redis_server: RedisServer) -> Path:
    path = tmp_path / "hsp.toml"
    path.write_text(
        f"""
[server]
dataDir = "data"
[server.redis]
url = "{redis_server.url}"
[[domains]]
name = "demo.test"
imap = "in"
smtp = "out"
[upstreams.in]
kind = "imap"
host = "127.0.0.1"
port = {dovecot.imaps_port}
caFile = "{dovecot.ca_file}"
[upstreams.out]
kind = "smtp"
host = "127.0.0.1"
port = {free_port()}
security = "none"
"""
    )
    return path


def check(*arguments: str | Path, code: int, given: str | None = None, **environ: str) -> str:
    result = CliRunner().invoke(app, ["check", *map(str, arguments)], input=given, env=environ)
    assert result.exit_code == code, result.output
    return result.output


def test_everything_is_told_and_one_problem_is_enough_for_1(config: Path) -> None:
    output = check("-c", config, code=1)
    assert "ok       upstream in, imap: speaks IMAP" in output
    assert "refuses connections" in output
    assert "warning  redis, ping: answers; it keeps no append-only file" in output
    assert "warning  database, schema" in output
    assert output.endswith("1 problem found\n")


def test_warnings_alone_are_0(config: Path) -> None:
    text = config.read_text()
    config.write_text(
        text[: text.index("[upstreams.out]")].replace('smtp = "out"', 'smtp = "in"').replace("demo.test", "*")
    )
    assert "speaks imap, not smtp" in check("-c", config, code=1)


def test_the_answer_as_json(config: Path) -> None:
    findings = json.loads(check("-c", config, "--json", code=1))
    assert {finding["subject"] for finding in findings} >= {"configuration", "redis", "upstream in", "upstream out"}
    assert {finding["state"] for finding in findings} == {"ok", "warning", "problem"}


def test_a_login_with_the_password_from_stdin(config: Path) -> None:
    output = check("-c", config, "--user", "alice@demo.test", code=1, given="demo\n")
    assert "upstream in, login: alice@demo.test can log in" in output
    output = check("-c", config, "--user", "alice@demo.test", code=1, given="wrong-one\n")
    assert "does not accept this user name and password (alice@demo.test)" in output
    assert "wrong-one" not in output


def test_a_wrong_configuration_is_a_finding(config: Path) -> None:
    config.write_text("[webmail]\npageSize = 1\n")
    assert f"PROBLEM  configuration, file: {config}:2: webmail.pageSize" in check("-c", config, code=1)


def test_redis_that_is_away_or_a_replica_is_a_problem(config: Path, own_redis_server: RedisServer) -> None:
    away = check("-c", config, code=1, HSP_SERVER__REDIS__URL="redis://127.0.0.1:1/0")
    assert "PROBLEM  redis, ping: Redis cannot be reached" in away
    variables = {"HSP_SERVER__REDIS__URL": own_redis_server.url, "HSP_SERVER__REDIS__TIMEOUT": "0.3"}
    own_redis_server.pause()
    try:
        assert "PROBLEM  redis, ping" in check("-c", config, code=1, **variables)
    finally:
        own_redis_server.resume()


def test_a_key_ring_others_can_read_is_a_problem(config: Path) -> None:
    CliRunner().invoke(app, ["keys", "create", "-c", str(config)])
    assert "ok       key ring, file" in check("-c", config, code=1)
    (config.parent / "data" / "keys.jsonl").chmod(0o644)
    assert "PROBLEM  key ring, file" in check("-c", config, code=1)


def test_a_migrated_database_is_in_order(config: Path) -> None:
    CliRunner().invoke(app, ["migrate", "-c", str(config)])
    assert "ok       database, schema: has the right tables" in check("-c", config, code=1)
