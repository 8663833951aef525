"""What every node of the configuration tree has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Context(BaseModel):
    """One node of the tree: typed, immutable, and strict about names.

    Attributes carry snake_case names in Python; the documented camelCase names are their aliases.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        allow_inf_nan=False,
    )
