"""The rules of the house (CONTRIBUTING): small modules, small functions, words for every public thing, clean templates.

Each limit is one number for the whole house; an exception is argued here, in words, or it is none.
"""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "hsp").rglob("*.py"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.hsp"))
LONGEST_MODULE = 500
SHORT = 5
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".hsp",
    ".css",
    ".js",
    ".toml",
    ".txt",
    ".sh",
    ".yml",
    ".yaml",
    ".html",
    ".svg",
    ".lock",
    ".in",
    "",
}
# Spelled in pieces, so that this file is not a finding of its own.
FORBIDDEN_PATHS = ("/" + "work/", "/" + "root/", "/home" + "/", "/tmp/" + "team", "/" + "Users/")
REGISTRIES = re.compile(
    r"https?://[^\s\"'<>]*(?:"
    + "|".join(["py" + "pi", "npm" + "js", "arti" + "factory", "nexus", "regis" + "try"])
    + ")",
    re.I,
)
FOREIGN_HOSTS_ALLOWED = ("pypi" + ".org/project",)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def functions() -> Iterator[tuple[Path, Function]]:
    for module in MODULES:
        for node in ast.walk(tree(module)):
            if isinstance(node, Function):
                yield module, node


def length(function: Function) -> int:
    """Lines of the body; the docstring is not counted, for words are no burden."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body and body[-1].end_lineno else 0


def name(module: Path) -> str:
    return str(module.relative_to(ROOT))


def committed() -> list[Path]:
    """What git knows of, the text files of it. An unpacked archive without git has nothing to check."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / entry.decode() for entry in listing.split(b"\0") if entry]
    return [file for file in files if file.suffix in TEXT_SUFFIXES and file.is_file()]


def test_there_is_a_house() -> None:
    assert len(MODULES) > 100
    assert len(TEMPLATES) > 10


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_no_module_is_longer_than_five_hundred_lines(module: Path) -> None:
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST_MODULE


def test_functions_are_small() -> None:
    lengths = sorted(length(function) for _, function in functions())
    assert statistics.median(lengths) <= 8
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_modules_are_small() -> None:
    lengths = [
        len(module.read_text(encoding="utf-8").splitlines()) for module in MODULES if module.name != "__init__.py"
    ]
    assert statistics.median(lengths) <= 130


def test_every_module_says_what_it_is_for() -> None:
    silent = [name(module) for module in MODULES if not (ast.get_docstring(tree(module)) or "").strip()]
    assert silent == []


def test_every_public_function_and_class_has_words() -> None:
    silent = [
        f"{name(module)}:{node.lineno} {node.name}"
        for module in MODULES
        for node in public(tree(module))
        if not ast.get_docstring(node)
    ]
    assert silent == []


def public(node: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes, and the public methods of public classes that need words.

    A method of a few lines is said by its name, and one that overrides another's is said by the one it overrides.
    """
    for child in node.body:
        if not isinstance(child, Function | ast.ClassDef) or child.name.startswith("_"):
            continue
        if isinstance(node, ast.Module) or (length(child) > SHORT if isinstance(child, Function) else True):
            yield child
        if isinstance(child, ast.ClassDef) and not child.bases:
            yield from public(child)


def test_nothing_prints() -> None:
    calls = [
        f"{name(module)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "breakpoint"}
    ]
    assert calls == []


def test_nothing_is_left_to_do() -> None:
    marks = re.compile(r"\b(?:TO" + "DO|FIX" + "ME|X" + "XX|HA" + r"CK)\b")
    found = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in committed()
        if file.suffix in {".py", ".hsp", ".css", ".js", ".sh", ".toml"}
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if marks.search(line)
    ]
    assert found == []


def test_no_file_names_a_path_of_somebodys_machine_or_a_registry() -> None:
    found = []
    for file in committed():
        text = file.read_text(encoding="utf-8", errors="replace")
        found += [f"{file.relative_to(ROOT)}: {path}" for path in FORBIDDEN_PATHS if path in text]
        found += [
            f"{file.relative_to(ROOT)}: {hit}"
            for hit in REGISTRIES.findall(text)
            if not hit.startswith(FOREIGN_HOSTS_ALLOWED)
        ]
    assert found == []


@pytest.mark.parametrize("marker", ["noqa", "type: ignore"])
def test_an_exception_from_the_rules_gives_its_reason(marker: str) -> None:
    bare = [
        f"{name(module)}:{number}"
        for module in MODULES
        for number, line in enumerate(module.read_text(encoding="utf-8").splitlines(), 1)
        if (found := re.search(rf"#\s*{marker}(.*)", line))
        and not re.search(r"\b[a-z]{2,}\b.*\b[a-z]{2,}\b", reason(found[1]))
    ]
    assert bare == []


def reason(after: str) -> str:
    """What stands after the codes of an exception."""
    return re.sub(r"^(?:\[[^\]]*\]|:?\s*[A-Z]+\d+,?)*", "", after)


def test_the_floors_hold() -> None:
    """A module imports only from lower floors, on one floor only leftwards (DESIGN section 3)."""
    pytest.importorskip("importlinter")
    linter = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


INLINE = [
    re.compile(r"<style\b", re.I),
    re.compile(r"<script\b(?![^>]*\bsrc=)", re.I),
    re.compile(r"\sstyle\s*=", re.I),
    re.compile(r"\son[a-z]+\s*=\s*[\"']", re.I),
    re.compile(r"javascript:", re.I),
    re.compile(r"\|\s*safe\b"),
    re.compile(r"<%-?\s*autoescape\s+false", re.I),
    re.compile(r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", re.I),
]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: str(template.relative_to(ROOT)))
def test_templates_hold_nothing_inline_and_nothing_from_elsewhere(template: Path) -> None:
    """The policy of pages has no unsafe-inline: what is inline would not work. Outside links come from data."""
    text = template.read_text(encoding="utf-8")
    assert [pattern.pattern for pattern in INLINE if pattern.search(text)] == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: str(template.relative_to(ROOT)))
def test_every_posted_form_of_a_private_page_carries_the_key(template: Path) -> None:
    if "private" not in template.parts:
        return
    for form in re.findall(r"<form\b.*?</form>", template.read_text(encoding="utf-8"), re.S | re.I):
        if re.search(r'method="?post', form, re.I):
            assert "_h" in form or "key()" in form, form[:200]
