"""Environment variables: HSP_SERVER__REDIS__URL and its like win over the file.

The name is HSP_, then the path in the tree with two underscores between the parts; case does not count, a list
element is its number. A whole list or context may be given as a TOML value. A variable with a path that leads
nowhere is refused, so that a misspelt secret is not silently replaced by a default.
"""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping

from hsp.config.problems import Origin
from hsp.config.reading import ROOT, Adoption, Place, Raw, State
from hsp.config.settings import Settings
from hsp.config.tree import field_at, field_of, step, suggestion

PREFIX = "HSP_"


def read_environment(environ: Mapping[str, str], raw: Raw) -> None:
    """Lay the variables over what the file said."""
    for name in sorted(environ, key=lambda name: (name.count("__"), name)):
        parts = name[len(PREFIX) :].split("__")
        is_ours = len(parts) > 1 or field_of(Settings, parts[0]) is not None
        if name.upper().startswith(PREFIX) and is_ours:
            _take(name, parts, environ[name], raw)


def _take(name: str, parts: list[str], text: str, raw: Raw) -> None:
    origin = Origin(f"environment {name}")
    found = _resolve(parts, raw, origin)
    if found is None:
        return
    place, state = found
    try:
        text.encode()
    except UnicodeEncodeError:
        raw.complain(origin, place, "is not UTF-8 text")
        return
    _forget(place, raw)
    value = Adoption(raw, lambda _: origin).value(_value(text, place, state), state, place, place)
    values = copy.deepcopy(raw.values)
    if _put(values, place, value):
        raw.values = values
    else:
        raw.complain(origin, place, "does not fit what the file says around it")


def _resolve(parts: list[str], raw: Raw, origin: Origin) -> tuple[Place, State] | None:
    place: Place = ()
    state = ROOT
    for part in parts:
        step_to = _part(part, place, state, raw, origin)
        if step_to is None:
            return None
        place, state = (*place, step_to), step(state, step_to)
    return place, state


def _part(part: str, place: Place, state: State, raw: Raw, origin: Origin) -> str | int | None:
    outer, model = state
    if outer == "context" and model:
        attribute = field_of(model, part)
        if attribute is None:
            raw.complain(origin, (*place, part.lower()), suggestion(model, part))
        return attribute
    if outer in ("list", "values") and part.isascii() and part.isdigit() and len(part) < 4:
        return int(part)
    if outer == "map" and part:
        known = _existing(raw.values, place)
        return next((name for name in known if name.lower() == part.lower()), part.lower())
    raw.complain(
        origin,
        (*place, part.lower()),
        "leads nowhere" if outer != "list" else "must be the number of a list element, from 0",
    )
    return None


def _existing(values: object, place: Place) -> list[str]:
    for part in place:
        values = values.get(part, {}) if isinstance(values, dict) else {}
    return list(values) if isinstance(values, dict) else []


def _value(text: str, place: Place, state: State) -> object:
    """The text as the value TOML would have had; what cannot be read stays text, for the type check to refuse."""
    outer = state[0]
    stripped = text.strip()
    if outer in ("context", "list", "map") or (outer == "values" and stripped.startswith("[")):
        return _toml(stripped, text)
    if outer == "values":
        return [part for part in re.split(r"[,\s]+", stripped) if part]
    info = field_at(Settings, place)
    if info is not None and info.annotation in (int, float) and re.fullmatch(r"[+-]?\d{1,18}(\.\d+)?", stripped):
        return float(stripped) if "." in stripped else int(stripped)
    return text


def _toml(text: str, otherwise: str) -> object:
    try:
        return tomllib.loads(f"value = {text}").get("value", otherwise)
    except (tomllib.TOMLDecodeError, RecursionError):
        return otherwise


def _forget(place: Place, raw: Raw) -> None:
    """What the file said below a place no longer counts, so its lines must not be blamed."""
    for known in [known for known in raw.origins if known[: len(place)] == place]:
        del raw.origins[known]


def _put(values: object, place: Place, value: object) -> bool:
    """Set the value in the nested raw values; False when the way is blocked by something of another type."""
    *way, last = place
    for at, part in enumerate(way):
        empty: object = [] if isinstance(place[at + 1], int) else {}
        following = _enter(values, part, empty)
        if following is None:
            return False
        values = following
    return _set(values, last, value)


def _enter(values: object, part: str | int, empty: object) -> object:
    if isinstance(part, int) and isinstance(values, list) and part == len(values):
        values.append(empty)
    if isinstance(part, str) and isinstance(values, dict):
        return values.setdefault(part, empty)
    return values[part] if isinstance(part, int) and isinstance(values, list) and part < len(values) else None


def _set(values: object, part: str | int, value: object) -> bool:
    if isinstance(part, str) and isinstance(values, dict):
        values[part] = value
        return True
    if isinstance(part, int) and isinstance(values, list) and part <= len(values):
        values[part : part + 1] = [value]
        return True
    return False
