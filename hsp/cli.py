"""The `hsp` command: everything an operator does from a shell. Each command lives in hsp.commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hsp import __version__
from hsp.commands.output import exit_on_problems

Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        envvar="HSP_CONFIG",
        help="Configuration file; without one, HSP_ variables count.",
    ),
]

app = typer.Typer(
    name="hsp",
    help="HSP gateway: a webmail in front of any IMAP and SMTP server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.command()
def serve(config: Config = None) -> None:
    """Serve the webmail until TERM or INT."""
    from hsp.commands.serving import run

    with exit_on_problems():
        run(config)


@app.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"hsp {__version__}")


def main() -> None:
    """Entry point of the installed command."""
    app()
