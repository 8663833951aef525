"""Composing: whatever the fields hold, the bytes are one well-formed mail with exactly these recipients."""

import email
import re
from email.header import decode_header, make_header
from email.message import Message
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail import (
    Attached,
    BadDraft,
    Composed,
    ComposeLimits,
    Draft,
    TooLarge,
    compose,
    parse_address,
    parse_addresses,
)

NOW = 1_700_000_000.0
ANYTHING = st.text(alphabet=st.characters(codec=None), max_size=200)
NASTY = st.one_of(ANYTHING, st.sampled_from(["\r\nBcc: x@y.z", "\n\nbody", "\r.\r\n", "\0", "=?utf-8?q?x?=", "\ud800"]))


def made(**fields: object) -> Composed:
    values = {"sender": "alice@demo.test", "to": "bob@demo.test", "subject": "s", "text": "t"} | fields
    return compose(Draft(**values), now=NOW, token=lambda: "token")  # type: ignore[arg-type]  # test fields


def parsed(composed: Composed) -> Message:
    return email.message_from_bytes(composed.message)


def shown(message: Message, name: str) -> str:
    return str(make_header(decode_header(message[name])))


def test_the_fields_of_a_plain_mail() -> None:
    message = parsed(made(cc="Carol <carol@demo.test>"))
    assert message["From"] == "alice@demo.test"
    assert message["To"] == "bob@demo.test"
    assert message["Cc"] == "Carol <carol@demo.test>"
    assert message["Message-ID"] == "<token@demo.test>"
    assert message["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert message.get_payload(decode=True) == b"t\r\n"


@settings(max_examples=150)
@given(NASTY, NASTY, NASTY, NASTY)
def test_sc14_no_field_adds_a_header_a_part_or_a_recipient(subject: str, name: str, text: str, thread: str) -> None:
    composed = made(subject=subject, sender_name=name, text=text, in_reply_to=thread, references=thread)
    message = parsed(composed)
    allowed = {"Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References"}
    allowed |= {"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert set(message.keys()) <= allowed
    assert len(message.keys()) == len(set(message.keys()))
    assert composed.recipients == ("bob@demo.test",)
    assert not message.is_multipart()
    _is_well_formed(composed.message)


def _is_well_formed(data: bytes) -> None:
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\0" not in data
    assert all(len(line) <= 998 for line in data.split(b"\r\n"))


@settings(max_examples=60)
@given(NASTY)
def test_a_subject_is_read_back(subject: str) -> None:
    clean = subject.encode("utf-8", "replace").decode()
    clean = " ".join("".join(c if c.isprintable() else " " for c in clean).split())
    assert " ".join(shown(parsed(made(subject=subject)), "Subject").split()) == clean


@settings(max_examples=60)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=400))
def test_a_text_is_read_back(text: str) -> None:
    body = parsed(made(text=text)).get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")


@settings(max_examples=60)
@given(NASTY, NASTY)
def test_an_attachment_is_data_whatever_its_name_and_type(name: str, content_type: str) -> None:
    composed = made(attachments=(Attached(name, content_type, b"\r\n.\r\n--b\0data"),))
    message = email.message_from_bytes(composed.message, policy=default)
    (part,) = list(message.iter_attachments())  # type: ignore[attr-defined]  # the default policy's message has it
    assert part.get_payload(decode=True) == b"\r\n.\r\n--b\0data"
    assert "/" not in part.get_filename()
    assert part.get_content_maintype() not in {"multipart", "message"}
    _is_well_formed(composed.message)


def test_a_long_foreign_file_name_is_read_back() -> None:
    name = "Ünïcödé 文件 " * 8 + ".pdf"
    message = email.message_from_bytes(
        made(attachments=(Attached(name, "application/pdf", b"x"),)).message, policy=default
    )
    (part,) = list(message.iter_attachments())  # type: ignore[attr-defined]  # the default policy's message has it
    assert part.get_filename() == " ".join(name.split())


def test_bcc_is_in_the_envelope_and_in_the_saved_copy_only() -> None:
    composed = made(bcc="Secret <secret@demo.test>")
    assert composed.recipients == ("bob@demo.test", "secret@demo.test")
    assert b"ecret" not in composed.message
    assert b"Bcc: Secret <secret@demo.test>\r\n" in composed.saved_copy
    assert made(to="", bcc="x@demo.test").recipients == ("x@demo.test",)


def test_threads_are_kept_and_bounded() -> None:
    long_id = "<" + "a" * 200 + "@x>"
    references = " ".join(f"<{n}@x>" for n in range(50))
    message = parsed(made(in_reply_to=long_id, references=references))
    assert message["In-Reply-To"] == long_id
    ids = message["References"].split()
    assert (ids[0], ids[-1], len(ids)) == ("<0@x>", long_id, 20)


def test_inline_images_belong_to_the_html() -> None:
    image = Attached("a.png", "image/png", b"png", content_id="c1")
    types = [part.get_content_type() for part in parsed(made(html="<img src=cid:c1>", attachments=(image,))).walk()]
    assert types == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]


def test_limits_are_said_and_named() -> None:
    with pytest.raises(TooLarge):
        compose(Draft("a@b.c", to="d@e.f", text="x" * 5000), now=NOW, limits=ComposeLimits(message_size=1000))
    with pytest.raises(BadDraft) as caught:
        compose(Draft("a@b.c", to=",".join(f"u{n}@e.f" for n in range(9))), now=NOW, limits=ComposeLimits(recipients=8))
    assert caught.value.problems == (("to", "too_many_recipients"),)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"to": ""}, ("to", "no_recipient")),
        ({"to": "bob"}, ("to", "bad_address: bob")),
        ({"cc": "a b@c.d"}, ("cc", "bad_address: a b@c.d")),
        ({"bcc": "x@y.z\x01"}, ("bcc", "bad_address: x@y.z")),
        ({"sender": "nobody"}, ("from", "bad_address")),
        ({"subject": "x" * 5000}, ("subject", "too_long")),
    ],
)
def test_what_cannot_be_sent_is_named_by_field(fields: dict[str, str], problem: tuple[str, str]) -> None:
    with pytest.raises(BadDraft) as caught:
        made(**fields)
    assert problem in caught.value.problems


def test_the_digest_knows_the_fields_and_nothing_else() -> None:
    assert (
        made().digest
        == compose(Draft("alice@demo.test", to="bob@demo.test", subject="s", text="t"), now=NOW + 99).digest
    )
    others = [made(text="u"), made(subject="st", text=""), made(attachments=(Attached("a", "b/c", b"d"),))]
    assert len({made().digest, *(one.digest for one in others)}) == 4


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("a@b.c", ["a@b.c"]),
        ("Doe, J <a@b.c>", None),
        ('"Doe, J" <a@b.c>, d@e.f; g@h.i', ["a@b.c", "d@e.f", "g@h.i"]),
        ("Team: a@b.c, d@e.f;", ["a@b.c", "d@e.f"]),
        ("a@b.c\r\nBcc: d@e.f", None),
        ("a@b.c: d@e.f", None),
        ("a@b.c,\r\n a@b.c", ["a@b.c"]),
        ("J (work) <a@b.c>", ["a@b.c"]),
        ("a@b.c (J)", ["a@b.c"]),
        ("x@bücher.example", ["x@xn--bcher-kva.example"]),
        ("用户@例子.广告", ["用户@xn--fsqu00a.xn--4rr70v"]),
        ('"odd name"@b.c', ['"odd name"@b.c']),
        ("a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        ("a@B.C.", ["a@b.c"]),
        ("", []),
    ],
)
def test_address_lists(text: str, addresses: list[str] | None) -> None:
    found, bad = parse_addresses(text)
    if addresses is None:
        assert bad
    else:
        assert ([one.address for one in found], bad) == (addresses, [])


@pytest.mark.parametrize(
    "text",
    ["", "a", "@b", "a@", "a@b@c", "a b@c", "a@b..c", "a@-b", ".a@b", "a.@b", "a..b@c", "a@[x]", "a\n@b", "<a@b>",
     "a" * 65 + "@b", "a@" + "b" * 300, "a@b\0", "a,b@c"],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert parse_address(text) is None


@given(ANYTHING)
def test_sc14_an_accepted_address_cannot_end_its_place(text: str) -> None:
    for mailbox in parse_addresses(text)[0]:
        local = re.sub(r'^"(?:[^"\\]|\\.)*"(?=@)', "quoted", mailbox.address)
        assert not re.search(r"[\s<>,;:\"\x00-\x1f\x7f]", local.replace("[IPv6:", "[").partition("[")[0])
