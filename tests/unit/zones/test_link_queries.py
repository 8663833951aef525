"""The short way to write a query is the same query."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.zones.request import _query

PAIRS = st.lists(st.tuples(st.text(max_size=8), st.text(alphabet="aZ09_.~-&=+ %#?/ü\0", max_size=8)), max_size=4)


@given(PAIRS)
def test_every_query_is_written_as_urlencode_writes_it(pairs: list[tuple[str, str]]) -> None:
    assert _query(pairs) == urlencode(pairs)


@pytest.mark.parametrize("value", ["a&b=c", "a=b", "a&b", "&", "=", "a b", "ü", "%41", "\n", "a\n"])
def test_a_value_never_becomes_another_field(value: str) -> None:
    assert _query([("q", value), ("_h", "key")]) == urlencode([("q", value), ("_h", "key")])
