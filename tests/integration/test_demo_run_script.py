"""The developer command: self-describing, quick once set up, and clear about what it does not know."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.demo_process import ROOT

CHORES = ("demo", "serve", "hsp", "test", "lint", "bench", "wheel", "lock")


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "run", *arguments],
        check=False, capture_output=True, text=True, timeout=100, env={**os.environ, **environment},
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [(), ("--help",), ("help",)])
def test_help_names_every_chore(arguments: tuple[str, ...]) -> None:
    answer = run(*arguments)
    assert answer.returncode == 0
    for chore in CHORES:
        assert re.search(rf"^  {chore}\b", answer.stdout, re.MULTILINE)


def test_an_unknown_chore_is_refused_with_the_list() -> None:
    answer = run("polish")
    assert answer.returncode == 1
    assert "no chore called polish" in answer.stderr
    assert "./run CHORE" in answer.stderr


def test_every_script_is_sound_shell() -> None:
    subprocess.run(["sh", "-n", ROOT / "run"], check=True, timeout=30)
    subprocess.run(["bash", "-n", ROOT / ".ci/run"], check=True, timeout=30)


def test_the_command_line_works_from_any_folder(tmp_path: Path) -> None:
    answer = subprocess.run(
        [ROOT / "run", "hsp", "version"], check=True, capture_output=True, text=True, timeout=100, cwd=tmp_path
    )
    assert answer.stdout.startswith("hsp ")


def test_an_interpreter_that_is_too_old_is_named_before_anything_is_made(tmp_path: Path) -> None:
    copy = tmp_path / "run"
    copy.write_text((ROOT / "run").read_text())
    copy.chmod(0o755)
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements/demo.lock").write_text("")
    old = tmp_path / "python-of-old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    answer = subprocess.run(
        [copy, "demo"], check=False, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHON": str(old)}
    )
    assert answer.returncode == 1
    assert "3.11 or newer" in answer.stderr
    assert not (tmp_path / ".venv").exists()


def test_no_lock_names_a_registry() -> None:
    for lock in (ROOT / "requirements").glob("*.lock"):
        text = lock.read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text
