"""Walks the typed tree: what a name in a file or a variable means, and what a setting may hold."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from hsp.config.context import Context
from hsp.config.kinds import Secret, Unit, Words

Marker = TypeVar("Marker", Secret, Unit, Words)
Shape = Literal["context", "list", "map", "value", "values"]


def shape(annotation: object) -> tuple[Shape, type[Context] | None]:
    """Whether a field is a context, a list or a map of contexts, a list of values, or one value."""
    if isinstance(annotation, type) and issubclass(annotation, Context):
        return "context", annotation
    arguments = get_args(annotation)
    inner = [part for part in arguments if isinstance(part, type) and issubclass(part, Context)]
    if get_origin(annotation) is tuple:
        return ("list", inner[0]) if inner else ("values", None)
    if get_origin(annotation) is dict and inner:
        return "map", inner[0]
    return "value", None


def folded(name: str) -> str:
    """A name without the differences that do not count: case and underscores."""
    return name.replace("_", "").lower()


def field_of(model: type[Context], name: str) -> str | None:
    """The Python name of a setting, however it is spelt; None when there is none."""
    for attribute, info in model.model_fields.items():
        if folded(name) in (folded(attribute), folded(documented(attribute, info))):
            return attribute
    return None


def documented(attribute: str, info: FieldInfo) -> str:
    """The name under which the documents list a setting."""
    return info.alias or attribute


def suggestion(model: type[Context], name: str) -> str:
    """Words that help with an unknown name: the nearest known one."""
    near = nearest(model, name)
    if near is not None:
        return f"unknown name; did you mean {documented(near, model.model_fields[near])}?"
    known = (documented(attribute, info) for attribute, info in model.model_fields.items())
    return f"unknown name; known here are {', '.join(known)}"


def nearest(model: type[Context], name: str) -> str | None:
    """The Python name of the setting that was probably meant."""
    known = {folded(documented(attribute, info)): attribute for attribute, info in model.model_fields.items()}
    near = difflib.get_close_matches(folded(name), known, n=1, cutoff=0.6)
    return known[near[0]] if near else None


def marked(info: FieldInfo, marker: type[Marker]) -> Marker | None:
    """The marker of that class on a field, searched through unions; None without."""
    return next((item for item in _metadata(info) if isinstance(item, marker)), None)


def is_secret(info: FieldInfo) -> bool:
    """Whether a setting may carry a password."""
    return marked(info, Secret) is not None


def _metadata(info: FieldInfo) -> Iterator[Any]:
    yield from info.metadata
    pending = list(get_args(info.annotation))
    while pending:
        part = pending.pop()
        yield from getattr(part, "__metadata__", ())
        pending.extend(get_args(part) if not isinstance(part, str) else ())


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a setting may hold."""

    kind: str
    low: float | None
    high: float | None
    unit: str
    choices: tuple[str, ...]

    @property
    def range(self) -> str:
        """The allowed values in words; empty when any value of the kind is allowed."""
        if self.choices:
            return " or ".join(self.choices) if len(self.choices) < 3 else f"one of {', '.join(self.choices)}"
        if self.low is None or self.high is None:
            return ""
        return f"{_number(self.low)} to {_number(self.high)}" + (f" {self.unit}" if self.unit else "")


def _number(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def allowed(info: FieldInfo) -> Allowed:
    """What a field may hold, read from its annotation: the one source for messages and documents."""
    low = next((item.ge for item in info.metadata if hasattr(item, "ge")), None)
    high = next((item.le for item in info.metadata if hasattr(item, "le")), None)
    unit = marked(info, Unit)
    return Allowed(_kind(info), low, high, unit.name if unit else "", _choices(info.annotation))


def _choices(annotation: object) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(map(str, get_args(annotation)))
    if get_origin(annotation) is tuple:
        return _choices(get_args(annotation)[0])
    return ()


def _kind(info: FieldInfo) -> str:
    outer, model = shape(info.annotation)
    if model is not None:
        return {"context": "context", "list": "list of contexts", "map": "named contexts"}[outer]
    words = marked(info, Words)
    plain = words.text if words else _plain_kind(info.annotation)
    return f"list of {plain}" if outer == "values" else plain


def _plain_kind(annotation: object) -> str:
    parts = (
        [annotation, *get_args(annotation)]
        if get_origin(annotation) in (tuple, Union, types.UnionType)
        else [annotation]
    )
    if int in parts:
        return "whole number"
    return "number" if float in parts else "text"


def step(state: tuple[Shape, type[Context] | None], part: str | int) -> tuple[Shape, type[Context] | None]:
    """From a node of the tree to one of its parts."""
    outer, model = state
    if outer in ("list", "map"):
        return "context", model
    info = model.model_fields.get(str(part)) if outer == "context" and model else None
    return shape(info.annotation) if info else ("value", None)


def field_at(root: type[Context], place: tuple[str | int, ...]) -> FieldInfo | None:
    """The declaration of the setting at a place, or of the list the place is inside of."""
    state: tuple[Shape, type[Context] | None] = ("context", root)
    found: FieldInfo | None = None
    for part in place:
        if state[0] == "context" and state[1]:
            found = state[1].model_fields.get(str(part))
        state = step(state, part)
    return found


def spelt(root: type[Context], place: tuple[str | int, ...]) -> str:
    """A place as the documents write it, such as `webmail.listeners[0].idleTimeout`."""
    state: tuple[Shape, type[Context] | None] = ("context", root)
    text = ""
    for part in place:
        info = state[1].model_fields.get(str(part)) if state[0] == "context" and state[1] else None
        name = documented(str(part), info) if info else part
        text += f"[{part}]" if isinstance(part, int) else f".{name}"
        state = step(state, part)
    return text.removeprefix(".")
