"""ENVELOPE and BODYSTRUCTURE of the embedded IMAP server, read back by an independent parser."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_lexer import TokenSource
from imapclient.response_parser import atom

from hsp.demo.envelope import addresses, body_structure, envelope, nstring
from hsp.demo.letters.post import sketches
from hsp.demo.mime import parse

ACCOUNTS = ("alice@demo.test", "bob@demo.test")


def read(answer: bytes) -> object:
    """What imapclient understands of an answer; literals are cut out for it as imaplib would."""
    chunks: list[bytes | tuple[bytes, bytes]] = []
    while b"}\r\n" in answer:
        head, _, rest = answer.partition(b"}\r\n")
        size = int(head.rpartition(b"{")[2])
        chunks.append((head + b"}", rest[:size]))
        answer = rest[size:]
    source = TokenSource([*chunks, answer])
    return atom(source, next(iter(source)))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (None, b"NIL"),
        ("", b'""'),
        ('a "b" \\c', b'"a \\"b\\" \\\\c"'),
        ("caf\xe9", b"{4}\r\ncaf\xe9"),
        ("a\r\nb", b"{4}\r\na\r\nb"),
        ("a\0b", b"{3}\r\na\x80b"),
    ],
)
def test_strings_travel_in_the_form_that_can_hold_them(text: str | None, written: bytes) -> None:
    assert nstring(text) == written


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a@b.example", [(None, "a", "b.example")]),
        ("Ann <a@b.example>, Bob <c@d.example>", [("Ann", "a", "b.example"), ("Bob", "c", "d.example")]),
        ('"Last, First" <a@b.example>', [("Last, First", "a", "b.example")]),
        ("a@b.example (Ann)", [("Ann", "a", "b.example")]),
        ("undisclosed-recipients:;", [(None, "undisclosed-recipients", None), (None, None, None)]),
        ("nobody", [(None, "nobody", "")]),
        ('"Unclosed <a@b.example>', [("Unclosed", "a", "b.example")]),
        ("", []),
        (", ,", []),
    ],
)
def test_addresses_are_split(value: str, found: list[tuple[str | None, str | None, str | None]]) -> None:
    assert addresses([value]) == found


def test_a_broken_date_goes_out_as_it_was_written() -> None:
    assert envelope(parse(b"Date: Blursday, 41 Octember\r\n\r\n")).startswith(b'("Blursday, 41 Octember" NIL')


def test_sender_and_reply_to_fall_back_on_from() -> None:
    parsed = read(envelope(parse(b"From: a@b.example\r\n\r\n")))
    assert isinstance(parsed, tuple)
    assert parsed[2] == parsed[3] == parsed[4]


def test_sizes_and_lines_are_those_of_the_body() -> None:
    assert body_structure(parse(b"A: b\r\n\r\none\r\ntwo\r\n"), extended=False) == (
        b'("text" "plain" NIL NIL NIL "7bit" 10 2)'
    )


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_seeded_message_has_an_envelope_and_a_structure_a_client_can_read(account: str) -> None:
    for sketch in sketches(account):
        part = parse(sketch.post(datetime(2026, 3, 1, tzinfo=UTC)).raw)
        parsed = read(envelope(part))
        assert isinstance(parsed, tuple)
        assert len(parsed) == 10, sketch.subject
        for extended in (True, False):
            assert isinstance(read(body_structure(part, extended=extended)), tuple), sketch.subject


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=80))
def test_any_address_field_makes_a_readable_envelope(value: str) -> None:
    field = value.replace("\r", " ").replace("\n", " ").encode("latin-1")
    parsed = read(envelope(parse(b"From: " + field + b"\r\nTo: " + field + b"\r\n\r\n")))
    assert isinstance(parsed, tuple)
    assert len(parsed) == 10


@given(st.text(alphabet='<>",@(): \\a;', max_size=40))
def test_splitting_addresses_never_fails_and_ends(value: str) -> None:
    for name, mailbox, host in addresses([value]):
        assert name is None or isinstance(name, str)
        assert mailbox is None or host is None or "@" not in host
