"""hsp sessions: who is logged in, and ending it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import typer

from hsp.accounts import normalise_account
from hsp.commands.output import OperatorError, as_json
from hsp.config import Settings, load_settings
from hsp.foundation.clock import SystemClock
from hsp.foundation.redis import connect
from hsp.foundation.sealing import KeyRing
from hsp.sessions import Limits, Policy, RedisSessionStore, SessionInfo, Sessions

Result = TypeVar("Result")


def show(config: Path | None, account: str, *, json: bool) -> None:
    """List the live sessions of an account."""
    settings = load_settings(config)
    account = _account(settings, account)
    found = _with_sessions(settings, lambda sessions: sessions.list(account))
    if json:
        as_json([{key: value for key, value in asdict(info).items() if key != "current"} for info in found])
        return
    for info in found:
        typer.echo(_line(info))
    typer.echo(f"{len(found)} session{'s' if len(found) != 1 else ''} of {account}")


def _line(info: SessionInfo) -> str:
    return f"{info.uuid}  {info.surface}  {info.address}  started {_time(info.created)}  seen {_time(info.last_seen)}"


def kill(config: Path | None, account: str) -> None:
    """End every session of an account, on all nodes."""
    settings = load_settings(config)
    account = _account(settings, account)
    ended = _with_sessions(settings, lambda sessions: sessions.end_all(account))
    typer.echo(f"ended {ended} session{'s' if ended != 1 else ''} of {account}")


def _account(settings: Settings, text: str) -> str:
    """The account as the gateway keeps it: a kill must not miss for a capital letter."""
    try:
        return normalise_account(text, default_domain=settings.server.primary_domain)
    except ValueError as error:
        raise OperatorError(f"no account: {error}") from None


def _with_sessions(settings: Settings, work: Callable[[Sessions], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        redis = settings.server.redis
        client = connect(redis.url, max_connections=2, timeout=redis.timeout)
        try:
            ring = KeyRing.load(settings.server.key_ring_file)
            store = RedisSessionStore(client, namespace=redis.namespace)
            return await work(Sessions(store, ring, SystemClock(), _policy(settings)))
        finally:
            await client.aclose()

    return asyncio.run(run())


def _policy(settings: Settings) -> Policy:
    webmail = settings.webmail
    limits = Limits(idle=webmail.session_idle_timeout, absolute=webmail.session_activity_timeout)
    return Policy(surfaces={"webmail": limits})


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
