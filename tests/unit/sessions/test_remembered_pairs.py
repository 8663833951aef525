"""Pairs that were read before are read faster, and never to anything else."""

import pytest

from hsp.foundation.sealing import KeyRing
from hsp.sessions import keys
from hsp.sessions.keys import SessionKeys


def test_a_remembered_session_key_opens_only_with_its_own_twin() -> None:
    made = SessionKeys(KeyRing.generate())
    pair = made.new_pair()
    other = made.new_twin(pair.id)
    key = made.session_key(pair, cookieless=False)
    assert made.read_both(key, pair.cookie) == made.read_both(key, pair.cookie) == pair
    assert made.read_both(key, other.cookie) == other != pair
    for cookie in ("", None, pair.cookie[:-1], made.new_pair().cookie):
        assert made.read_both(key, cookie) is None
    assert made.read_both(key[:-1], pair.cookie) is None


def test_remembered_pairs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_REMEMBERED", 3)
    made = SessionKeys(KeyRing.generate())
    for _ in range(10):
        pair = made.new_pair()
        assert made.read_both(made.session_key(pair, cookieless=False), pair.cookie) == pair
    assert len(made._pairs) == 3


def test_a_pair_with_a_forged_key_is_not_remembered() -> None:
    made, strange = SessionKeys(KeyRing.generate()), SessionKeys(KeyRing.generate())
    pair = strange.new_pair()
    assert made.read_both(strange.session_key(pair, cookieless=False), pair.cookie) is None
    assert not made._pairs
