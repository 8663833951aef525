"""load_settings: the one way from a file and the environment to Settings.

Promise: what it returns is complete, in range and consistent; otherwise it raises one ConfigError that names
every problem with file and line, or with the environment variable, and what would be allowed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hsp.config.checks import cross_check
from hsp.config.environment import read_environment
from hsp.config.problems import ConfigError
from hsp.config.reading import Place, Raw, read_file
from hsp.config.settings import Settings
from hsp.config.tree import allowed, field_at, is_secret


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read, check and freeze the configuration; without a file the defaults and the environment count.

    Raises ConfigError with every problem found.
    """
    raw = Raw()
    if path is not None:
        read_file(path, raw)
    read_environment(environ, raw)
    context = {"base": path.resolve().parent} if path is not None else {}
    settings = _settings(raw, context)
    if settings is not None:
        for place, message in cross_check(settings, raw.wrong):
            raw.complain(raw.origin(place), place, message)
    if raw.problems or settings is None:
        raise ConfigError(tuple(sorted(raw.problems, key=lambda problem: (problem.file, problem.line or 0))))
    return settings


def _settings(raw: Raw, context: Mapping[str, Path]) -> Settings | None:
    """The settings; when some are wrong, what the others make, so that later checks find their problems as well."""
    try:
        return _parse(raw.values, context)
    except ValidationError as error:
        details = error.errors(include_url=False)
    for detail in details:
        place = _place(detail, raw.values)
        raw.complain(raw.origin(place), place, _words(place, detail))
    try:
        return _parse(_without(raw.values, {place[:2] for place in raw.wrong}), context)
    except ValidationError:
        return None


def _parse(values: object, context: Mapping[str, Path]) -> Settings:
    return Settings.model_validate_json(_json(values), strict=True, by_name=True, by_alias=False, context=dict(context))


def _json(values: object) -> str:
    """JSON is the one input for which strict checking still accepts lists for tuples and text for paths."""
    return json.dumps(values, default=lambda value: {"date": str(value)})


def _place(detail: ErrorDetails, values: object) -> Place:
    """Where the error belongs; pydantic also puts the names of union members into its path, which are no places."""
    place: Place = ()
    for part in detail["loc"]:
        if field_at(Settings, (*place, part)) is None:
            break
        if isinstance(values, dict) and (part in values or detail["type"] == "missing"):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            break
        place = (*place, part)
    return place


def _words(place: Place, detail: ErrorDetails) -> str:
    """The problem in words: what is allowed, and what was found."""
    info = field_at(Settings, place)
    if detail["type"] == "missing" or info is None:
        return "is required"
    may = allowed(info)
    found = "" if is_secret(info) else f", not {_shown(detail['input'])}"
    if detail["type"] == "value_error":
        return detail["msg"].removeprefix("Value error, ") + found
    if detail["type"] == "string_pattern_mismatch":
        return f"has not the form {detail['ctx']['pattern']}{found}"
    wanted = f"{may.kind}, {may.range}" if may.range and not may.choices else may.range or may.kind
    if detail["type"] in ("too_short", "string_too_long"):
        return detail["msg"]
    return f"must be {wanted}{found}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _without(values: object, places: set[Place], place: Place = ()) -> object:
    """A copy without the values at the given places."""
    if isinstance(values, dict):
        return {
            name: _without(item, places, (*place, name))
            for name, item in values.items()
            if (*place, name) not in places
        }
    if isinstance(values, list):
        return [_without(item, places, (*place, at)) for at, item in enumerate(values) if (*place, at) not in places]
    return values
