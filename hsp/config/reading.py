"""Raw values out of a TOML file, keyed by the Python names of the typed tree, each with the line it stands on."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

from hsp.config.context import Context
from hsp.config.locate import locate
from hsp.config.problems import ConfigError, Origin, Problem
from hsp.config.settings import Settings
from hsp.config.tree import Shape, field_of, nearest, spelt, step, suggestion

Place = tuple[str | int, ...]
State = tuple[Shape, type[Context] | None]
Tree = dict[str, object]
ROOT: State = ("context", Settings)

_MOST_BYTES = 4 * 2**20


class Raw:
    """Values not yet checked, the place each came from, and what was wrong with the names."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}
        self.origins: dict[Place, Origin] = {}
        self.problems: list[Problem] = []
        self.wrong: set[Place] = set()

    def complain(self, origin: Origin, place: Place, message: str) -> None:
        """Note a problem."""
        self.wrong.add(place)
        self.problems.append(Problem(origin.file, origin.line, spelt(Settings, place), message))

    def origin(self, place: Place) -> Origin:
        """Where a value, or the nearest thing around it, was written."""
        nearest = (place[:length] for length in range(len(place), -1, -1))
        return next((self.origins[part] for part in nearest if part in self.origins), Origin("defaults"))


def read_file(path: Path, raw: Raw) -> None:
    """Take in a TOML file. Raises ConfigError when there is nothing to go on with: unreadable or not TOML."""
    text = _text(path)
    try:
        tree = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError((Problem(str(path), int(line[1]) if line else None, "", f"is not TOML: {error}"),)) from None
    lines = locate(text)
    raw.origins[()] = Origin(str(path))

    def origin(written: Place) -> Origin:
        nearest = (lines.get(written[:length]) for length in range(len(written), 0, -1))
        return Origin(str(path), next((line for line in nearest if line), None))

    raw.values = Adoption(raw, origin).context(tree, Settings, (), ())


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError((Problem(str(path), None, "", f"cannot be read: {error.strerror}"),)) from None
    if len(data) > _MOST_BYTES:
        raise ConfigError((Problem(str(path), None, "", "is larger than any configuration can be (4 MB)"),))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError((Problem(str(path), line, "", "is not UTF-8 text"),)) from None


class Adoption:
    """Turns the names of one source into Python's; unknown and doubled names become problems.

    `written` is a path in the words of the source, `place` the same path in Python's names.
    """

    def __init__(self, raw: Raw, origin: Callable[[Place], Origin]) -> None:
        self._raw = raw
        self._origin = origin

    def value(self, value: object, state: State, written: Place, place: Place) -> object:
        """Adopt whatever stands at a place."""
        self._raw.origins.setdefault(place, self._origin(written))
        if isinstance(value, dict) and state[0] == "context" and state[1]:
            return self.context(value, state[1], written, place)
        if isinstance(value, dict) and state[0] == "map":
            return {
                name: self.value(item, step(state, name), (*written, name), (*place, name))
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self.value(item, step(state, at), (*written, at), (*place, at)) for at, item in enumerate(value)]
        return value

    def context(
        self, value: dict[str, object], model: type[Context], written: Place, place: Place
    ) -> dict[str, object]:
        """Adopt a context, whose names are fixed."""
        adopted: dict[str, object] = {}
        for name, item in value.items():
            source = (*written, name)
            attribute = field_of(model, name)
            if attribute is None:
                self._raw.complain(self._origin(source), (*place, name), suggestion(model, name))
                self._raw.wrong.add((*place, nearest(model, name) or name))
            elif attribute in adopted:
                self._raw.complain(self._origin(source), (*place, attribute), "is given twice, in two spellings")
            else:
                following = step(("context", model), attribute)
                adopted[attribute] = self.value(item, following, source, (*place, attribute))
        return adopted
