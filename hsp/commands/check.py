"""hsp check."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path

import typer

from hsp.commands.checking import Finding, check_all
from hsp.commands.output import as_json
from hsp.config import ConfigError, load_settings
from hsp.protocols.credentials import Credential

_MARKS = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}
_COLOURS = {"ok": typer.colors.GREEN, "warning": typer.colors.YELLOW, "problem": typer.colors.RED}


def run(config: Path | None, user: str | None, *, json: bool) -> bool:
    """Check and report; True when there is no problem."""
    try:
        settings = load_settings(config)
    except ConfigError as error:
        findings = [Finding("configuration", "file", "problem", str(problem)) for problem in error.problems]
    else:
        findings = [Finding("configuration", "file", message="is complete and consistent")]
        findings += asyncio.run(check_all(settings, _credential(user)))
    as_json([asdict(finding) for finding in findings]) if json else _tell(findings)
    return all(finding.state != "problem" for finding in findings)


def _credential(user: str | None) -> Credential | None:
    if user is None:
        return None
    piped = not sys.stdin.isatty()
    secret = sys.stdin.readline().rstrip("\r\n") if piped else typer.prompt(f"Password of {user}", hide_input=True)
    return Credential("password", user, secret)


def _tell(findings: list[Finding]) -> None:
    for finding in findings:
        mark = typer.style(_MARKS[finding.state], fg=_COLOURS[finding.state])
        time = f"  ({finding.milliseconds:g} ms)" if finding.milliseconds is not None else ""
        typer.echo(f"{mark}  {finding.subject}, {finding.step}: {finding.message}{time}")
    problems = sum(finding.state == "problem" for finding in findings)
    typer.echo(f"{problems} problem{'s' if problems != 1 else ''} found" if problems else "everything is in order")
