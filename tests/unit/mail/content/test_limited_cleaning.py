"""SC-12, SC-30: documents made to cost gigabytes or minutes cost neither."""

import resource

import pytest

from hsp.mail.content import safe_html
from hsp.mail.content.limited import CleaningFailedError, clean_limited, is_modest


def reopened(count: int) -> str:
    """Formatting elements that every block opens again: `count` squared elements."""
    return "<p>" + "".join(f'<b class="c{i}">' for i in range(count)) + "</p>" + "<p>x</p>" * count


BOMBS = {
    "formatting": reopened(3000),
    "depth": "<div>" * 100_000,
    "entities": "&" * 1_000_000,
    "comments": "<!--" * 300_000,
    "unclosed": "<a " * 300_000,
    "styles": "<style " * 200_000,
    "bodies": '<body "' * 100_000,
    "tables": "<table>" * 50_000,
    "brackets": "<style>" + "(" * 150_000 + "</style>text",
    "blocks": "<style>" + "a{" * 90_000 + "</style>text",
}


@pytest.mark.parametrize("name", BOMBS)
def test_sc12_a_bomb_becomes_a_document_within_its_limits(name: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    safe = safe_html(BOMBS[name], inline=lambda _: None, remote=None)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert safe.html.startswith("<!DOCTYPE html>")
    assert len(safe.html) < 16 * 2**20
    assert grown < 400 * 1024, "kilobytes in this process; a naive build takes gigabytes"


@pytest.mark.parametrize(
    "name", ["formatting", "depth", "entities", "comments", "unclosed", "styles", "bodies", "tables"]
)
def test_sc12_bombs_are_recognised_before_they_are_parsed(name: str) -> None:
    assert not is_modest(BOMBS[name])


def test_sc12_the_shape_of_the_markup_does_not_deceive_the_bound() -> None:
    hidden = "".join(f'<B\nclass=c{i} title="</b>"><!--</b>-->' for i in range(2000)) + "<p>x" * 2000
    assert not is_modest(hidden)


def test_an_ordinary_newsletter_is_cleaned_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    row = '<tr><td style="padding:4px"><a href="https://example.com/">read</a> <b>x</b></td></tr>'
    newsletter = f"<table>{row * 60}</table>"
    monkeypatch.setattr("hsp.mail.content.limited._in_child", lambda _: pytest.fail("no child is needed"))
    assert clean_limited(newsletter).fragment.count("<tr>") == 60


def test_a_heavy_honest_document_gives_the_same_result_in_the_child() -> None:
    piece = '<div style="color:red"><img src="http://x.example/%d"><a href="https://example.com/">é</a></div>'
    heavy = "<style>p{color:navy}</style>" + "".join(piece % number for number in range(4000))
    assert not is_modest(heavy)
    safe = safe_html(heavy, inline=lambda _: None, remote=None)
    assert not safe.simplified
    assert safe.blocked == 4000
    assert safe.html.count("é</a>") == 4000
    assert "p{color:navy}" in safe.html


def test_what_grows_while_it_is_cleaned_goes_to_the_child() -> None:
    unclosed = "<li>x" * 14_000  # closing tags double it
    assert is_modest(unclosed)
    assert safe_html(unclosed, inline=lambda _: None, remote=None).html.count("<li>") == 14_000


def test_a_child_that_cannot_start_fails_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsp.mail.content.limited._CHILD", "/nonexistent/child.py")
    with pytest.raises(CleaningFailedError):
        clean_limited(BOMBS["unclosed"])
    assert safe_html(BOMBS["unclosed"], inline=lambda _: None, remote=None).simplified
