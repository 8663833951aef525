"""Promise 12: the documentation is true. What a page names exists, and what it shows works."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from hsp.cli import app
from hsp.config import Settings, load_settings
from hsp.config.reference import contexts
from hsp.config.tree import documented
from tests.support.documents import ROOT, Document, documents

PAGES = documents()
BY_NAME = {page.name: page for page in PAGES}
HAND_WRITTEN = [page for page in PAGES if page.name != "docs/configuration.md"]
HSP = re.compile(r"(?:^|(?:\./run|sudo) )hsp (?P<rest>[a-z].*)")
# Words in camel case that are no settings: fields of forms and answers, and other programs' own words.
NOT_SETTINGS = {"disableCookie", "rememberLogin", "sessionKey", "requestId"}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def setting_names() -> set[str]:
    models = [Settings, *(model for _, model in contexts(Settings, ""))]
    return {documented(name, info) for model in models for name, info in model.model_fields.items()}


# Links and files


def test_there_are_pages() -> None:
    expected = {"README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "docs/operations.md"}
    assert expected <= set(BY_NAME)


@each_page
def test_every_relative_link_leads_somewhere(page: Document) -> None:
    for link in page.links:
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.is_relative_to(ROOT), f"{page.name}: {link} leaves the repository"
        assert path.exists() or made_by_a_test(path), f"{page.name}: {link} leads nowhere"
        if anchor:
            assert anchor in Document(path).anchors, f"{page.name}: no heading for {link}"


def made_by_a_test(path: Path) -> bool:
    """The screenshots of the README are written by the browser suite; a fresh checkout may not have them yet."""
    name = path.relative_to(ROOT).as_posix()
    return name.startswith("docs/images/") and any(
        path.name in test.read_text() for test in (ROOT / "tests" / "browser").glob("*.py")
    )


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: page.name)
def test_every_file_that_is_named_exists(page: Document) -> None:
    for name in page.inline:
        path = name.partition("::")[0].rstrip("/")
        if re.fullmatch(r"(hsp|tests|docs|templates|static|bench|requirements|\.ci)/[\w./-]+", path):
            assert (ROOT / path).exists(), f"{page.name}: there is no {path}"


# Commands


def subcommands(command: Any) -> dict[str, Any]:
    """The commands of a group by name; none for a plain command."""
    return getattr(command, "commands", {})


def command_named(words: list[str]) -> Any:
    """The command of the `hsp` line; fails for one that does not exist."""
    command: Any = typer.main.get_command(app)
    for word in words:
        if not subcommands(command):
            break
        assert word in subcommands(command), f"there is no `hsp {' '.join(words)}`"
        command = subcommands(command)[word]
    assert not subcommands(command), f"`hsp {' '.join(words)}` is no whole command"
    return command


def hsp_lines(page: Document) -> list[str]:
    return [match["rest"] for line in page.commands if (match := HSP.match(line))]


@each_page
def test_every_hsp_command_that_is_named_exists_with_its_options(page: Document) -> None:
    for rest in hsp_lines(page):
        words = rest.split()
        command = command_named([word for word in words if not word.startswith("-")])
        options = {name for one in command.params for name in one.opts}
        for word in words:
            if word.startswith("-"):
                assert word in options | {"--help"}, f"{page.name}: hsp {rest} has no {word}"


def test_the_commands_are_seen_at_all() -> None:
    seen = {" ".join(rest.split()[:2]) for page in PAGES for rest in hsp_lines(page)}
    assert {"keys rotate", "keys create", "sessions kill", "config show", "check --config"} <= seen


def test_every_command_is_told_in_the_documents() -> None:
    told = " ".join(rest for page in PAGES for rest in hsp_lines(page)) + BY_NAME["README.md"].text
    for name, command in subcommands(typer.main.get_command(app)).items():
        inner = [f"{name} {sub}" for sub in subcommands(command)] or [name]
        for whole in inner:
            assert whole in told, f"no page tells of `hsp {whole}`"


@each_page
def test_every_chore_of_run_that_is_named_exists(page: Document) -> None:
    help_text = subprocess.run([ROOT / "run", "--help"], capture_output=True, text=True, check=True, timeout=30).stdout
    chores = set(re.findall(r"^  ([a-z-]+)", help_text, re.MULTILINE))
    assert {"demo", "test", "serve"} <= chores
    for line in page.commands:
        match = re.match(r"\./run ([a-z-]+)", line)
        assert match is None or match[1] in chores, f"{page.name}: {line}"


@pytest.mark.parametrize(
    "line", ["hsp version", "hsp config show --config hsp.toml", "hsp keys list --config hsp.toml"]
)
def test_harmless_commands_do_what_they_say(line: str, tmp_path: Path) -> None:
    (tmp_path / "hsp.toml").write_text(readme_example())
    ring = tmp_path / "keys.jsonl"
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "HSP_SERVER__DATA_DIR": str(tmp_path)}
    if "keys" in line:
        run_hsp("keys create --config hsp.toml", tmp_path, environ)
        assert ring.stat().st_mode & 0o777 == 0o600
    said = run_hsp(line.removeprefix("hsp "), tmp_path, environ)
    assert said
    assert "secret" not in said.lower()


def run_hsp(arguments: str, folder: Path, environ: dict[str, str]) -> str:
    call = [sys.executable, "-c", "from hsp.cli import main; main()", *arguments.split()]
    done = subprocess.run(call, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# Settings


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=lambda page: page.name)
def test_every_setting_that_is_named_exists(page: Document) -> None:
    names = setting_names()
    for name in page.inline:
        word = name.partition(" ")[0]
        if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)+", word):
            assert word in names | NOT_SETTINGS, f"{page.name}: there is no setting {word}"


def test_settings_are_seen_at_all() -> None:
    named = {name for page in HAND_WRITTEN for name in page.inline}
    assert {"publicUrls", "trustedProxies", "dataDir"} <= named & setting_names()


@each_page
def test_every_environment_variable_that_is_named_is_a_setting(page: Document) -> None:
    plain = {name.lower() for name in setting_names()}
    for variable in re.findall(r"\bHSP_[A-Z0-9_]+", page.text):
        if variable in {"HSP_CONFIG", "HSP_REQUIRE_ALL"}:
            continue
        last = variable.removeprefix("HSP_").lower().split("__")[-1].replace("_", "")
        assert last in plain, f"{page.name}: {variable}"


def readme_example() -> str:
    (example,) = BY_NAME["README.md"].fenced("toml")
    return example


@pytest.mark.parametrize("page", [page for page in HAND_WRITTEN if page.fenced("toml")], ids=lambda page: page.name)
def test_every_toml_example_loads(page: Document, tmp_path: Path) -> None:
    for number, example in enumerate(page.fenced("toml")):
        text = example if "[[domains]]" in example else merged(example)
        path = tmp_path / f"{number}.toml"
        path.write_text(text.replace('"/var/lib/hsp"', f'"{tmp_path}"'))
        settings = load_settings(path, {})
        assert settings.domains


def merged(fragment: str) -> str:
    """A fragment of a configuration below the README's whole one."""
    clash = set(tomllib.loads(fragment)["server"]) & set(tomllib.loads(readme_example())["server"])
    assert not clash
    return f"{readme_example()}\n{fragment}"


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "examples").glob("*.toml")), ids=lambda path: path.name)
def test_every_example_file_loads(path: Path) -> None:
    assert load_settings(path, {}).domains


# The security model and the changelog


def names_of_tests() -> list[str]:
    rows = [line for line in BY_NAME["docs/security-model.md"].text.splitlines() if line.startswith("|")]
    return [name for row in rows for name in re.findall(r"`(tests/[^`]+)`", row)]


def test_the_security_model_names_tests_for_every_promise_and_credential() -> None:
    section = BY_NAME["docs/security-model.md"].text.partition("## Who holds the promises")[2].partition("\n## ")[0]
    rows = [row for row in section.splitlines() if row.startswith("|") and "---" not in row]
    bare = [row for row in rows if "`tests/" not in row]
    assert [row.split("|")[1].strip() for row in bare] == ["promise", "credential"], "the two heads alone name none"
    kinds = BY_NAME["docs/security-model.md"].text.partition("## Credentials")[2].partition("\n## ")[0]
    for row in kinds.splitlines():
        kind = row.split("|")[1].strip() if row.startswith("|") else ""
        if kind and "---" not in row and kind != "kind":
            assert f"| {kind} |" in section, kind


@pytest.mark.parametrize("name", sorted(set(names_of_tests())))
def test_every_test_the_security_model_names_exists(name: str) -> None:
    file, _, function = name.partition("::")
    text = (ROOT / file).read_text()
    assert re.search(r"^(async )?def test_", text, re.MULTILINE)
    if function:
        assert re.search(rf"^(async )?def {function}\(", text, re.MULTILINE), name


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.+)$", BY_NAME["CHANGELOG.md"].text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    unreleased = BY_NAME["CHANGELOG.md"].text.partition("## Unreleased")[2].partition("\n## ")[0]
    assert re.search(r"^- \S", unreleased, re.MULTILINE)


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["version"]).output.startswith("hsp ")
