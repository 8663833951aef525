"""hsp config."""

from __future__ import annotations

from pathlib import Path

import typer

from hsp.commands.output import as_json
from hsp.config import load_settings
from hsp.config.reference import reference
from hsp.config.reference import show as shown


def show(config: Path | None) -> None:
    """The values in force, with secrets hidden."""
    as_json(shown(load_settings(config)))


def docs() -> None:
    """The reference page."""
    typer.echo(reference(), nl=False)
