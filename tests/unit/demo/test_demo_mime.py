"""The MIME walk of the embedded IMAP server: section numbers, odd boundaries, and no input that it cannot take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.demo.mime import parse, structured

NESTED = (
    b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\npreamble\r\n"
    b"--outer\r\nContent-Type: text/plain\r\n\r\none\r\n"
    b"--outer\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inside\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
    b"--inner\r\n\r\ninner one\r\n--inner\r\nContent-Type: text/html\r\n\r\n<p>inner two</p>\r\n--inner--\r\n"
    b"--outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: plain inside\r\n\r\nplain\r\n"
    b"--outer--\r\nepilogue\r\n"
)


@pytest.mark.parametrize(
    ("section", "body"),
    [
        ((1,), b"one"),
        ((2, 1), b"inner one"),
        ((2, 2), b"<p>inner two</p>"),
        ((3, 1), b"plain"),
    ],
)
def test_sections_are_numbered_through_forwarded_messages(section: tuple[int, ...], body: bytes) -> None:
    assert parse(NESTED).find(section).body == body


@pytest.mark.parametrize("section", [(4,), (1, 2), (2, 3), (0,), (3, 1, 1), (1, 1)])
def test_a_section_that_does_not_exist_is_an_index_error(section: tuple[int, ...]) -> None:
    with pytest.raises(IndexError):
        parse(NESTED).find(section)


def test_the_body_of_a_simple_message_is_its_section_one() -> None:
    assert parse(b"Subject: x\r\n\r\nhello").find((1,)).body == b"hello"


def test_a_header_without_end_is_all_header() -> None:
    message = parse(b"Subject: only\r\nTo: nobody")
    assert (message.first("subject"), message.body) == ("only", b"")


def test_a_message_may_begin_with_its_body() -> None:
    assert parse(b"\r\nno header").body == b"no header"


def test_folded_fields_are_unfolded_and_kept_raw() -> None:
    (name, raw, value), _ = parse(b"Subject: a\r\n\tb\r\nTo: x\r\n\r\n").fields
    assert (name, raw, value) == ("subject", b"Subject: a\r\n\tb\r\n", "a\tb")


def test_a_multipart_without_end_keeps_its_last_part() -> None:
    message = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nthe end is miss")
    assert [part.body for part in message.parts] == [b"the end is miss"]


@pytest.mark.parametrize(
    "content_type",
    [b"multipart/mixed", b"multipart/mixed; boundary=", b"///;;=;", b"", b"multipart/mixed; boundary=no"],
)
def test_what_cannot_be_understood_is_plain_text(content_type: bytes) -> None:
    message = parse(b"Content-Type: " + content_type + b"\r\n\r\nwords")
    assert (message.type, message.subtype, message.parts) == ("text", "plain", ())


def test_parts_of_a_digest_are_messages() -> None:
    digest = parse(b"Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: in\r\n\r\nx\r\n--d--\r\n")
    inside = digest.parts[0].message
    assert inside is not None
    assert inside.first("subject") == "in"


def test_an_empty_part_is_a_part() -> None:
    message = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n\r\nx\r\n--b--")
    assert [part.raw for part in message.parts] == [b"", b"\r\nx"]


def test_a_boundary_is_not_found_inside_a_longer_one() -> None:
    message = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--bb\r\n--b--")
    assert [part.body for part in message.parts] == [b"--bb"]


def test_parameters_keep_their_words_and_lose_their_quotes() -> None:
    value = structured('attachment; filename="a \\"b\\"; c.txt"; size=3')
    assert (value.main, value.get("filename"), value.get("size")) == ("attachment", 'a "b"; c.txt', "3")


def test_boxes_in_boxes_come_to_an_end() -> None:
    level = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(500))
    assert len(parse(level + b"\r\ndeep").walk()) < 60


@given(st.binary(max_size=400))
def test_any_octets_come_back_as_they_were(octets: bytes) -> None:
    message = parse(octets)
    assert message.raw == octets
    assert message.walk()[0] is message


@given(
    st.lists(st.sampled_from([b"--b", b"--b--", b"\r\n", b"\n", b"Content-Type: multipart/mixed; boundary=b", b" x"]))
)
def test_any_order_of_boundaries_is_walked(pieces: list[bytes]) -> None:
    message = parse(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"".join(pieces))
    for part in message.walk():
        assert part.body in message.body
