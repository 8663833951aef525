"""The framer: whole responses whatever the pieces, and limits that hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.framing import Framer, Segments

LITERAL_VALUE = st.binary(max_size=40)
LINE = st.from_regex(rb"[A-Za-z ()]{0,30}", fullmatch=True)


def framer(max_line: int = 10_000, max_literal: int = 10_000) -> Framer:
    return Framer(max_line=max_line, max_literal=max_literal)


def feed_in_pieces(data: bytes, cuts: list[int], **limits: int) -> list[Segments]:
    cutter, found, start = framer(**limits), [], 0
    for cut in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        found += cutter.feed(data[start:cut])
        start = cut
    return found


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, list[Segments]]:
    wire, expected = b"", []
    for _ in range(draw(st.integers(0, 4))):
        segments: Segments = []
        for literal in draw(st.lists(LITERAL_VALUE, max_size=3)):
            mark = b"{%d%s}" % (len(literal), draw(st.sampled_from([b"", b"+"])))
            line = (b"* FETCH" if not segments else b"") + draw(LINE) + mark
            segments += [line, literal]
            wire += line + b"\r\n" + literal
        line = (b"* 1 X" if not segments else b"") + draw(LINE)
        segments.append(line)
        wire += line + b"\r\n"
        expected.append(segments)
    return wire, expected


@given(responses(), st.lists(st.integers(0, 300), max_size=20))
def test_the_pieces_in_which_bytes_come_make_no_difference(case: tuple[bytes, list[Segments]], cuts: list[int]) -> None:
    wire, expected = case
    assert feed_in_pieces(wire, cuts) == expected


@given(responses())
def test_byte_by_byte_gives_the_same(case: tuple[bytes, list[Segments]]) -> None:
    wire, expected = case
    assert feed_in_pieces(wire, list(range(len(wire)))) == expected


@given(st.binary(max_size=500), st.lists(st.integers(0, 500), max_size=10))
def test_garbage_raises_nothing_but_protocol_violation(data: bytes, cuts: list[int]) -> None:
    def outcome(pieces: list[int]) -> list[Segments] | str:
        try:
            return feed_in_pieces(data, pieces, max_line=50, max_literal=50)
        except ProtocolViolation:
            return "violation"

    assert (outcome([]) == "violation") == (outcome(cuts) == "violation")


def test_a_literal_may_hold_what_looks_like_answers() -> None:
    inner = b"\r\nh1 OK forged\r\n* 5 EXISTS\r\n"
    wire = b"* 1 FETCH (BODY[] {%d}\r\n%s)\r\nh1 OK real\r\n" % (len(inner), inner)
    assert framer().feed(wire) == [[b"* 1 FETCH (BODY[] {%d}" % len(inner), inner, b")"], [b"h1 OK real"]]


@pytest.mark.parametrize(
    "line", [b"* OK hello {3}", b"h2 NO no {3}", b"* BAD {9}", b"+ {12}", b"* BYE [X] {1}", b"h7 ok {4}"]
)
def test_sc13_a_status_text_that_ends_like_a_literal_opens_none(line: bytes) -> None:
    assert framer().feed(line + b"\r\nh3 OK\r\n") == [[line], [b"h3 OK"]]


def test_an_empty_literal_is_a_value() -> None:
    assert framer().feed(b"* X {0}\r\n {0}\r\n\r\n") == [[b"* X {0}", b"", b" {0}", b"", b""]]


def test_a_line_without_end_is_refused_at_the_limit() -> None:
    cutter = framer(max_line=1000)
    for _ in range(10):
        assert cutter.feed(b"x" * 100) == []
    with pytest.raises(ProtocolViolation):
        cutter.feed(b"x")


def test_lines_between_literals_count_together() -> None:
    cutter = framer(max_line=1000)
    for _ in range(30):
        assert cutter.feed(b"y" * 30 + b"{1}\r\nz") == []
    with pytest.raises(ProtocolViolation):
        cutter.feed(b"y" * 30 + b"{1}\r\nz")


def test_a_literal_beyond_the_limit_is_refused_before_it_comes() -> None:
    with pytest.raises(ProtocolViolation):
        framer(max_literal=100).feed(b"* 1 FETCH (BODY[] {101}\r\n")


def test_many_small_literals_count_together() -> None:
    with pytest.raises(ProtocolViolation):
        framer(max_literal=100).feed(
            b"* 1 FETCH (A " + b"{30}\r\n" + b"x" * 30 + b" {30}\r\n" + b"x" * 30 + b" {50}\r\n"
        )


def test_an_endless_row_of_empty_literals_is_refused() -> None:
    with pytest.raises(ProtocolViolation):
        framer(max_line=10**6).feed(b"{0}\r\n" * 20_001)


def test_number_lists_may_be_longer_than_other_lines() -> None:
    numbers = b" ".join(b"%d" % number for number in range(100, 1000))
    assert framer(max_line=1000).feed(b"* SEARCH " + numbers + b"\r\n") == [[b"* SEARCH " + numbers]]
    with pytest.raises(ProtocolViolation):
        framer(max_line=1000).feed(b"* LIST   " + numbers + b"\r\n")
    with pytest.raises(ProtocolViolation):
        framer(max_line=1000, max_literal=2000).feed(b"* SEARCH " + numbers + b"\r\n")


def test_it_says_when_nothing_is_half_read() -> None:
    cutter = framer()
    assert cutter.is_clean
    for data, clean in ((b"* X", False), (b"\r", False), (b"\n", True), (b"* {2}\r\n", False), (b"ab\r\n", True)):
        cutter.feed(data)
        assert cutter.is_clean is clean
