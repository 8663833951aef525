"""hsp serve."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer
import uvloop

from hsp.app import build
from hsp.config import Settings, load_settings
from hsp.services import serve


def run(config: Path | None) -> None:
    """Load the configuration and serve until told to stop. Raises ConfigError, ListenerError."""
    settings = load_settings(config)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with build(settings) as gateway:
        await serve(gateway.asgi, settings.webmail.listeners, settings, on_ready=_ready)


def _ready(addresses: tuple[str, ...]) -> None:
    typer.echo(f"ready {' '.join(addresses)}")
