"""Every setting of the typed tree, for tests that must not forget one."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic.fields import FieldInfo

from hsp.config import Settings
from hsp.config.context import Context
from hsp.config.tree import shape


def all_settings(model: type[Context] = Settings) -> Iterator[tuple[type[Context], str, FieldInfo]]:
    """Model, Python name and declaration of every field, contexts included."""
    for name, info in model.model_fields.items():
        yield model, name, info
        inner = shape(info.annotation)[1]
        if inner is not None:
            yield from all_settings(inner)
