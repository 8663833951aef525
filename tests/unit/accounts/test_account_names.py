"""Account names: one spelling per mailbox, and nothing that could be something else."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.accounts import normalise_account


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("alice@demo.test", "alice@demo.test"),
        ("Alice@Demo.TEST", "alice@demo.test"),
        (" alice@demo.test\t", "alice@demo.test"),
        ("o'brien+tag@demo.test", "o'brien+tag@demo.test"),
        ("ÄNNE@demo.test", "änne@demo.test"),
        ("a\u0308nne@demo.test", "änne@demo.test"),
        ("alice@Bücher.example", "alice@xn--bcher-kva.example"),
        ("alice@XN--BCHER-KVA.example", "alice@xn--bcher-kva.example"),
        ("alice@ｄｅｍｏ.test", "alice@demo.test"),
        ("alice@localhost", "alice@localhost"),
    ],
)
def test_every_spelling_gives_the_one_name(typed: str, name: str) -> None:
    assert normalise_account(typed) == name


def test_a_name_without_a_domain_gets_the_default_one() -> None:
    assert normalise_account("Alice", default_domain="Demo.test") == "alice@demo.test"
    with pytest.raises(ValueError, match="account name"):
        normalise_account("alice")


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "@", "@demo.test", "alice@", "alice@.", "alice@demo..test", "alice@demo.test.", "alice@.test"),
        *("a\x00lice@demo.test", "alice\n@demo.test", "alice@demo.test\r\nx", "al ice@demo.test", "alice@de mo.test"),
        *("alice\u200b@demo.test", "alice\u202e@demo.test", "\ufeffalice@demo.test", "alice\u00a0@demo.test"),
        *("alice@bob@demo.test", '"alice"@demo.test', "alice@demo.test/x", "alice@[127.0.0.1]", "alice@demo_\x7f.test"),
        *("x" * 65 + "@demo.test", "alice@" + "x" * 64 + ".test", "alice@" + "x." * 140 + "test", "a" * 1_000_000),
        *("\ud800@demo.test", "alice@\udfff.test", "alice\ue000@demo.test"),
    ],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="account name"):
        normalise_account(typed)


@given(st.text(max_size=80) | st.builds("{}@{}".format, st.text(max_size=20), st.text(max_size=20)))
def test_sc35_normalising_twice_is_normalising_once(typed: str) -> None:
    try:
        name = normalise_account(typed)
    except ValueError:
        return
    assert normalise_account(name) == name
    assert normalise_account(name.upper().lower()) == name
    assert not any(unicodedata.category(character).startswith(("C", "Z")) for character in name)
