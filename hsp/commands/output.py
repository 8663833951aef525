"""How commands speak: results on stdout, problems on stderr, exit code 0 or 1."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import typer

from hsp.config import ConfigError
from hsp.foundation.redis import StoreUnavailable
from hsp.foundation.sealing import RingFileError
from hsp.foundation.sql import DatabaseError, SchemaError
from hsp.services import ListenerError


class OperatorError(Exception):
    """Something an operator can repair; the text says how."""


def complain(text: str) -> None:
    """A line for people about something that went wrong."""
    typer.secho(text, err=True, fg=typer.colors.RED)


def as_json(value: object) -> None:
    """A result for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


@contextlib.contextmanager
def exit_on_problems() -> Iterator[None]:
    """Turn the errors an operator can repair into words and exit code 1."""
    try:
        yield
    except StoreUnavailable:
        complain("Redis cannot be reached; `hsp check` says more")
        raise typer.Exit(1) from None
    except SchemaError as error:
        complain(f"{error}; run `hsp migrate`")
        raise typer.Exit(1) from None
    except DatabaseError as error:
        # Only the kind of error: its text may quote the address with the password.
        complain(f"the database cannot be used ({type(error).__name__}); `hsp check` says more")
        raise typer.Exit(1) from None
    except (ConfigError, ListenerError, RingFileError, OperatorError) as error:
        complain(str(error))
        raise typer.Exit(1) from None
