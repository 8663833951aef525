"""Folder names: every listed name leads back to its bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.imap.utf7 import decode_name, encode_name

KNOWN = [
    (b"INBOX", "INBOX"),
    (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 section 5.1.3
    (b"Entw&APw-rfe", "Entwürfe"),
    (b"&AOk-t&AOk-", "été"),
    (b"Q&-A", "Q&A"),
    (b"&2D3cjA-", "💌"),
    (b"Sent Items", "Sent Items"),
]


@pytest.mark.parametrize(("raw", "name"), KNOWN)
def test_known_names(raw: bytes, name: str) -> None:
    assert decode_name(raw) == name
    assert encode_name(name) == raw


@given(st.binary(max_size=40), st.booleans())
def test_every_listed_name_leads_back_to_its_bytes(raw: bytes, utf8: bool) -> None:
    name = decode_name(raw, utf8=utf8)
    assert encode_name(name, utf8=utf8) == raw
    name.encode("utf-8")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Co"]), max_size=40), st.booleans())
def test_every_name_a_user_types_survives(name: str, utf8: bool) -> None:
    assert decode_name(encode_name(name, utf8=utf8), utf8=utf8) == name


@given(st.binary(max_size=12), st.binary(max_size=12))
def test_two_folders_never_share_a_name(one: bytes, two: bytes) -> None:
    assert (decode_name(one) == decode_name(two)) == (one == two)


@pytest.mark.parametrize("raw", [b"A & B", b"caf\xc3\xa9", b"caf\xe9", b"&", b"&AGE-", b"&!!!-", b"&U,BTFw", b"x&AA-"])
def test_invalid_names_stay_reachable(raw: bytes) -> None:
    assert encode_name(decode_name(raw)) == raw


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode_name("\ud83d")
