"""Headers in words, whatever stands in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.mail import Draft
from hsp.webmail.drafting import draft_message
from hsp.webmail.letter import names, read_header, sent_at

NOW = 1_795_420_800.0


def test_fields_are_decoded_and_keep_their_order() -> None:
    header = read_header(
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n =?utf-8?q?_dir?=\r\nX-A: 1\r\nx-a: 2\r\nno field\r\n"
    )
    assert header.fields == (("Subject", "Grüße dir"), ("X-A", "1"), ("x-a", "2"))
    assert header.get("x-a") == "1"
    assert header.get("absent") == ""


def test_addresses_are_taken_apart_before_they_are_decoded() -> None:
    header = read_header(b"From: =?utf-8?q?Raman=2C_Priya?= <p@example.org>, nobody\r\n")
    assert header.addresses("from") == [("Raman, Priya", "p@example.org"), ("nobody", "")]


@given(st.binary(max_size=400))
def test_no_header_raises(raw: bytes) -> None:
    header = read_header(raw + b"\r\nFrom: " + raw + b"\r\nDate: " + raw)
    for name, value in header.fields:
        assert "\n" not in name + value
    header.addresses("from", "to")
    assert sent_at(header, 5.0) is not None


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Mon, 99 Nov 2026 99:99:99 +9999", "1", "Mon, 1 Jan 99999 00:00:00 +0000"]
)
def test_a_broken_date_is_the_time_of_arrival(date: str) -> None:
    assert sent_at(read_header(f"Date: {date}\r\n".encode()), 7.0) == 7.0


def test_people_are_named_and_counted() -> None:
    people = [("", "me@x.test"), ("Sam", "sam@x.test"), ("", "a@x.test"), ("B", "b@x.test"), ("C", "c@x.test")]
    assert names(people, "me@x.test") == "me, Sam, a@x.test, B and 1 more"


@pytest.mark.anyio
@pytest.mark.parametrize("typed", ["a\r\nBcc: evil@x.test", "half@", "ä <ü@ä.test>, b@x.test", 'x" <y@z.test>'])
async def test_a_kept_draft_has_no_header_of_its_fields_making(typed: str) -> None:
    message = await draft_message(Draft(sender="me@x.test", to=typed, subject=typed, text="t"), NOW)
    head = message.partition(b"\r\n\r\n")[0]
    fields = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert fields.count(b"From") == 1
    assert b"Bcc" not in fields
    assert fields.count(b"To") + fields.count(b"X-Hsp-Typed-To") == 1
