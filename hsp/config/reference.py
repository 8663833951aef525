"""The configuration as text: the reference page, and the values in force with every secret hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from hsp.config.context import Context
from hsp.config.settings import Settings
from hsp.config.tree import allowed, documented, is_secret, shape

_USERINFO = re.compile(r"(?<=://)[^/\s]*@")
_QUERY_SECRET = re.compile(r"([?&][^=&]*(?:password|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)

_INTRODUCTION = """# Configuration

<!-- Written by `hsp config docs`; a test fails when this page and the program differ. -->

The gateway reads one TOML file (`hsp serve --config FILE`). Names are those of this page; case and underscores do not
count. Times are in seconds, sizes in KB (1024 bytes). Switches are `true`/`false` or `"yes"`/`"no"`. Unknown names,
wrong types and values out of range are refused with file and line, all at once; `hsp check` tries everything.

Environment variables win over the file. Their names are the path with two underscores between the parts:
`HSP_SERVER__REDIS__URL`, `HSP_WEBMAIL__LISTENERS__0__ADDRESS`, `HSP_UPSTREAMS__MAIN__HOST`. A list of values may be
given with commas, a list of contexts as TOML.
"""


def hidden(text: str) -> str:
    """A text without the user names and passwords of URLs in it."""
    return _QUERY_SECRET.sub(r"\1***", _USERINFO.sub("***@", text))


def show(settings: Settings) -> dict[str, object]:
    """The values in force by their documented names, with secrets hidden."""
    return _shown(settings)


def _shown(context: Context) -> dict[str, object]:
    fields = type(context).model_fields
    return {documented(name, info): _value(getattr(context, name), info) for name, info in fields.items()}


def _value(value: object, info: FieldInfo) -> object:
    if isinstance(value, Context):
        return _shown(value)
    if isinstance(value, tuple):
        return [_value(item, info) for item in value]
    if isinstance(value, dict):
        return {name: _value(item, info) for name, item in value.items()}
    if is_secret(info):
        return hidden(str(value))
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def reference() -> str:
    """The reference page, in Markdown."""
    parts = [_INTRODUCTION]
    for title, model in contexts(Settings, ""):
        parts.append(f"\n## {title}\n\n{_first_line(model)}\n\n{_table(model)}")
    return "".join(parts)


def contexts(model: type[Context], path: str) -> Iterator[tuple[str, type[Context]]]:
    """Every context of the tree with its path as TOML writes it."""
    for name, info in model.model_fields.items():
        kind, inner = shape(info.annotation)
        if inner is not None:
            here = f"{path}.{documented(name, info)}".removeprefix(".") + (".NAME" if kind == "map" else "")
            yield (f"`[[{here}]]`" if kind == "list" else f"`[{here}]`"), inner
            yield from contexts(inner, here)


def _first_line(model: type[Context]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _table(model: type[Context]) -> str:
    rows = ["| name | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, info in model.model_fields.items():
        if shape(info.annotation)[1] is None:
            rows.append(f"| `{documented(name, info)}` | {_type(info)} | {_default(info)} | {info.description} |")
    return "\n".join(rows) + "\n"


def _type(info: FieldInfo) -> str:
    may = allowed(info)
    if may.choices:
        several = "list of " if may.kind.startswith("list of") else ""
        return several + " or ".join(f"`{choice}`" for choice in may.choices)
    return f"{may.kind}, {may.range}" if may.range else may.kind


def _default(info: FieldInfo) -> str:
    if info.default is PydanticUndefined:
        return "required"
    if info.default is None or info.default in ((), ""):
        return "none"
    if isinstance(info.default, tuple):
        return f"`{json.dumps(list(info.default))}`"
    return f"`{json.dumps(info.default) if isinstance(info.default, bool) else info.default}`"
