"""SC-05: what a sender says about a part is data."""

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail.content import attachment_headers, safe_name, sniff
from hsp.mail.content.attachments import attachment_of, decoded_size
from hsp.protocols.imap import BodyPart

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 24


@pytest.mark.parametrize(
    ("declared", "disposition"),
    [
        ("image/png", "inline"),
        ("IMAGE/JPEG", "inline"),
        ("image/gif", "inline"),
        ("image/webp", "inline"),
        ("text/plain", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/xhtml+xml", "attachment"),
        ("text/xml", "attachment"),
        ("application/pdf", "attachment"),
        ("message/rfc822", "attachment"),
        ("text/calendar", "attachment"),
        ("multipart/x-mixed-replace", "attachment"),
        ("image/png, text/html", "attachment"),
        ("image/png; charset=x", "inline"),
        ("image/png\r\nX: y", "attachment"),
        ("", "attachment"),
    ],
)
def test_sc05_only_the_short_list_is_shown(declared: str, disposition: str) -> None:
    headers = attachment_headers("a", declared)
    assert headers["Content-Disposition"].split(";")[0] == disposition
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]
    if disposition == "attachment":
        assert headers["Content-Type"] == "application/octet-stream"


def test_sc05_an_image_that_is_none_is_saved() -> None:
    assert attachment_headers("a.png", "image/png", first_bytes=PNG)["Content-Disposition"].startswith("inline")
    forged = attachment_headers("a.png", "image/png", first_bytes=b"<svg onload=alert(1)>")
    assert forged["Content-Disposition"].startswith("attachment")
    assert forged["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.txt", "a.txt"),
        (".htaccess", "htaccess"),
        ("..", "attachment"),
        ("", "attachment"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie_ x"),
        ("a\x00.txt", "a .txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ('a";x="b.txt', "a_;x=_b.txt"),
        ("<img src=x onerror=alert(1)>.txt", "_img src=x onerror=alert(1)_.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("trailing. . ", "trailing"),
        ("日本.txt", "日本.txt"),
    ],
)
def test_sc05_names_name_one_file(name: str, expected: str) -> None:
    assert safe_name(name) == expected


def test_overlong_names_keep_their_ending() -> None:
    for stem in ("x" * 5000, "日" * 5000):
        short = safe_name(f"{stem}.pdf")
        assert short.endswith(".pdf")
        assert len(short.encode()) <= 180
    assert len(safe_name("a." + "x" * 5000).encode()) <= 180


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_sc05_no_name_breaks_the_header(name: str) -> None:
    value = attachment_headers(name, "text/html")["Content-Disposition"]
    assert value.isascii()
    assert value.isprintable()
    assert value.count('"') == 2
    kind, plain, extended = value.split("; filename")
    assert kind == "attachment"
    assert "/" not in plain
    assert "\\" not in plain
    assert unquote(extended.removeprefix("*=UTF-8''")) == safe_name(name)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_safe_names_are_stable_and_have_no_path(name: str) -> None:
    safe = safe_name(name)
    assert safe
    assert safe_name(safe) == safe
    assert not set(safe) & set('/\\<>"|?*:\r\n\x00')


def test_an_attachment_tells_name_type_and_decoded_size() -> None:
    part = BodyPart(
        "2",
        "application",
        "pdf",
        {"name": "wrong.pdf"},
        encoding="base64",
        size=78_000,
        disposition="attachment",
        disposition_params={"filename*": "utf-8''Gr%C3%BC%C3%9Fe.pdf"},
        content_id="<a@b>",
    )
    attachment = attachment_of(part)
    assert (attachment.name, attachment.type, attachment.size) == ("Grüße.pdf", "application/pdf", 57_000)
    assert attachment.content_id == "a@b"


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (BodyPart("2", "image", "png", {}), "part-2.png"),
        (BodyPart("2.1", "application", "x-odd", {}), "part-2.1.bin"),
        (BodyPart("3", "application", "pdf", {}, description=b"=?utf-8?q?Pl=C3=A4ne?="), "Pläne.pdf"),
        (BodyPart("3", "application", "ms-tnef", {"name": "winmail.dat"}), "winmail.dat"),
    ],
)
def test_parts_without_a_name_get_one(part: BodyPart, name: str) -> None:
    assert attachment_of(part).name == name


def test_sizes_are_estimates_of_the_decoded_bytes() -> None:
    assert decoded_size(780, "base64") == 570
    assert decoded_size(780, "8bit") == 780


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"\x00\x00\x00\x20ftypavif", "image/avif"),
        (b"%PDF-1.7", "application/pdf"),
        (b"<svg xmlns=", ""),
        (b"RIFF\x00\x00\x00\x00WAVE", ""),
        (b"", ""),
    ],
)
def test_sniffing(data: bytes, kind: str) -> None:
    assert sniff(data) == kind
