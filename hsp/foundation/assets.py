"""Where templates and static files lie: in the checkout beside the package, or inside an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def assets(name: str) -> Path:
    """The folder `templates` or `static`. Raises FileNotFoundError when the installation is incomplete."""
    for root in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if root.is_dir():
            return root
    raise FileNotFoundError(f"the folder {name!r} is missing: this installation is incomplete")
