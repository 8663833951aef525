"""Commands: whatever a value holds, it stays a value (class SC-13)."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.imap.wire import (
    MAX_SET,
    Argument,
    Atom,
    CommandWriter,
    FetchItem,
    Literal8,
    LiteralBytes,
    date_time,
    flag,
    mailbox,
    needs_charset,
    sequence_set,
)  # fmt: skip


def render(*arguments: Argument, non_sync: int = 10**9) -> bytes:
    return b"".join(CommandWriter(non_sync=non_sync).render("h1 X", arguments))


def read_back(wire: bytes) -> list[bytes]:
    """The strings of a command as a server reads them, and proof that nothing else is there."""
    found: list[bytes] = []
    assert wire.startswith(b"h1 X")
    rest = wire[4:]
    while rest != b"\r\n":
        assert rest.startswith(b" ")
        literal = re.match(rb" \{(\d+)\+?\}\r\n", rest)
        quoted = re.match(rb' "((?:[^"\\\r\n\0\x80-\xff]|\\["\\])*)"', rest)
        if literal:
            end = literal.end() + int(literal[1])
            found.append(rest[literal.end() : end])
            rest = rest[end:]
        else:
            assert quoted, rest[:40]
            found.append(re.sub(rb"\\(.)", rb"\1", quoted[1]))
            rest = rest[quoted.end() :]
    return found


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=4))
def test_sc13_a_value_can_never_become_protocol(values: list[str]) -> None:
    assert read_back(render(*values)) == [value.encode() for value in values]


@pytest.mark.parametrize(
    "value", ["x\r\nh9 DELETE INBOX", 'a" h9 LOGOUT', "{5}\r\nabc", "\\", '\\"', "é\r\n", "x" * 5000, "", "\x7f", "\t"]
)
def test_sc13_known_injections(value: str) -> None:
    assert read_back(render(value, value)) == [value.encode()] * 2
    assert read_back(render(value, non_sync=0)) == [value.encode()]


@pytest.mark.parametrize("value", ["a\0b", "\0", "\ud800"])
def test_what_has_no_safe_form_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"NUL|surrogates"):
        render(value)


@given(st.text(max_size=20))
def test_an_atom_holds_nothing_that_ends_it(value: str) -> None:
    try:
        atom = Atom(value)
    except ValueError:
        return
    assert re.fullmatch(rb"[\x21-\x7e]+", atom.encode())
    assert not set(atom) & set('(){%" ')


@given(st.text(max_size=30))
def test_a_fetch_item_stays_within_its_brackets(value: str) -> None:
    try:
        item = FetchItem(value)
    except ValueError:
        return
    assert not set(item) & set('\r\n"{}\\\0')
    assert " " not in item.partition("[")[0]


@pytest.mark.parametrize("name", ["\\Seen", "$Forwarded", "Work-1", "\\Deleted"])
def test_flags_pass(name: str) -> None:
    assert flag(name) == name


@pytest.mark.parametrize("name", ["", "a b", "x)", "\\", "\\a\\b", "é", "a\r\nb", "*", "\\*", 'q"', "]", "\0"])
def test_sc13_flags_that_would_end_the_list_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="flag"):
        flag(name)


@pytest.mark.parametrize("name", ["", "a\r\nb", "a\nb", "x\0", "\x1b[2J", "\x7f"])
def test_sc13_folder_names_with_control_characters_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="folder name"):
        mailbox(name)


def test_literals_wait_for_leave_only_where_they_must() -> None:
    chunks = CommandWriter(non_sync=0).render("h1 APPEND", [b"Sent", LiteralBytes(b"abc")])
    assert chunks == [b'h1 APPEND "Sent" {3}\r\n', b"abc\r\n"]
    chunks = CommandWriter(non_sync=4096).render("h1 APPEND", [b"Sent", LiteralBytes(b"abc")])
    assert chunks == [b'h1 APPEND "Sent" {3+}\r\nabc\r\n']
    assert len(CommandWriter(non_sync=4096).render("h1 X", [b"\xff" * 4097])) == 2
    assert CommandWriter(non_sync=4096).render("h1 X", [Literal8(b"\0")]) == [b"h1 X ~{1+}\r\n\0\r\n"]


def test_lists_nest_to_a_limit() -> None:
    assert render([Atom("OR"), [Atom("FROM"), "a"], []]) == b'h1 X (OR (FROM "a") ())\r\n'
    deep: Argument = []
    for _ in range(60):
        deep = [deep]
    with pytest.raises(ValueError, match="nested"):
        render(deep)


@given(st.lists(st.integers(1, 5000), max_size=300))
def test_a_sequence_set_names_exactly_its_numbers(uids: list[int]) -> None:
    found: set[int] = set()
    for part in sequence_set(uids):
        for piece in part.split(","):
            first, _, last = piece.partition(":")
            found |= set(range(int(first), int(last or first) + 1))
    assert found == set(uids)


def test_long_sets_are_cut_for_the_command_line() -> None:
    sets = sequence_set(range(1, 40_001, 2))
    assert len(sets) > 10
    assert all(len(part) <= MAX_SET for part in sets)
    assert sum(part.count(",") + 1 for part in sets) == 20_000


@pytest.mark.parametrize("text", ["1:*", "5", "1,3:7,*"])
def test_sets_as_text_are_checked(text: str) -> None:
    assert sequence_set(text) == [text]


@pytest.mark.parametrize("text", ["", "1 2", "1:", "a", "1\r\nh2 LOGOUT", "1,,2", "$"])
def test_sc13_sets_as_text_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="sequence set"):
        sequence_set(text)


@pytest.mark.parametrize("uid", [0, -1, 2**32])
def test_uids_out_of_range_are_refused(uid: int) -> None:
    with pytest.raises(ValueError, match="UID"):
        sequence_set([uid])


def test_dates_are_written_with_their_zone() -> None:
    assert date_time(datetime(2026, 7, 4, 9, 5, 1, tzinfo=UTC)) == " 4-Jul-2026 09:05:01 +0000"
    zone = timezone(-timedelta(hours=3, minutes=30))
    assert date_time(datetime(2026, 12, 24, 23, 59, 59, tzinfo=zone)) == "24-Dec-2026 23:59:59 -0330"
    with pytest.raises(ValueError, match="zone"):
        date_time(datetime(2026, 7, 4, 9, 5, 1))


def test_only_text_beyond_ascii_needs_a_charset() -> None:
    assert needs_charset([Atom("OR"), [Atom("FROM"), "é"]])
    assert not needs_charset([Atom("FROM"), "e", 5, b"\xff"])
