"""The `hsp` command from outside: words, exit codes, and what it must not say."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hsp import __version__
from hsp.cli import app
from hsp.config.reference import reference

GOOD = """
[server]
dataDir = "data"
[[domains]]
name = "example.com"
imap = "in"
smtp = "out"
[upstreams.in]
kind = "imap"
host = "127.0.0.1"
[upstreams.out]
kind = "smtp"
host = "127.0.0.1"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "hsp.toml"
    path.write_text(GOOD)
    return path


def hsp(*arguments: str | Path, code: int = 0, **environ: str) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=environ)
    assert result.exit_code == code, result.output
    return result.output


def test_version() -> None:
    assert hsp("version") == f"hsp {__version__}\n"


def test_every_command_says_what_it_does() -> None:
    text = hsp("--help")
    for command in ("serve", "check", "migrate", "demo", "keys", "config", "sessions", "version"):
        assert command in text
        assert "--help" in hsp(command, "--help")


@pytest.mark.parametrize(
    "command", [("serve",), ("config", "show"), ("keys", "list"), ("sessions", "list", "a@b.example")]
)
def test_a_wrong_configuration_is_told_in_full_and_ends_with_1(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "hsp.toml"
    path.write_text("[webmail]\npageSize = 1\nsendMailDelay = 31\n")
    output = hsp(*command, "--config", path, code=1)
    assert f"{path}:2: webmail.pageSize: must be whole number, 10 to 200, not 1" in output
    assert f"{path}:3: webmail.sendMailDelay: must be whole number, 0 to 30 seconds, not 31" in output
    assert "Traceback" not in output


def test_config_show_tells_the_values_in_force_without_secrets(config: Path) -> None:
    output = hsp(
        "config",
        "show",
        "-c",
        config,
        HSP_SERVER__REDIS__URL="redis://:hunter2@r.example/0",
        HSP_WEBMAIL__PAGESIZE="20",
    )
    shown = json.loads(output)
    assert shown["webmail"]["pageSize"] == 20
    assert shown["server"]["redis"]["url"] == "redis://***@r.example/0"
    assert "hunter2" not in output


def test_config_docs_writes_the_reference() -> None:
    assert hsp("config", "docs") == reference()


def test_the_configuration_file_may_come_from_the_environment(config: Path) -> None:
    assert json.loads(hsp("config", "show", HSP_CONFIG=str(config)))["domains"][0]["name"] == "example.com"


def test_keys_from_creation_to_rotation(config: Path) -> None:
    assert "No such file" in hsp("keys", "list", "-c", config, code=1)
    created = hsp("keys", "create", "-c", config)
    ring = config.parent / "data" / "keys.jsonl"
    assert ring.stat().st_mode & 0o777 == 0o600
    assert "exists already" in hsp("keys", "create", "-c", config, code=1)
    first = created.split()[-1]
    assert "signs and seals" in hsp("keys", "rotate", "-c", config)
    newest, older = hsp("keys", "list", "-c", config).splitlines()
    assert newest.endswith("signs and seals")
    assert older.startswith(first)
    assert "retired" in older
    secrets = [json.loads(line)["secret"] for line in ring.read_text().splitlines()]
    assert not any(secret in hsp("keys", "list", "-c", config) for secret in secrets)


def test_a_key_ring_others_can_read_is_refused(config: Path) -> None:
    hsp("keys", "create", "-c", config)
    (config.parent / "data" / "keys.jsonl").chmod(0o644)
    assert "readable by others" in hsp("keys", "list", "-c", config, code=1)


def test_sessions_without_redis_say_so(config: Path) -> None:
    hsp("keys", "create", "-c", config)
    variables = {"HSP_SERVER__REDIS__URL": "redis://127.0.0.1:1/0", "HSP_SERVER__REDIS__TIMEOUT": "0.2"}
    output = hsp("sessions", "list", "alice@example.com", "-c", config, code=1, **variables)
    assert "Redis cannot be reached" in output
    assert "Traceback" not in output


def test_migrate_makes_the_tables_and_may_be_repeated(config: Path) -> None:
    for _ in range(2):
        assert "tables of this version" in hsp("migrate", "-c", config)
    assert (config.parent / "data" / "hsp.sqlite3").is_file()
