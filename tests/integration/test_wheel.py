"""The wheel in an environment of its own, away from the checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_process import ROOT, Visitor, demo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([ROOT / "run", "wheel", folder], check=True, cwd=folder, timeout=300)
    (built,) = folder.glob("hsp_gateway-*.whl")
    return built


@pytest.fixture(scope="module")
def home(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment with the wheel; what it depends on is lent from the one the tests run in, the checkout is not."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, timeout=300)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    Path(where.stdout.strip(), "lent.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder


def test_the_wheel_carries_templates_and_static_files(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("templates", "static"):
        for file in (path for path in (ROOT / folder).rglob("*") if path.is_file()):
            assert f"hsp/_data/{file.relative_to(ROOT).as_posix()}" in names
    assert not any(name.startswith(("tests/", "bench/", "docs/")) for name in names)


def test_the_package_in_use_is_the_installed_one(home: Path) -> None:
    script = "import hsp, sys; print(hsp.__file__); print('\\n'.join(sys.path))"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    shown = subprocess.run(
        [home / "venv/bin/python", "-P", "-c", script],
        check=True, capture_output=True, text=True, timeout=60, cwd=home, env=environment,
    ).stdout.splitlines()  # fmt: skip
    assert shown[0].startswith(str(home))
    assert str(ROOT) not in shown


@pytest.mark.parametrize("account", ["alice@demo.test", "bob@demo.test"])
def test_the_installed_demo_can_be_used(home: Path, account: str) -> None:
    command = [str(home / "venv/bin/hsp"), "demo"]
    with demo("--port", "0", cwd=home, command=command, checkout=False) as running:
        assert running.line.startswith("ready http://127.0.0.1:")
        visitor = Visitor(running.url)
        assert "data-mail-id" in visitor.log_in(account)
        running.process.terminate()
        assert running.process.wait(60) == 0


def test_the_installed_serve_explains_what_it_lacks(home: Path) -> None:
    answer = subprocess.run(
        [home / "venv/bin/hsp", "serve", "--config", "missing.toml"],
        check=False, capture_output=True, text=True, timeout=60, cwd=home,
    )  # fmt: skip
    assert answer.returncode != 0
    assert "missing.toml" in answer.stderr
    assert "Traceback" not in answer.stderr
