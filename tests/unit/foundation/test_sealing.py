"""The key ring: what it signs and seals opens under the same conditions only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.foundation.sealing import KeyRing, SealError, pack, unpack

RING = KeyRing.generate()


@given(plain=st.binary(max_size=200), aad=st.binary(max_size=40), secret=st.binary(max_size=40))
def test_what_was_sealed_opens_again(plain: bytes, aad: bytes, secret: bytes) -> None:
    assert RING.unseal("notes", RING.seal("notes", plain, aad=aad, secret=secret), aad=aad, secret=secret) == plain


@pytest.mark.parametrize(
    ("purpose", "aad", "secret"),
    [
        ("other", b"alice", b"twin"),
        ("notes", b"bob", b"twin"),
        ("notes", b"", b"twin"),
        ("notes", b"alice", b"other twin"),
        ("notes", b"alice", b""),
    ],
)
def test_another_purpose_owner_or_secret_opens_nothing(purpose: str, aad: bytes, secret: bytes) -> None:
    blob = RING.seal("notes", b"plain", aad=b"alice", secret=b"twin")
    with pytest.raises(SealError):
        RING.unseal(purpose, blob, aad=aad, secret=secret)


def test_a_blob_sealed_without_a_secret_does_not_open_with_one() -> None:
    blob = RING.seal("notes", b"plain", aad=b"")
    with pytest.raises(SealError):
        RING.unseal("notes", blob, aad=b"", secret=b"twin")


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_sc18_no_changed_byte_goes_unseen(position: int, change: int) -> None:
    blob = bytearray(RING.seal("notes", b"plain text", aad=b"alice"))
    blob[position % len(blob)] ^= change
    with pytest.raises(SealError):
        RING.unseal("notes", bytes(blob), aad=b"alice")


@given(st.binary(max_size=80))
def test_sc18_no_other_bytes_are_an_exception_of_another_kind(blob: bytes) -> None:
    with pytest.raises(SealError):
        RING.unseal("notes", blob, aad=b"alice")


def test_sc18_the_version_is_authenticated_and_the_only_one() -> None:
    blob = RING.seal("notes", b"plain", aad=b"")
    for version in {*range(256)} - {blob[0]}:
        with pytest.raises(SealError):
            RING.unseal("notes", bytes((version,)) + blob[1:], aad=b"")


def test_se02_a_blob_does_not_open_under_another_key_of_the_same_ring() -> None:
    ring = RING.rotate()
    blob = ring.seal("notes", b"plain", aad=b"")
    moved = blob[:1] + RING.newest_id.encode() + blob[7:]
    with pytest.raises(SealError):
        ring.unseal("notes", moved, aad=b"")


def test_the_same_text_never_gives_the_same_blob() -> None:
    assert len({RING.seal("notes", b"plain", aad=b"") for _ in range(50)}) == 50


def test_after_a_rotation_the_old_key_still_opens_and_the_new_one_seals() -> None:
    sealed, signed = RING.seal("notes", b"plain", aad=b""), RING.sign("link", "value")
    rotated = RING.rotate(now=100)
    assert rotated.newest_id != RING.newest_id
    assert rotated.unseal("notes", sealed, aad=b"") == b"plain"
    assert rotated.unsign("link", signed) == "value"
    with pytest.raises(SealError):
        RING.unseal("notes", rotated.seal("notes", b"plain", aad=b""), aad=b"")
    with pytest.raises(SealError):
        RING.unsign("link", rotated.sign("link", "value"))


def test_pruning_drops_what_was_retired_before_and_never_the_newest() -> None:
    ring = KeyRing.generate().rotate(now=100).rotate(now=200)
    kept = ring.prune(retired_before=150)
    assert kept.key_ids == ring.key_ids[:2]
    assert ring.prune(retired_before=10**12).key_ids == ring.key_ids[:1]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_what_was_signed_is_believed_for_its_purpose_only(value: str) -> None:
    signed = RING.sign("link", value)
    assert RING.unsign("link", signed) == value
    with pytest.raises(SealError):
        RING.unsign("device", signed)


@given(st.text(max_size=120))
def test_no_text_is_believed_by_chance(text: str) -> None:
    with pytest.raises(SealError):
        RING.unsign("link", text)


def test_a_signature_has_one_form_only() -> None:
    signed = RING.sign("link", "value")
    for character in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        if character != signed[-1]:
            with pytest.raises(SealError):
                RING.unsign("link", signed[:-1] + character)


def test_macs_differ_by_purpose_key_and_data() -> None:
    ring = RING.rotate()
    macs = {
        ring.mac("a", b"x"),
        ring.mac("b", b"x"),
        ring.mac("a", b"y"),
        ring.mac("a", b"x", RING.newest_id),
    }
    assert len(macs) == 4
    assert ring.mac("a", b"x", RING.newest_id) == RING.mac("a", b"x")
    with pytest.raises(SealError):
        ring.mac("a", b"x", "nosuch")


@given(st.lists(st.binary(max_size=20)), st.lists(st.binary(max_size=20)))
def test_no_two_lists_pack_alike(one: list[bytes], other: list[bytes]) -> None:
    assert (pack(*one) == pack(*other)) == (one == other)
    assert unpack(pack(*one)) == one


@given(st.binary(min_size=1, max_size=30))
def test_unpacking_anything_gives_parts_or_a_seal_error(packed: bytes) -> None:
    try:
        parts = unpack(packed)
    except SealError:
        return
    assert pack(*parts) == packed


def test_a_ring_never_shows_its_secrets() -> None:
    secret = RING.keys[0].secret
    assert repr(secret) not in repr(RING.keys) + repr(RING) + str(RING.__dict__.get("_keys"))
