"""hsp serve and hsp migrate."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
from pathlib import Path

import typer
import uvloop

from hsp.config import Log, Settings, load_settings
from hsp.foundation import logs
from hsp.foundation.sql import Database, SchemaError
from hsp.foundation.sql import migrate as migrate_database
from hsp.services import serve

_SECURITY_LOGGER = "hsp.security"


def run(config: Path | None) -> None:
    """Load the configuration and serve until told to stop. Raises what `exit_on_problems` words."""
    settings = load_settings(config)
    set_up_logs(settings.server.log)
    create_schema(settings.server.database.url)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


def migrate(config: Path | None) -> None:
    """Bring the database to this version's schema."""
    migrate_database(load_settings(config).server.database.url)
    typer.echo("the database has the tables of this version")


def create_schema(url: str) -> None:
    """Make the tables of an empty database. One of another version is refused: other nodes may be using it."""
    try:
        asyncio.run(_open_once(url))
    except SchemaError as error:
        if error.found is not None:
            raise
        migrate_database(url)


async def _open_once(url: str) -> None:
    database = await Database.open(url)
    await database.close()


def set_up_logs(log: Log) -> None:
    """Send logs where the operator wants them; security events to a file of their own if named."""
    logs.configure(log.level, log.format == "json")
    if log.security_log is not None:
        log.security_log.parent.mkdir(parents=True, exist_ok=True)
        # Watched: a file that logrotate moved away is opened anew.
        handler = logging.handlers.WatchedFileHandler(log.security_log, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logging.getLogger(_SECURITY_LOGGER).addHandler(handler)


async def _serve(settings: Settings) -> None:
    # Late, so that the other commands do not wait for what only the gateway needs.
    from hsp.app import build

    async with build(settings) as gateway:
        await serve(gateway.asgi, settings.webmail.listeners, settings, on_ready=_ready)


def _ready(addresses: tuple[str, ...]) -> None:
    typer.echo(f"ready {' '.join(addresses)}")
