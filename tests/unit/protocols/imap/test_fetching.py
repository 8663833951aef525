"""FETCH answers as values."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.fetching import merge, parse_date, parse_fetch, section_key
from hsp.protocols.imap.messages import _told_as


def test_all_items_of_one_answer() -> None:
    fetched = parse_fetch([
        b'* 12 FETCH (UID 900 FLAGS (\\seen $Forwarded Work) INTERNALDATE " 7-Jul-2026 02:44:25 -0730" '
        b'RFC822.SIZE 4286 MODSEQ (77) EMAILID (M1) BODY[HEADER.FIELDS ("subject")] {3}', b"a:b",
        b' BODY[1]<0> "part" BINARY[2] ~{2}', b"\0\1", b' RFC822.HEADER "h")',
    ])  # fmt: skip
    assert (fetched.seq, fetched.uid, fetched.size, fetched.modseq) == (12, 900, 4286, 77)
    assert fetched.flags == {"\\Seen", "$Forwarded", "Work"}
    assert fetched.internal_date == datetime(2026, 7, 7, 2, 44, 25, tzinfo=timezone(-timedelta(hours=7, minutes=30)))
    assert fetched.sections == {
        "HEADER.FIELDS (SUBJECT)": b"a:b", "1<0>": b"part", "BINARY 2": b"\0\1", "HEADER": b"h",
    }  # fmt: skip
    assert fetched.extra == {"EMAILID": ["M1"]}


@pytest.mark.parametrize(
    ("asked", "key"),
    [
        ("BODY.PEEK[]", ""), ("BODY[1.2.MIME]", "1.2.MIME"), ("BODY.PEEK[header.fields (to)]", "HEADER.FIELDS (TO)"),
        ("BODY.PEEK[1]<512.100>", "1<512>"), ("RFC822", ""), ("BINARY.PEEK[3]", "BINARY 3"),
    ],
)  # fmt: skip
def test_what_is_asked_for_is_found_under_its_answer(asked: str, key: str) -> None:
    assert _told_as(asked) == "BODY[" + key
    assert section_key(asked.replace(".PEEK", "").replace(".100>", ">")) == key


@pytest.mark.parametrize("item", ["FLAGS", "ENVELOPE", "BODY", "X-GM-MSGID", "BINARY.SIZE[1]"])
def test_other_items_keep_their_name(item: str) -> None:
    assert _told_as(item) == item


def test_nonsense_for_structure_and_envelope_costs_only_them() -> None:
    fetched = parse_fetch(
        [b'* 1 FETCH (UID 5 BODYSTRUCTURE ("text") ENVELOPE "what" INTERNALDATE "today" RFC822.SIZE x)']
    )
    assert (fetched.uid, fetched.structure, fetched.envelope, fetched.internal_date, fetched.size) == (
        5,
        None,
        None,
        None,
        0,
    )


@pytest.mark.parametrize("line", [b"* FETCH", b"* 1 FETCH", b"* 1 FETCH NIL", b"* x FETCH ()", b'* 1 FETCH ("a" b)'])
def test_an_answer_without_its_list_is_a_violation(line: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_fetch([line])


@given(st.binary(max_size=100))
def test_any_answer_is_read_or_a_violation(tail: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        parse_fetch([b"* 1 FETCH (" + tail + b")"])


@pytest.mark.parametrize(
    "value",
    [b"31-Feb-2026 00:00:00 +0000", b"1-Foo-2026 00:00:00 +0000", b"", None, b"01-Jan-2026 25:00:00 +0000", ["x"]],
)
def test_impossible_dates_are_none(value: object) -> None:
    assert parse_date(value) is None  # type: ignore[arg-type]  # odd values are the point


def test_dates_have_zones() -> None:
    assert parse_date(b"01-Jan-2026 00:00:00 +0000") == datetime(2026, 1, 1, tzinfo=UTC)


def test_split_answers_add_up_and_the_later_one_wins() -> None:
    first = parse_fetch([b'* 3 FETCH (UID 9 FLAGS (\\Seen) RFC822.SIZE 5 BODY[1] "a")'])
    second = parse_fetch([b'* 2 FETCH (UID 9 FLAGS () MODSEQ (8) BODY[2] "b")'])
    both = merge(first, second)
    assert (both.seq, both.uid, both.flags, both.size, both.modseq) == (2, 9, frozenset(), 5, 8)
    assert both.sections == {"1": b"a", "2": b"b"}
