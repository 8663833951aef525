"""BODYSTRUCTURE and ENVELOPE: section numbers as RFC 9051 counts them, sense made of nonsense."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.imap.model import Address, BodyPart, Value
from hsp.protocols.imap.structure import parse_envelope, parse_structure, text
from hsp.protocols.imap.tokens import tokenize

TEXT = '("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 12 3 NIL NIL NIL NIL)'
HTML = '("TEXT" "HTML" ("CHARSET" "UTF-8" "x" NIL) "<c@d>" "what" "Quoted-Printable" 99 4)'
PDF = (
    '("application" "pdf" ("name" "a.pdf") "<p@d>" NIL "base64" 400 NIL '
    '("ATTACHMENT" ("FileName" "a.pdf")) ("de" "en") NIL)'
)
ENVELOPE = '("Mon" "sub" (("N" NIL "m" "h")) NIL NIL NIL NIL NIL NIL "<id>")'


def structure(source: str) -> BodyPart:
    value = tokenize([source.encode()])
    assert len(value) == 1
    return parse_structure(value[0])


def sections(part: BodyPart) -> list[str]:
    return [part.section, *(section for child in part.parts for section in sections(child))]


def test_a_single_part_is_section_one() -> None:
    part = structure(TEXT)
    assert (part.section, part.type, part.subtype, part.params) == ("1", "text", "plain", {"charset": "utf-8"})
    assert (part.encoding, part.size, part.lines, part.parts) == ("7bit", 12, 3, ())


def test_types_names_and_encodings_are_lower_case_and_values_are_not() -> None:
    part = structure(HTML)
    assert (part.type, part.subtype, part.encoding) == ("text", "html", "quoted-printable")
    assert part.params == {"charset": "UTF-8", "x": ""}
    assert (part.content_id, part.description, part.lines) == ("<c@d>", b"what", 4)


def test_disposition_and_language() -> None:
    part = structure(PDF)
    assert (part.disposition, part.disposition_params, part.language) == (
        "attachment",
        {"filename": "a.pdf"},
        ("de", "en"),
    )


def test_parts_of_parts_are_numbered_by_place() -> None:
    source = (
        f'(({TEXT}{HTML} "alternative" ("boundary" "b") NIL NIL NIL){PDF} "mixed" ("boundary" "a") ("inline" NIL) "en")'
    )
    part = structure(source)
    assert sections(part) == ["TEXT", "1", "1.1", "1.2", "2"]
    assert (part.type, part.subtype, part.params, part.disposition, part.language) == (
        "multipart", "mixed", {"boundary": "a"}, "inline", ("en",),
    )  # fmt: skip


def test_a_message_within_a_message() -> None:
    single = f'("message" "rfc822" NIL NIL NIL "7bit" 500 {ENVELOPE} {TEXT} 20 NIL ("attachment" NIL) NIL NIL)'
    multi = f'("message" "rfc822" NIL NIL NIL "7bit" 500 {ENVELOPE} ({TEXT}{PDF} "mixed") 20)'
    part = structure(f'({TEXT}{single}{multi} "mixed" NIL NIL NIL NIL)')
    assert sections(part) == ["TEXT", "1", "2", "2.1", "3", "3.TEXT", "3.1", "3.2"]
    message = part.parts[1]
    assert (message.lines, message.disposition) == (20, "attachment")
    assert message.envelope is not None
    assert message.envelope.subject == b"sub"
    assert message.parts[0].type == "text"


def test_a_message_at_the_top() -> None:
    inner = f'("message" "rfc822" NIL NIL NIL "7bit" 5 {ENVELOPE} {TEXT} 2)'
    nested = f'("message" "rfc822" NIL NIL NIL "7bit" 5 {ENVELOPE} {inner} 3)'
    assert sections(structure(nested)) == ["1", "1.1", "1.1.1"]


def test_a_part_that_only_says_it_is_a_message_is_a_file() -> None:
    part = structure(
        '("message" "rfc822" ("name" "x.eml") NIL NIL "base64" 500 NIL ("attachment" ("filename" "x.eml")) NIL NIL)'
    )
    assert (part.parts, part.envelope, part.disposition, part.lines) == ((), None, "attachment", None)


def test_text_without_its_lines_keeps_its_disposition() -> None:
    part = structure('("text" "plain" NIL NIL NIL "7bit" 12 NIL ("attachment" ("filename" "x")) NIL NIL)')
    assert (part.lines, part.disposition) == (None, "attachment")


@pytest.mark.parametrize("source", ["NIL", "x", '"text"', "()", '("text" "plain")', '(() "mixed")', '(("a") "mixed")'])
def test_what_makes_no_sense_is_a_value_error(source: str) -> None:
    with pytest.raises(ValueError, match=r"body|seven"):
        structure(source)


def test_depth_needs_no_recursion() -> None:
    depth = 190
    part = structure("(" * depth + TEXT + ' "mixed")' * depth)
    for _ in range(depth):
        part = part.parts[0]
    assert part.type == "text"


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        structure(f'({TEXT * 10_001} "mixed")')


VALUE = st.recursive(
    st.none() | st.sampled_from(["5", "x", "-1", "²", b"message", b"rfc822", b"text"]) | st.binary(max_size=6),
    lambda inner: st.lists(inner, max_size=12),
    max_leaves=60,
)  # fmt: skip


@given(VALUE)
def test_any_value_is_a_structure_or_a_value_error(value: Value) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(parse_structure(value), BodyPart)


@given(VALUE)
def test_any_value_is_an_envelope_or_none(value: Value) -> None:
    envelope = parse_envelope(value)
    assert envelope is None or len(envelope) == 10


def test_an_envelope_keeps_raw_text_and_group_marks() -> None:
    value = tokenize([
        b'("date" "=?utf-8?q?x?= \xff" (("A \\"B\\"" NIL "a" "b.c")) NIL NIL ((NIL NIL "friends" NIL)(NIL NIL "x" "y")'
        b'(NIL NIL NIL NIL)) (("broken")) NIL "<r>" "<i>")'
    ])[0]  # fmt: skip
    envelope = parse_envelope(value)
    assert envelope is not None
    assert envelope.subject == b"=?utf-8?q?x?= \xff"
    assert envelope.from_ == (Address(b'A "B"', "a", "b.c"),)
    assert envelope.to == (Address(b"", "friends", None), Address(b"", "x", "y"), Address(b"", None, None))
    assert envelope.cc == ()
    assert (envelope.in_reply_to, envelope.message_id) == ("<r>", "<i>")


@given(st.binary())
def test_text_can_always_be_shown(value: bytes) -> None:
    text(value).encode("utf-8")
