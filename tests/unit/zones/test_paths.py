"""The zone is decided from the raw path, and a page has exactly one spelling (class SC-23)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsp.zones.paths import PagePath, RoutePath, parse, strip_mount
from tests.support.spellings import SPELLINGS


def test_the_one_right_spelling_works() -> None:
    assert parse(b"/mail.hsp") == PagePath("mail")
    assert parse(b"/") == PagePath("index")
    assert parse(b"/my-page_2.hsp") == PagePath("my-page_2")


def test_sc23_there_are_at_least_sixty_spellings() -> None:
    assert len(set(SPELLINGS)) >= 60


@pytest.mark.parametrize("spelling", SPELLINGS, ids=repr)
def test_sc23_no_other_spelling_names_the_page(spelling: bytes) -> None:
    assert parse(spelling) != PagePath("mail")
    assert not isinstance(parse(spelling), PagePath)


@given(st.binary(max_size=80))
def test_any_bytes_but_the_exact_form_name_no_page(raw_path: bytes) -> None:
    exact = raw_path == b"/" or re.fullmatch(rb"/[a-z][a-z0-9_-]{0,63}\.hsp", raw_path) is not None
    assert isinstance(parse(raw_path), PagePath) == exact


@given(
    st.sampled_from(
        [b"", b"/", b"\\", b".", b"%2e", b"%", b";", b"\0", b" ", b"\r", b"\n", b"\xc0\xae", b"A", b"?", b"#"]
    ),
    st.integers(min_value=0, max_value=9),
)
def test_a_byte_put_anywhere_into_the_name_is_refused(extra: bytes, at: int) -> None:
    spelling = b"/mail.hsp"[:at] + extra + b"/mail.hsp"[at:]
    assert (parse(spelling) == PagePath("mail")) == (extra == b"")


@pytest.mark.parametrize("length", [1, 64])
def test_a_name_of_allowed_length_is_a_page(length: int) -> None:
    assert parse(b"/" + b"a" * length + b".hsp") == PagePath("a" * length)


@pytest.mark.parametrize("name", [b"", b"a" * 65, b"1a", b"-a", b"_a", b".a", b"a.b", b"a b", b"\xc3\xa9"])
def test_other_names_are_no_pages(name: bytes) -> None:
    assert parse(b"/" + name + b".hsp") is None


def test_a_route_has_a_prefix_and_one_token() -> None:
    assert parse(b"/capability/abc.DEF~1_2-3=") == RoutePath("/capability/", "abc.DEF~1_2-3=")


@pytest.mark.parametrize(
    "raw_path",
    [
        b"/capability/",
        b"/capability",
        b"/capability//x",
        b"/capability/a/b",
        b"/capability/%61",
        b"/capability/a;b",
        b"/capability/a b",
        b"/capability/a\0",
        b"/Capability/a",
        b"//capability/a",
        b"/capability/" + b"a" * 4097,
        b"/capability/../mail.hsp",
    ],
)
def test_what_is_not_quite_a_route_is_nothing(raw_path: bytes) -> None:
    assert parse(raw_path) is None


def test_a_dot_segment_as_token_is_a_token_and_never_a_page() -> None:
    assert parse(b"/capability/..") == RoutePath("/capability/", "..")
    assert parse(b"/private/mail.hsp") == RoutePath("/private/", "mail.hsp")


@pytest.mark.parametrize(
    ("raw_path", "below"),
    [
        (b"/webmail/mail.hsp", b"/mail.hsp"),
        (b"/webmail/", b"/"),
        (b"/webmail", b"/"),
        (b"/mail.hsp", b"/mail.hsp"),
        (b"/", b"/"),
    ],
)
def test_a_mount_path_may_be_there_or_be_removed_by_the_proxy(raw_path: bytes, below: bytes) -> None:
    assert strip_mount(raw_path, b"/webmail") == below


def test_a_mount_path_that_begins_like_a_page_does_not_hide_the_page() -> None:
    assert strip_mount(b"/mail.hsp", b"/mail") == b"/mail.hsp"
    assert strip_mount(b"/mail/mail.hsp", b"/mail") == b"/mail.hsp"


@pytest.mark.parametrize(
    "raw_path", [b"/webmail//mail.hsp", b"/webmail/webmail/mail.hsp", b"/webmailmail.hsp/", b"/WEBMAIL/mail.hsp"]
)
def test_sc23_the_mount_path_opens_no_second_spelling(raw_path: bytes) -> None:
    below = strip_mount(raw_path, b"/webmail")
    assert not isinstance(parse(below), PagePath)


def test_without_a_mount_path_nothing_is_taken_away() -> None:
    assert strip_mount(b"/mail.hsp", b"") == b"/mail.hsp"
    assert strip_mount(b"", b"") == b""
