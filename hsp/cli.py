"""The `hsp` command: everything an operator does from a shell. What each command does lives in hsp.commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hsp import __version__
from hsp.commands.output import exit_on_problems

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="HSP_CONFIG", help="Configuration file; without one, HSP_ variables count."),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Account = Annotated[str, typer.Argument(help="The whole address, such as alice@example.com.")]


def _group(name: str, summary: str) -> typer.Typer:
    return typer.Typer(
        name=name, help=summary, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )


app = _group("hsp", "HSP gateway: a webmail in front of any IMAP and SMTP server.")
keys = _group("keys", "The secrets that sign and seal.")
config = _group("config", "The configuration.")
sessions = _group("sessions", "Who is logged in.")
for group in (keys, config, sessions):
    app.add_typer(group)


@app.command()
def serve(config: Config = None) -> None:
    """Serve the webmail until TERM or INT."""
    from hsp.commands.serving import run

    with exit_on_problems():
        run(config)


@app.command()
def check(
    config: Config = None,
    user: Annotated[
        str | None, typer.Option(help="Also log in as this user; the password is read from the terminal or stdin.")
    ] = None,
    json: Json = False,
) -> None:
    """Test the configuration and everything it names, and say what is wrong."""
    from hsp.commands.check import run

    if not run(config, user, json=json):
        raise typer.Exit(1)


@app.command()
def migrate(config: Config = None) -> None:
    """Bring the database to this version's tables."""
    from hsp.commands.serving import migrate as bring_up

    with exit_on_problems():
        bring_up(config)


@app.command()
def demo(
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to serve on.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Keep the demo's data in this folder.")] = None,
) -> None:
    """Serve a webmail with two accounts and a mailbox worth looking at."""
    from hsp.demo import run

    raise typer.Exit(run(port=port, data_dir=data_dir))


@app.command()
def version() -> None:
    """Show the version."""
    typer.echo(f"hsp {__version__}")


@keys.command("list")
def keys_list(config: Config = None) -> None:
    """List the keys, without their secrets."""
    from hsp.commands.keys import show

    with exit_on_problems():
        show(config)


@keys.command("create")
def keys_create(config: Config = None) -> None:
    """Make a key ring with its first key."""
    from hsp.commands.keys import create

    with exit_on_problems():
        create(config)


@keys.command("rotate")
def keys_rotate(config: Config = None) -> None:
    """Add a new key; nobody is logged out."""
    from hsp.commands.keys import rotate

    with exit_on_problems():
        rotate(config)


@config.command("show")
def config_show(config: Config = None) -> None:
    """Show the values in force, with secrets hidden."""
    from hsp.commands.configuration import show

    with exit_on_problems():
        show(config)


@config.command("docs")
def config_docs() -> None:
    """Write the reference of all settings, in Markdown."""
    from hsp.commands.configuration import docs

    docs()


@sessions.command("list")
def sessions_list(account: Account, config: Config = None, json: Json = False) -> None:
    """List the live sessions of an account."""
    from hsp.commands.sessions import show

    with exit_on_problems():
        show(config, account, json=json)


@sessions.command("kill")
def sessions_kill(account: Account, config: Config = None) -> None:
    """End every session of an account, on all nodes."""
    from hsp.commands.sessions import kill

    with exit_on_problems():
        kill(config, account)


def main() -> None:
    """Entry point of the installed command."""
    app()
