"""Bytes to text: labels as senders write them, bytes as they are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail.content import decode_bytes, decode_text, decode_transfer
from hsp.mail.content.charset import codec_for
from hsp.protocols.imap import BodyPart


def text_part(charset: str = "", subtype: str = "plain") -> BodyPart:
    return BodyPart("1", "text", subtype, {"charset": charset} if charset else {})


@pytest.mark.parametrize(
    ("label", "codec", "text"),
    [
        ("us-ascii", "ascii", "plain"),
        ("ISO-8859-1", "cp1252", "“quoted” €"),
        ("iso-8859-8-i", "iso8859-8", "שלום"),
        ("iso-8859-6-e", "iso8859-6", "سلام"),
        ("gb2312", "gb18030", "你好，镕"),
        ("hz-gb-2312", "hz", "你好"),
        ("ks_c_5601-1987", "cp949", "안녕 똠"),
        ("euc-kr", "cp949", "안녕"),
        ("shift_jis", "cp932", "①髙"),
        ("x-sjis", "cp932", "日本"),
        ("iso-2022-jp", "iso2022_jp", "日本"),
        ("big5", "big5hkscs", "你好"),
        ("koi8-r", "koi8_r", "Привет"),
        ("KOI8-U", "koi8_u", "Київ"),
        ("windows-1251", "cp1251", "Привет"),
        ("cp1256", "cp1256", "مرحبا"),
        ("tis-620", "cp874", "สวัสดี"),
        ("macintosh", "mac_roman", "café"),
        ("utf8", "utf-8", "é€😀"),
        ('"utf-8"', "utf-8", "é"),
    ],
)
def test_labels_and_their_decoders(label: str, codec: str, text: str) -> None:
    assert decode_text(text.encode(codec), text_part(label)) == text


@pytest.mark.parametrize("label", ["utf-7", "UTF7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7", "csUnicode11UTF7"])
def test_utf7_is_refused(label: str) -> None:
    assert codec_for(label) is None
    assert decode_text(b"+ADw-script+AD4-", text_part(label)) == "+ADw-script+AD4-"


@pytest.mark.parametrize(
    "label",
    [
        "base64",
        "zlib",
        "hex",
        "rot13",
        "unicode_escape",
        "raw_unicode_escape",
        "idna",
        "punycode",
        "undefined",
        "x\x00y",
        "../x",
        "a" * 500,
        "mbcs",
        "uu",
        "bz2",
    ],
)
def test_python_codecs_that_are_no_charsets_are_refused(label: str) -> None:
    assert decode_text(rb"a\x41=00", text_part(label)) == r"a\x41=00"


@pytest.mark.parametrize("label", ["unknown-8bit", "x-unknown", "x-user-defined", "", "nonsense-9"])
def test_unknown_labels_are_guessed(label: str) -> None:
    assert decode_text("Grüße, ça va".encode(), text_part(label)) == "Grüße, ça va"
    assert decode_text("déjà vu".encode("cp1252"), text_part(label)) == "déjà vu"
    russian = "Съешь же ещё этих мягких французских булок, да выпей чаю. Широкая электрификация южных губерний. " * 3
    assert decode_text(russian.encode("koi8-r"), text_part(label)) == russian


def test_a_wrong_label_is_overruled_by_valid_utf8() -> None:
    assert decode_text("naïve €".encode(), text_part("us-ascii")) == "naïve €"


def test_byte_order_marks_win() -> None:
    assert decode_text("\ufeffé".encode(), text_part("iso-8859-1")) == "é"
    assert decode_text(b"\xff\xfe" + "é".encode("utf-16-le"), text_part("utf-8")) == "é"
    assert decode_text(b"\xfe\xff" + "é".encode("utf-16-be"), text_part()) == "é"


def test_html_may_name_its_own_charset() -> None:
    html = '<meta charset="windows-1251"><p>Привет'.encode("cp1251")
    assert "Привет" in decode_text(html, text_part("", "html"))


def test_broken_bytes_are_replaced_and_line_ends_are_one_kind() -> None:
    assert decode_text(b"a\xff\xfeb\xc3", text_part("utf-8")).startswith("a")
    assert decode_text(b"a\r\nb\rc\n", text_part()) == "a\nb\nc\n"


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["", "utf-8", "utf-16", "iso-2022-jp", "hz", "gb2312", "utf-7", "idna", "x"])
    | st.text(max_size=20),
)
def test_never_raises_and_never_leaves_surrogates(data: bytes, label: str) -> None:
    decode_bytes(data, label).encode()


@pytest.mark.parametrize(
    ("encoded", "encoding", "expected"),
    [
        (b"aGVsbG8=", "base64", b"hello"),
        (b"aGVs\r\nbG8=\r\n", "BASE64", b"hello"),
        (b"aGVsbG8", "base64", b"hello"),
        (b"aGVsbG8=\r\n_____\r\nfooter of a list", "base64", b"hello"),
        (b"aGV!s bG8", "base64", b"hello"),
        (b"a", "base64", b""),
        (b"", "base64", b""),
        (b"caf=C3=A9=\r\n!", "quoted-printable", "café!".encode()),
        (b"a=ZZb", "quoted-printable", b"a=ZZb"),
        (b"x=", "quoted-printable", b"x"),
        (b"begin 644 x\n%:&5L;&\\ \n`\nend\n", "x-uuencode", b"hello"),
        (b"no begin", "uuencode", b"no begin"),
        (b"raw=41", "8bit", b"raw=41"),
        (b"raw", "", b"raw"),
        (b"raw", "x-nonsense", b"raw"),
    ],
)
def test_transfer_encodings(encoded: bytes, encoding: str, expected: bytes) -> None:
    assert decode_transfer(encoded, encoding) == expected


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["base64", "quoted-printable", "x-uuencode", "7bit", "?"]))
def test_transfer_decoding_never_raises(data: bytes, encoding: str) -> None:
    decode_transfer(data, encoding)
    decode_transfer(b"begin 644 a\n" + data, encoding)
