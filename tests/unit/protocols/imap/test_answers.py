"""Folders, counts, number lists and status texts."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.imap import answers
from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.model import Namespaces, Quota, Status


def test_a_folder() -> None:
    folder = answers.parse_list([rb'* LIST (\HasNoChildren \sent) "/" "Entw&APw-rfe \"x\""'])
    assert (folder.name, folder.delimiter, folder.special_use, folder.selectable) == ('Entwürfe "x"', "/", "sent", True)


@pytest.mark.parametrize("flag", [r"\Noselect", r"\NOSELECT", r"\NonExistent", r"\nonexistent"])
def test_a_folder_that_cannot_be_opened(flag: str) -> None:
    folder = answers.parse_list([f"* LIST ({flag}) NIL {{1}}".encode(), b"x", b""])
    assert (folder.name, folder.delimiter, folder.selectable) == ("x", None, False)


@pytest.mark.parametrize("name", [b"inbox", b'"Inbox"', b"INBOX"])
def test_inbox_has_one_spelling(name: bytes) -> None:
    assert answers.parse_list([b'* LIST () "/" ' + name]).name == "INBOX"


def test_names_in_utf8_where_enabled() -> None:
    assert answers.parse_list(['* LIST () "/" "Entwürfe & Co"'.encode()], utf8=True).name == "Entwürfe & Co"


def test_counts() -> None:
    name, status = answers.parse_status_data(
        [b'* STATUS "a b" (MESSAGES 3 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 4 HIGHESTMODSEQ 8 MAILBOXID (F2) NEW x)']
    )
    assert name == "a b"
    assert status == Status(messages=3, unseen=1, uidnext=9, uidvalidity=4, highestmodseq=8, mailboxid="F2")


def test_number_lists() -> None:
    assert answers.parse_numbers([b"* SEARCH 1 5 3 (MODSEQ 9)"]) == [1, 5, 3]
    assert answers.parse_numbers([b"* SEARCH"]) == []
    assert answers.parse_esearch([b'* ESEARCH (TAG "h3") UID ALL 1:3,9']) == ("h3", [1, 2, 3, 9])
    assert answers.parse_esearch([b'* ESEARCH (TAG "h3") UID']) == ("h3", [])
    assert answers.parse_esearch([b"* ESEARCH UID COUNT 3"]) == ("", [])


@pytest.mark.parametrize(
    ("parse", "line"),
    [
        (answers.parse_numbers, b"* SEARCH 1 x"),
        (answers.parse_numbers, b"* SEARCH " + b"9" * 5000),
        (answers.parse_esearch, b'* ESEARCH (TAG "h") ALL 1:4294967295'),
        (answers.parse_esearch, b'* ESEARCH (TAG "h") ALL 1:' + b"9" * 30),
        (answers.parse_esearch, b'* ESEARCH (TAG "h") ALL 1,,2'),
        (answers.parse_list, b"* LIST ()"),
        (answers.parse_status_data, b"* STATUS x"),
        (answers.parse_quota, b"* QUOTA"),
    ],
)
def test_nonsense_is_a_violation(parse: Callable[[list[bytes]], object], line: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse([line])


@given(
    st.sampled_from(["list", "status_data", "numbers", "esearch", "quota", "id", "namespace"]), st.binary(max_size=60)
)
def test_any_answer_is_read_or_a_violation(name: str, tail: bytes) -> None:
    with contextlib.suppress(ProtocolViolation):
        getattr(answers, f"parse_{name}")([b"* X " + tail])


def test_status_texts() -> None:
    status = answers.parse_status(b"NO [OVERQUOTA] the mailbox\x1b[2J is full\r")
    assert (status.status, status.code, status.text) == ("NO", "OVERQUOTA", "the mailbox [2J is full ")
    status = answers.parse_status(b"ok [COPYUID 1 2:3 4:5] done")
    assert (status.status, status.code, status.argument, status.text) == ("OK", "COPYUID", "1 2:3 4:5", "done")
    assert answers.parse_status(b"OK").text == ""


@given(st.binary(max_size=2000))
def test_any_status_text_is_short_and_fit_to_log(line: bytes) -> None:
    text = answers.parse_status(b"NO " + line).text
    assert len(text) <= 1000
    assert not any(character < " " or character == "\x7f" for character in text)


def test_quota_counts_in_bytes() -> None:
    assert answers.parse_quota([b'* QUOTA "User" (STORAGE 10 64 MESSAGE 3 9)']) == Quota("User", 10240, 65536, 3, 9)
    assert answers.parse_quota([b"* QUOTA x ()"]) == Quota("x")


def test_id_and_namespace() -> None:
    assert answers.parse_id([b'* ID ("name" "Dovecot" "Version" NIL)']) == {"name": "Dovecot", "version": ""}
    assert answers.parse_id([b"* ID NIL"]) == {}
    found = answers.parse_namespace([b'* NAMESPACE (("" "/")) NIL (("Shared/" "/")("x." "." "EXT" ("y")))'])
    assert found == Namespaces((("", "/"),), (), (("Shared/", "/"), ("x.", ".")))
