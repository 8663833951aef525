"""The tokenizer: round trip of values, and nothing but ProtocolViolation for anything else."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.framing import Segments
from hsp.protocols.imap.tokens import MAX_DEPTH, Value, tokenize

ATOM = st.from_regex(r"[A-Za-z0-9\\$*.:+@/_-]{1,12}", fullmatch=True).filter(lambda atom: atom.upper() != "NIL")
VALUE = st.recursive(
    st.none() | ATOM | st.binary(max_size=30), lambda inner: st.lists(inner, max_size=5), max_leaves=30
)


class Writer:
    """Writes values as a server might: strings quoted or as one of the literals."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.segments: Segments = [b""]

    def put(self, text: bytes) -> None:
        self.segments[-1] += text

    def write(self, value: Value) -> None:
        if value is None:
            self.put(b"NIL")
        elif isinstance(value, str):
            self.put(value.encode())
        elif isinstance(value, bytes):
            self.write_string(value)
        else:
            self.put(b"(")
            self.write_all(value)
            self.put(b")")

    def write_all(self, values: list[Value]) -> None:
        for position, value in enumerate(values):
            self.put(b" " if position else b"")
            self.write(value)

    def write_string(self, value: bytes) -> None:
        form = self.draw(st.sampled_from(["quoted", "literal", "literal8", "non-sync"]))
        if form == "quoted":
            self.put(b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"')
            return
        mark = {"literal": b"{%d}", "literal8": b"~{%d}", "non-sync": b"{%d+}"}[form]
        self.put(mark % len(value))
        self.segments += [value, b""]


@given(st.lists(VALUE, max_size=6), st.data())
def test_what_is_written_is_read(values: list[Value], data: st.DataObject) -> None:
    writer = Writer(data.draw)
    writer.write_all(values)
    assert tokenize(writer.segments) == values


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=5))
@example([b'"abc\\"'])
@example([b'"abc'])
@example([b"{5}"])
@example([b"~{5"])
@example([b")"])
@example([b'BODY[HEADER.FIELDS ("'])
def test_garbage_raises_nothing_but_protocol_violation(segments: Segments) -> None:
    try:
        values = tokenize(segments)
    except ProtocolViolation:
        return
    assert isinstance(values, list)


@given(st.text(alphabet='"\\(){} ~[]BODYNIL<0>1', max_size=200))
def test_garbage_of_protocol_characters_raises_nothing_else(text: str) -> None:
    with contextlib.suppress(ProtocolViolation):
        tokenize([text.encode()])


@pytest.mark.parametrize(
    "line",
    [b"(", b"())", b'"a', b'"a\\"', b'"a\\\\\\"', b"{3}", b"{", b"a {x", b"~{1}", b"(((("],
)
def test_half_values_are_refused(line: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        tokenize([line])


def test_escapes_are_taken_off() -> None:
    assert tokenize([rb'"a\"b\\c" "\\" "\\\"" ""']) == [b'a"b\\c', b"\\", b'\\"', b""]


def test_nil_is_nothing_but_only_as_an_atom() -> None:
    assert tokenize([b'NIL nil "NIL" NILS Number']) == [None, None, b"NIL", "NILS", "Number"]


def test_a_section_is_one_name_with_its_spaces() -> None:
    line = b'* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT "X-A")] NIL body[1.2]<512> "x" BINARY.SIZE[1] 5 BODY (1))'
    items = tokenize([line])[3]
    assert items == [
        'BODY[HEADER.FIELDS (SUBJECT "X-A")]', None, "body[1.2]<512>", b"x", "BINARY.SIZE[1]", "5", "BODY", ["1"],
    ]  # fmt: skip


def test_depth_is_capped_without_recursion() -> None:
    fine = b"(" * MAX_DEPTH + b")" * MAX_DEPTH
    assert tokenize([fine])
    with pytest.raises(ProtocolViolation):
        tokenize([b"(" + fine + b")"])
    with pytest.raises(ProtocolViolation):
        tokenize([b"(" * 500_000])


@pytest.mark.parametrize(
    "line",
    [
        b'"' + b'\\"' * 300_000,
        b'\\"' * 300_000,
        b" " * 600_000 + b"x",
        b"x" + b" " * 600_000,
        b"BODY[ " * 100_000,
        b"{1" * 300_000,
        b"~" * 600_000,
        b'" ' * 300_000 + b'"',
    ],
    ids=["one quote", "escaped quotes", "leading spaces", "trailing spaces", "sections", "braces", "tildes", "pairs"],
)
def test_hostile_lines_cost_linear_time(line: bytes) -> None:
    # A quadratic tokenizer needs hours for one of these; the run's own time limit is the deadline.
    with contextlib.suppress(ProtocolViolation):
        tokenize([line])


def test_literals_stand_where_they_were_announced() -> None:
    segments = [b"* X ({3}", b"a\r\n", b" ~{1}", b"\0", b' "q") {0}', b"", b""]
    assert tokenize(segments) == ["*", "X", [b"a\r\n", b"\0", b"q"], b""]
