"""What the key ring remembers of secrets: only those that opened something, and only so many."""

import pytest

from hsp.foundation import sealing
from hsp.foundation.sealing import KeyRing, SealError


def kept(ring: KeyRing) -> int:
    return len(ring._newest._proven)


def test_a_secret_that_opened_nothing_is_not_remembered() -> None:
    ring = KeyRing.generate()
    blob = ring.seal("record", b"text", aad=b"where", secret=b"twin")
    for wrong in (b"other", b"twin2"):
        with pytest.raises(SealError):
            ring.unseal("record", blob, aad=b"where", secret=wrong)
    assert kept(ring) == 0


def test_a_remembered_cipher_still_checks_everything() -> None:
    ring = KeyRing.generate()
    blob = ring.seal("record", b"text", aad=b"where", secret=b"twin")
    assert ring.unseal("record", blob, aad=b"where", secret=b"twin") == b"text"
    assert kept(ring) == 1
    assert ring.unseal("record", blob, aad=b"where", secret=b"twin") == b"text"
    for purpose, aad, secret in (
        ("other", b"where", b"twin"),
        ("record", b"there", b"twin"),
        ("record", b"where", b""),
    ):
        with pytest.raises(SealError):
            ring.unseal(purpose, blob, aad=aad, secret=secret)
    with pytest.raises(SealError):
        KeyRing.generate().unseal("record", blob, aad=b"where", secret=b"twin")


def test_remembered_ciphers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_PROVEN_KEPT", 3)
    ring = KeyRing.generate()
    for number in range(10):
        secret = f"twin{number}".encode()
        blob = ring.seal("record", b"text", aad=b"", secret=secret)
        assert ring.unseal("record", blob, aad=b"", secret=secret) == b"text"
    assert kept(ring) == 3


def test_what_the_ring_seals_by_itself_is_not_remembered_as_a_secret() -> None:
    ring = KeyRing.generate()
    assert ring.unseal("card", ring.seal("card", b"text", aad=b""), aad=b"") == b"text"
    assert kept(ring) == 0
