"""Every documented range holds at its boundaries, and every key is documented."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from hsp.config import Settings, load_settings
from hsp.config.context import Context
from hsp.config.reference import hidden, reference, show
from hsp.config.tree import allowed, documented, shape
from tests.support.settings_tree import all_settings

ROOT = Path(__file__).parents[3]
RANGED = [(model, name, info) for model, name, info in all_settings() if allowed(info).high is not None]

# name: lowest and highest value of the WEBMAIL and listener contexts, as the vendor documents them
DOCUMENTED = {
    "maxErrors": (0, 100),
    "maxAuthErrors": (0, 100),
    "sessionIdleTimeout": (0, 604800),
    "sessionActivityTimeout": (0, 604800),
    "httpHeadersMaxSize": (16, 10240),
    "httpBodyMaxSize": (16, 163840),
    "uploadMaxSize": (16, 1048576),
    "sendMailDelay": (0, 30),
    "idleTimeout": (0, 86400),
    "maxConnections": (1, 2048),
}


def value_checker(info: FieldInfo) -> TypeAdapter[object]:
    return TypeAdapter(info.rebuild_annotation())


@pytest.mark.parametrize(("model", "name", "info"), RANGED, ids=[f"{m.__name__}.{n}" for m, n, _ in RANGED])
def test_a_range_holds_at_its_boundaries(model: type[Context], name: str, info: FieldInfo) -> None:
    may = allowed(info)
    assert may.low is not None
    assert may.high is not None
    checker = value_checker(info)
    unit = 1 if info.annotation is int else 0.01
    for value in (may.low, may.high):
        assert checker.validate_python(value) == value
    for value in (may.low - unit, may.high + unit):
        with pytest.raises(ValidationError):
            checker.validate_python(value)


def test_the_vendor_s_ranges_are_kept() -> None:
    found = {}
    for model, name, info in RANGED:
        if model.__name__ in ("Webmail", "Listener"):
            found[documented(name, info)] = (allowed(info).low, allowed(info).high)
    assert {name: found[name] for name in DOCUMENTED} == DOCUMENTED


def test_every_number_has_a_range() -> None:
    free = [name for _, name, info in all_settings() if info.annotation in (int, float) and not allowed(info).range]
    assert free == []


def test_every_setting_has_one_sentence() -> None:
    for _, name, info in all_settings():
        assert info.description, name
        assert info.description.endswith("."), name


def test_every_key_is_documented_and_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    for _, name, info in all_settings():
        if shape(info.annotation)[1] is None:
            assert f"| `{documented(name, info)}` |" in page, name
    assert page == reference(), "write it again: hsp config docs > docs/configuration.md"


def test_the_page_names_no_key_that_does_not_exist() -> None:
    keys = {documented(name, info) for _, name, info in all_settings()}
    page = (ROOT / "docs" / "configuration.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) <= keys


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_every_example_loads(path: Path) -> None:
    assert load_settings(path, {}).domains


def test_there_are_examples() -> None:
    assert len(list((ROOT / "docs" / "examples").glob("*.toml"))) >= 3


def test_what_is_shown_hides_secrets_and_nothing_else() -> None:
    environ = {
        "HSP_SERVER__REDIS__URL": "rediss://app:hunter2@redis.example:6380/1",
        "HSP_SERVER__DATABASE__URL": "postgresql+asyncpg://hsp:hunter3@db.example/hsp?password=hunter4&x=1",
    }
    shown = show(load_settings(None, environ))
    assert "hunter" not in str(shown)
    server = shown["server"]
    assert isinstance(server, dict)
    assert server["redis"]["url"] == "rediss://***@redis.example:6380/1"
    assert server["database"]["url"] == "postgresql+asyncpg://***@db.example/hsp?password=***&x=1"
    assert set(shown) == {documented(name, info) for name, info in Settings.model_fields.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:a@b@host/0", "redis://***@host/0"),
        ("unix:///run/redis.sock?password=x", "unix:///run/redis.sock?password=***"),
        ("sqlite+aiosqlite:////var/lib/x", "sqlite+aiosqlite:////var/lib/x"),
    ],
)
def test_hidden(text: str, expected: str) -> None:
    assert hidden(text) == expected
