"""Lines of keys in TOML, against what tomllib reads."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.config.locate import locate


def test_every_kind_of_place() -> None:
    text = '''# comment with [brackets] and = signs
top = 1
"quoted key" = "a # no comment" # a comment
dotted.key.x = 3

[table]
a = """
[not.a.table]
b = 2
"""
c = [ 1, # one
  2,
  { d = 1, e = [ { f = 2 } ] },
]
[[list]]
x = 1
[[list]]
[list.inner]
y = \'\'\'it\'s
[[no]]\'\'\'
when = 1979-05-27 07:32:00
[a."b.c".d]
z = 1
'''
    lines = locate(text)
    assert lines["top",] == 2
    assert lines["quoted key",] == 3
    assert lines["dotted", "key", "x"] == 4
    assert lines["table",] == 6
    assert lines["table", "a"] == 7
    assert lines["table", "c"] == 11
    assert lines["table", "c", 1] == 12
    assert lines["table", "c", 2, "d"] == 13
    assert lines["table", "c", 2, "e", 0, "f"] == 13
    assert lines["list", 0, "x"] == 16
    assert lines["list", 1] == 17
    assert lines["list", 1, "inner"] == 18
    assert lines["list", 1, "inner", "y"] == 19
    assert lines["list", 1, "inner", "when"] == 21
    assert lines["a", "b.c", "d", "z"] == 23


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_line_endings(ending: str) -> None:
    assert locate(ending.join(["[a]", "b = '''", "", "'''", "c = 1"]))["a", "c"] == 5


names = st.text("abAB_-é.\" '#[]=", min_size=1, max_size=6)
leaves = st.one_of(
    st.integers(),
    st.booleans(),
    st.text("ab\n\"'#[]{}=,\\", max_size=8),
    st.floats(allow_nan=False, allow_infinity=False),
)
trees = st.dictionaries(
    names,
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
    ),
    max_size=5,
)


def quoted(text: str) -> str:
    escapes = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'


def written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[\n" + "".join(f"{written(item)}, # ]\n" for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(name)} = {written(item)}" for name, item in value.items()) + " }"
    return repr(value)


def places(value: object, place: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {place} if place else set()
    for name, item in items:
        found |= places(item, (*place, name))
    return found


def without_lists_in_tables(value: object) -> bool:
    """TOML 1.0 has no line breaks inside inline tables."""
    if isinstance(value, dict):
        return all("\n" not in written(item) and without_lists_in_tables(item) for item in value.values())
    return all(map(without_lists_in_tables, value)) if isinstance(value, list) else True


@given(trees.filter(lambda tree: all(map(without_lists_in_tables, tree.values()))))
def test_exactly_the_places_that_tomllib_finds(tree: dict[str, object]) -> None:
    text = "".join(f"{quoted(name)} = {written(value)}\n" for name, value in tree.items())
    assert set(locate(text)) == places(tomllib.loads(text))
