"""hsp keys: the secrets that sign and seal."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import typer

from hsp.commands.output import OperatorError
from hsp.config import load_settings
from hsp.foundation.sealing import KeyRing


def show(config: Path | None) -> None:
    """List the keys; never their secrets."""
    ring = KeyRing.load(load_settings(config).server.key_ring_file)
    for key in ring.keys:
        state = f"retired {_date(key.retired)}" if key.retired else "signs and seals"
        typer.echo(f"{key.id}  created {_date(key.created)}  {state}")


def create(config: Path | None) -> None:
    """Make the first key. Refuses to touch an existing ring."""
    path = load_settings(config).server.key_ring_file
    if path.exists():
        raise OperatorError(f"{path} exists already; `hsp keys rotate` adds a new key")
    ring = KeyRing.load(path, create=True, now=time.time())
    typer.echo(f"created {path} with key {ring.newest_id}")


def rotate(config: Path | None) -> None:
    """Add a new key; what older ones sealed stays readable."""
    path = load_settings(config).server.key_ring_file
    ring = KeyRing.load(path).rotate(now=time.time())
    ring.save(path)
    typer.echo(f"key {ring.newest_id} signs and seals from the next start of each node; older keys still open")


def _date(moment: float | None) -> str:
    return datetime.fromtimestamp(moment or 0, UTC).strftime("%Y-%m-%d %H:%M UTC")
