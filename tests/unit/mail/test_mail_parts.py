"""The small parts of mail: queries, folder roles, rows, dates, transfer encodings, replies."""

import asyncio
import base64
import quopri
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.mail import DomainTable, LoginRejected, MailRoute, OpenedMail, forward, reply
from hsp.mail.folders import Folder, _roles
from hsp.mail.ids import FolderKey, FolderRef
from hsp.mail.query import search_criteria
from hsp.mail.rows import RowCache, build_row, message_date
from hsp.mail.transfer import decoded
from hsp.protocols.imap import Address, Atom, BodyPart, Endpoint, Envelope, Fetched, FolderInfo
from hsp.protocols.smtp import SmtpEndpoint

REF = FolderRef(1, 2, FolderKey("INBOX", 3))
TEXT = BodyPart("1", "text", "plain", {})


def fetched(uid: int = 5, flags: frozenset[str] = frozenset(), subject: bytes = b"Hello") -> Fetched:
    author = Address(b"J\xc3\xb6rg", "j", "x.y")
    envelope = Envelope("Mon, 01 Jan 2024 10:00:00 +0000", subject, (author,), (), (), (), (), (), "", "")
    fields = {"seq": 1, "uid": uid, "flags": flags, "internal_date": datetime(2024, 1, 2, tzinfo=UTC), "size": 10}
    given = {"modseq": 0, "envelope": envelope, "structure": TEXT, "sections": {}, "items": frozenset()}
    missing = {name: {} for name in Fetched._fields if name not in {**fields, **given}}
    return Fetched(**{**fields, **given, **missing})  # type: ignore[arg-type]  # all fields by name


# Queries


@pytest.mark.parametrize(
    ("query", "criteria"),
    [
        ("", []),
        ("hello", [("TEXT", "hello")]),
        ("from:bob to:alice", [("FROM", "bob"), ("TO", "alice")]),
        ('subject:"two words" x', [("SUBJECT", "two words"), ("TEXT", "x")]),
        ("is:unread IS:FLAGGED", [("UNSEEN",), ("FLAGGED",)]),
        ("has:attachment", [("HEADER", "Content-Type", "multipart/mixed")]),
        ("https://x.y", [("TEXT", "https://x.y")]),
        ("is:odd", [("TEXT", "is:odd")]),
        ('"open', [("TEXT", "open")]),
    ],
)
def test_queries(query: str, criteria: list[tuple[str, ...]]) -> None:
    assert search_criteria(query) == [word for criterion in criteria for word in criterion]


@given(st.text(alphabet=st.characters(codec=None), max_size=600))
def test_sc13_no_text_becomes_a_search_key(query: str) -> None:
    keys = {"FROM", "TO", "CC", "SUBJECT", "BODY", "UNSEEN", "SEEN", "FLAGGED", "ANSWERED", "DRAFT", "TEXT", "HEADER"}
    for word in search_criteria(query):
        assert not isinstance(word, Atom) or word in keys
        assert str(word).isprintable()
    assert len(search_criteria(query)) <= 60


# Folders


def info(name: str, use: str | None = None) -> FolderInfo:
    return FolderInfo(name, "/", frozenset(), use)


def test_roles_go_by_attribute_then_by_well_known_name() -> None:
    roles = _roles([info("INBOX"), info("Trash"), info("Rubbish", "Trash"), info("Sent Items"), info("Work/Drafts")])
    assert roles == {"INBOX": "inbox", "Rubbish": "trash", "Sent Items": "sent"}


def test_roles_below_the_inbox_count_as_top() -> None:
    assert _roles([info("INBOX"), info("INBOX/Papierkorb")])["INBOX/Papierkorb"] == "trash"


# Rows


def test_a_row_is_made_once_and_carries_the_flags_of_the_moment() -> None:
    cache = RowCache()
    message = fetched()
    cache.put(2, 5, message.flags, build_row(REF, message))
    first = cache.get(2, 5, frozenset())
    assert first is not None
    assert (first.subject, first.senders, first.unread) == ("Hello", "Jörg", True)
    assert cache.get(2, 5, frozenset()) is first
    seen = cache.get(2, 5, frozenset({"\\Seen", "\\ANSWERED", "$Forwarded", "\\Draft"}))
    assert seen is not None
    assert (seen.unread, seen.answered, seen.forwarded, seen.draft, seen.flagged) == (False, True, True, True, False)
    assert replace(seen, unread=True, answered=False, forwarded=False, draft=False) == first
    assert cache.get(3, 5, None) is None


def test_the_row_cache_is_bounded_by_bytes() -> None:
    cache = RowCache(capacity=10_000)
    for uid in range(1, 200):
        message = fetched(uid, subject=b"x" * uid)
        cache.put(2, uid, message.flags, build_row(REF, message))
        assert cache.size <= 10_000
    assert cache.get(2, 199, None) is not None
    assert cache.get(2, 1, None) is None


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("Mon, 01 Jan 2024 10:00:00 +0000", 1_704_103_200.0),
        ("Mon, 01 Jan 2024 10:00:00", 1_704_103_200.0),
        ("Mon, 01 Jan 2040 10:00:00 +0000", 1_704_153_600.0),
        ("Mon, 01 Jan 1900 10:00:00 +0000", 1_704_153_600.0),
        ("nonsense", 1_704_153_600.0),
        ("", 1_704_153_600.0),
        ("Mon, 99 Foo 2024 99:99:99 +9999", 1_704_153_600.0),
    ],
)
def test_dates(header: str, expected: float) -> None:
    assert message_date(header, datetime(2024, 1, 2, tzinfo=UTC)) == expected


@given(st.text(max_size=60))
def test_no_date_header_breaks_a_list(header: str) -> None:
    assert message_date(header, None) >= 0


# Transfer encodings in pieces


async def _in_pieces(data: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    at = 0
    for cut in cuts:
        yield data[at : at + cut]
        at += cut
    yield data[at:]


def _undo(data: bytes, cuts: list[int], encoding: str) -> bytes:
    async def collect() -> bytes:
        return b"".join([piece async for piece in decoded(_in_pieces(data, cuts), encoding)])

    return asyncio.run(collect())


@given(st.binary(max_size=300), st.lists(st.integers(0, 40), max_size=8))
def test_pieces_decode_like_the_whole(data: bytes, cuts: list[int]) -> None:
    assert _undo(base64.encodebytes(data).replace(b"\n", b"\r\n"), cuts, "BASE64") == data
    assert _undo(quopri.encodestring(data), cuts, "quoted-printable") == data
    assert _undo(data, cuts, "8bit") == data


@given(
    st.binary(max_size=200), st.lists(st.integers(0, 40), max_size=8), st.sampled_from(["base64", "quoted-printable"])
)
def test_damage_never_raises(data: bytes, cuts: list[int], encoding: str) -> None:
    assert len(_undo(data, cuts, encoding)) <= len(data)


# Answers


def opened(header: str) -> OpenedMail:
    folder = Folder("1_2", "INBOX", "INBOX", ("INBOX",), "inbox", 0, 1, 0, True, "")
    return OpenedMail("the-id", folder, TEXT, header.replace("\n", "\r\n").encode(), frozenset(), 1, 0.0, "", "")


MAIL = """From: =?utf-8?q?Doe=2C_J=C3=B6rg?= <j@x.y>
To: alice@demo.test, Bob <bob@demo.test>
Cc: carol@demo.test, j@x.y
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Mon, 01 Jan 2024 10:00:00 +0000
Message-ID: <m1@x.y>
References: <m0@x.y>

"""


def test_reply_goes_to_the_author() -> None:
    fields = reply(opened(MAIL), "Hi\n> old", me=["Alice@demo.test"])
    assert (fields.to, fields.cc) == ('"Doe, Jörg" <j@x.y>', "")
    assert fields.subject == "Re: Grüße"
    assert (fields.in_reply_to, fields.references) == ("<m1@x.y>", "<m0@x.y> <m1@x.y>")
    assert fields.answers == "the-id"
    assert fields.text.endswith("> Hi\n>> old\n")


def test_reply_to_all_leaves_me_and_the_author_out_of_cc() -> None:
    fields = reply(opened(MAIL), "", me=["alice@demo.test"], all=True)
    assert fields.cc == "Bob <bob@demo.test>, carol@demo.test"


def test_reply_heeds_reply_to_and_does_not_stack_prefixes() -> None:
    fields = reply(opened("From: a@b.c\nReply-To: list@b.c\nSubject: RE: x\n\n"), "", me=[])
    assert (fields.to, fields.subject) == ("list@b.c", "RE: x")


def test_answering_ones_own_mail_writes_to_whom_it_went() -> None:
    fields = reply(opened("From: me@b.c\nTo: you@b.c\nSubject: x\n\n"), "", me=["me@b.c"])
    assert fields.to == "you@b.c"


def test_forward_keeps_the_text_and_names_the_source() -> None:
    fields = forward(opened(MAIL), "the text")
    assert (fields.to, fields.subject, fields.forwards, fields.answers) == ("", "Fwd: Grüße", "the-id", "")
    assert "From: Doe, Jörg <j@x.y>" in fields.text
    assert fields.text.endswith("\n\nthe text")


@given(st.binary(max_size=300))
def test_any_header_can_be_answered(header: bytes) -> None:
    mail = replace(opened(""), header=header)
    assert "\n" not in reply(mail, "", me=[], all=True).subject
    assert "\n" not in forward(mail, "").subject


# Routes


def test_an_unknown_domain_is_answered_like_a_wrong_password() -> None:
    route = MailRoute(Endpoint("127.0.0.1", 1), SmtpEndpoint("127.0.0.1", 1, "none"), username="local")
    table = DomainTable({"demo.test": route})
    assert table.route("alice@DEMO.test") is route
    assert route.username_of("alice@demo.test") == "alice"
    with pytest.raises(LoginRejected):
        table.route("alice@elsewhere.test")
    assert DomainTable({"*": route}).route("alice@elsewhere.test") is route
