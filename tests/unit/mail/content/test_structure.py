"""Which part is the text, which are attachments: as good mail programs choose."""

import email.message

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail.content import TooComplex, read_structure, structure_from_raw, walk
from hsp.protocols.imap import BodyPart


def leaf(section: str, kind: str, *, name: str = "", cid: str = "", disposition: str = "", size: int = 100) -> BodyPart:
    major, minor = kind.split("/")
    params = {"name": name} if name else {}
    return BodyPart(
        section, major, minor, params, content_id=f"<{cid}>" if cid else "", size=size, disposition=disposition
    )


def multi(section: str, subtype: str, *parts: BodyPart, **params: str) -> BodyPart:
    return BodyPart(section, "multipart", subtype, params, parts=parts)


TEXT, HTML = leaf("1", "text/plain"), leaf("2", "text/html")


def sections(items: tuple[object, ...]) -> list[str]:
    return [item.section for item in items]  # type: ignore[attr-defined]  # bodies, attachments and parts all have one


@pytest.mark.parametrize(
    ("part", "section", "kind"),
    [
        (leaf("1", "text/plain"), "1", "text"),
        (leaf("1", "text/html"), "1", "html"),
        (multi("TEXT", "alternative", TEXT, HTML), "2", "html"),
        (multi("TEXT", "alternative", leaf("1", "text/html"), leaf("2", "text/plain")), "1", "html"),
        (multi("TEXT", "alternative", TEXT, leaf("2", "text/calendar")), "1", "text"),
        (multi("TEXT", "alternative", TEXT, leaf("2", "text/html", size=0)), "2", "html"),
        (
            multi(
                "TEXT",
                "alternative",
                TEXT,
                multi("2", "related", leaf("2.1", "text/html"), leaf("2.2", "image/png", cid="a")),
            ),
            "2.1",
            "html",
        ),
        (
            multi(
                "TEXT",
                "related",
                multi("1", "alternative", leaf("1.1", "text/plain"), leaf("1.2", "text/html")),
                leaf("2", "image/png", cid="a"),
            ),
            "1.2",
            "html",
        ),
        (multi("TEXT", "signed", leaf("1", "text/plain"), leaf("2", "application/pgp-signature")), "1", "text"),
        (multi("TEXT", "report", leaf("1", "text/plain"), leaf("2", "message/delivery-status")), "1", "text"),
        (multi("TEXT", "nonsense", leaf("1", "text/html")), "1", "html"),
        (leaf("1", "application/pdf"), "", "none"),
        (leaf("1", "text/plain", disposition="attachment"), "", "none"),
        (multi("TEXT", "mixed"), "", "none"),
        (multi("TEXT", "alternative"), "", "none"),
    ],
)
def test_the_body_that_is_chosen(part: BodyPart, section: str, kind: str) -> None:
    plan = read_structure(part)
    assert (plan.body_section, plan.body_kind) == (section, kind)


def test_plain_text_can_be_preferred_and_the_other_is_an_alternative() -> None:
    plan = read_structure(multi("TEXT", "alternative", TEXT, HTML), prefer_html=False)
    assert (plan.body_section, sections(plan.alternatives)) == ("1", ["2"])
    assert sections(read_structure(multi("TEXT", "alternative", TEXT, HTML)).alternatives) == ["1"]


def test_related_images_are_inline_and_still_listed() -> None:
    picture = leaf("2", "image/png", name="logo.png", cid="logo@x")
    plan = read_structure(multi("TEXT", "related", leaf("1", "text/html"), picture))
    assert plan.inline["logo@x"].section == "2"
    assert plan.attachments[0].inline


def test_related_may_name_its_root() -> None:
    root = BodyPart("2", "text", "html", {}, content_id="<root@x>", size=9)
    plan = read_structure(multi("TEXT", "related", leaf("1", "image/png", cid="a"), root, start="<root@x>"))
    assert plan.body_section == "2"


def test_mixed_lists_attachments_in_order() -> None:
    parts = (
        leaf("1", "text/plain"),
        leaf("2", "application/pdf", name="a.pdf"),
        leaf("3", "message/rfc822"),
        leaf("4", "application/ms-tnef"),
    )
    plan = read_structure(multi("TEXT", "mixed", *parts))
    assert sections(plan.attachments) == ["2", "3", "4"]


def test_apple_mail_puts_a_pdf_between_two_texts() -> None:
    parts = (
        leaf("1", "text/plain"),
        leaf("2", "application/pdf", name="a.pdf", disposition="inline"),
        leaf("3", "text/plain"),
    )
    plan = read_structure(multi("TEXT", "mixed", *parts))
    assert plan.body_section == "1"
    assert sections(plan.further) == ["3"]
    assert sections(plan.attachments) == ["2"]


def test_apple_mail_puts_the_pdf_into_the_html_alternative() -> None:
    html = multi(
        "2", "mixed", leaf("2.1", "text/html"), leaf("2.2", "application/pdf", name="a.pdf"), leaf("2.3", "text/html")
    )
    plan = read_structure(multi("TEXT", "alternative", leaf("1", "text/plain"), html))
    assert plan.body_section == "2.1"
    assert sections(plan.further) == ["2.3"]
    assert sections(plan.attachments) == ["2.2"]


def test_a_named_text_after_the_body_is_an_attachment() -> None:
    plan = read_structure(multi("TEXT", "mixed", TEXT, leaf("2", "text/plain", name="log.txt")))
    assert sections(plan.attachments) == ["2"]


def test_a_list_footer_is_a_further_text() -> None:
    assert sections(read_structure(multi("TEXT", "mixed", TEXT, leaf("2", "text/plain"))).further) == ["2"]


def test_invitations_are_noted_and_listed_once() -> None:
    invitation = multi(
        "TEXT",
        "mixed",
        multi("1", "alternative", leaf("1.1", "text/plain"), leaf("1.2", "text/calendar")),
        leaf("2", "text/calendar", name="invite.ics"),
    )
    plan = read_structure(invitation)
    assert sections(plan.calendar) == ["1.2", "2"]
    assert sections(plan.attachments) == ["2"]


def test_signed_and_encrypted_are_told() -> None:
    assert read_structure(multi("TEXT", "signed", TEXT, leaf("2", "application/pkcs7-signature"))).signed
    encrypted = read_structure(
        multi("TEXT", "encrypted", leaf("1", "application/pgp-encrypted"), leaf("2", "application/octet-stream"))
    )
    assert encrypted.encrypted
    assert encrypted.body_kind == "none"


def test_an_enclosed_message_is_an_attachment_not_a_body() -> None:
    inner = BodyPart("2", "message", "rfc822", {}, parts=(leaf("2.1", "text/html"),))
    plan = read_structure(multi("TEXT", "mixed", TEXT, inner))
    assert (plan.body_section, sections(plan.attachments)) == ("1", ["2"])
    assert plan.attachments[0].name.endswith(".eml")


def test_sc12_structures_beyond_the_limits_are_too_complex() -> None:
    deep = leaf("1", "text/plain")
    for _ in range(100):
        deep = multi("TEXT", "mixed", deep)
    with pytest.raises(TooComplex):
        read_structure(deep)
    with pytest.raises(TooComplex):
        read_structure(multi("TEXT", "mixed", *[TEXT] * 2000))


RAW = (
    b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\naGk=\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>hi\r\n--b--\r\n"
    b"--a\r\nContent-Type: application/pdf; name*0*=utf-8''%C3%A9; name*1=\".pdf\"\r\n"
    b"Content-Disposition: attachment\r\n\r\nPDF\r\n"
    b"--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n"
    b"--c\r\n\r\ninner\r\n--c--\r\n--a--\r\n"
)


def test_raw_messages_are_numbered_as_imap_numbers_them() -> None:
    part, data = structure_from_raw(RAW)
    assert [one.section for one in walk(part)] == ["TEXT", "1", "1.1", "1.2", "2", "3"]
    assert data["1.1"].strip() == b"aGk="
    assert part.parts[2].parts[0].section == "3.TEXT"
    assert part.parts[2].parts[0].parts[0].section == "3.1"
    plan = read_structure(part)
    assert (plan.body_section, [one.name for one in plan.attachments]) == ("1.2", ["é.pdf", "part-3.eml"])


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\r\n",
        b"no header at all",
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nunclosed",
        b'Content-Type: text/plain; charset="x\r\n\r\n\xff\xfe',
        b"Content-Type: ;;;=\r\nContent-Disposition: \xff; =; filename\r\n\r\nx",
        b"Content-Type: message/rfc822\r\n\r\n",
        b"Content-Type: message/delivery-status\r\n\r\nA: b\r\n\r\nC: d\r\n",
        b"Content-Type: /\r\n\r\nx",
    ],
)
def test_broken_messages_have_a_structure(raw: bytes) -> None:
    part, data = structure_from_raw(raw)
    read_structure(part)
    assert all(one.section in data or one.parts or one.type == "multipart" for one in walk(part))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                b"Content-Type: ",
                b"multipart/mixed; boundary=a",
                b"message/rfc822",
                b"\r\n",
                b"\r\n\r\n",
                b"--a",
                b"--a--",
                b"\xff",
                b'"',
                b";",
                b"=",
                b"x",
            ]
        ),
        max_size=30,
    ).map(b"".join)
)
def test_any_bytes_have_a_structure(raw: bytes) -> None:
    read_structure(structure_from_raw(raw)[0])


def test_sc12_a_message_nested_without_end_is_too_complex() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\n" * 500
    with pytest.raises(TooComplex):
        structure_from_raw(raw)


def test_what_python_writes_is_read_back() -> None:
    message = email.message.EmailMessage()
    message["Subject"] = "x"
    message.set_content("plain é")
    message.add_alternative("<p>é", subtype="html")
    message.add_attachment(b"data", maintype="application", subtype="pdf", filename="Grüße.pdf")
    plan = read_structure(structure_from_raw(message.as_bytes())[0])
    assert plan.body_kind == "html"
    assert [one.name for one in plan.attachments] == ["Grüße.pdf"]
