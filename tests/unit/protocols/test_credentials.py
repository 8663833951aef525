"""Credentials do not show their secret and are told apart by a keyed fingerprint."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hsp.protocols.credentials import Credential

KEY = b"k" * 32
CREDENTIAL = Credential("password", "alice@demo.test", "s3cr3t-Wort")


def test_neither_repr_nor_str_shows_the_secret() -> None:
    for shown in (repr(CREDENTIAL), str(CREDENTIAL), f"{CREDENTIAL}", repr([CREDENTIAL])):
        assert "s3cr3t" not in shown
        assert "alice@demo.test" in shown


def test_a_fingerprint_depends_on_every_field_and_on_the_key() -> None:
    others = [
        replace(CREDENTIAL, secret="s3cr3t-Wort "),
        replace(CREDENTIAL, username="bob@demo.test"),
        replace(CREDENTIAL, mechanism="xoauth2"),
    ]
    prints = {credential.fingerprint(KEY) for credential in [CREDENTIAL, *others]} | {CREDENTIAL.fingerprint(b"x" * 32)}
    assert len(prints) == 5
    assert CREDENTIAL.fingerprint(KEY) == replace(CREDENTIAL).fingerprint(KEY)


@given(st.text(), st.text(), st.text(), st.text())
def test_equal_fingerprints_mean_equal_credentials(user: str, secret: str, user2: str, secret2: str) -> None:
    one, two = Credential("password", user, secret), Credential("password", user2, secret2)
    assert (one.fingerprint(KEY) == two.fingerprint(KEY)) == (one == two)


def test_moving_characters_between_fields_changes_the_fingerprint() -> None:
    assert Credential("password", "ab", "c").fingerprint(KEY) != Credential("password", "a", "bc").fingerprint(KEY)
