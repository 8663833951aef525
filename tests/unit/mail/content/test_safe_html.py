# ruff: noqa: E501, SIM905, RUF005 - markup and word lists read best on one line
"""The cleaner on its own: what leaves it, word by word."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail.content import TooComplex, safe_html
from hsp.mail.content import html as html_module
from hsp.mail.content.cleaner import clean
from hsp.mail.content.limits import MAX_TEXT_BYTES
from tests.support.hostile_html import CORPUS, SCRIPT, Hostile


def body_of(document: str) -> str:
    return document.partition('<body dir="auto">')[2].removesuffix("</body></html>")


def shown(html: str) -> str:
    return body_of(safe_html(html, inline=lambda _: None, remote=None).html)


def tags_of(document: str) -> list[str]:
    return re.findall(r"<[^>]*>", document)


ALLOWED_ATTRIBUTE = re.compile(
    r"(?:abbr|align|alt|bgcolor|border|bordercolor|cellpadding|cellspacing|char|charoff|class|clear|color|colspan|datetime|dir|face"
    r"|frame|headers|height|href|hspace|id|lang|noshade|nowrap|open|rel|reversed|rowspan|rules|scope|size|span|start|style"
    r"|summary|target|title|type|valign|value|vspace|width)\Z"
)
ATTRIBUTE = re.compile(r'\s([^\s=>"/]+)="([^"]*)"')


def assert_harmless(fragment: str) -> None:
    """Every tag, attribute and value is on the lists written down here a second time."""
    without_values = re.sub(r'"[^"]*"', '""', fragment)
    for tag in tags_of(without_values):
        name = re.match(r"</?([a-z0-9]+)", tag)
        assert name, tag
        assert name.group(1) not in {
            "script",
            "style",
            "svg",
            "math",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "link",
        }
        assert name.group(1) not in {
            "meta",
            "base",
            "template",
            "video",
            "audio",
            "source",
            "image",
            "select",
            "textarea",
        }
    for opening in re.findall(r'<[a-z0-9]+((?:\s[^\s=>"/]+="[^"]*")*)\s*>', fragment):
        for attribute, value in ATTRIBUTE.findall(opening):
            assert ALLOWED_ATTRIBUTE.match(attribute), attribute
            if attribute == "href":
                assert re.match(r"(?i)(?:https?|mailto|tel):", value), value
            if attribute == "style":
                assert not re.search(r"(?i)url|expression|var\(|import|\\|@|fixed|absolute|!", value), value


@pytest.mark.parametrize("document", CORPUS, ids=lambda document: document.name)
def test_sc01_sc02_sc03_the_corpus_is_cleaned(document: Hostile) -> None:
    safe = safe_html(document.html, inline=lambda _: None, remote=None)
    assert_harmless(body_of(safe.html))
    sheets = "".join(re.findall(r"<style>(.*?)</style>", safe.html, re.DOTALL)[1:])
    assert not re.search(r"(?i)url\(|@import|@font|expression|fixed|\\|<|animation|content:", sheets)
    assert document.harmless_text in safe.html


@pytest.mark.parametrize("document", CORPUS, ids=lambda document: document.name)
def test_sc03_cleaning_twice_is_cleaning_once(document: Hostile) -> None:
    once = shown(document.html)
    assert shown(once) == once


@pytest.mark.parametrize("document", CORPUS, ids=lambda document: document.name)
def test_sc10_hostile_addresses_are_only_ever_handed_to_the_callbacks(document: Hostile) -> None:
    asked: list[str] = []

    def remote(url: str) -> str:
        asked.append(url)
        return f"/ours/{len(asked)}"

    safe = safe_html(document.html, inline=lambda _: "/ours/cid", remote=remote)
    body = body_of(safe.html)
    assert not re.search(r'(?:src|srcset|background)="(?!/ours/)', body)
    assert all(address.startswith("/ours/") for address in re.findall(r"url\(([^)]*)\)", safe.html))
    assert all(re.match(r"(?i)https?://|http:[a-z]", url) for url in asked)


PIECES = st.sampled_from(
    """<p> </p> <b> </b> <a href="http://x/"> </a> <table> <tr> <td> </table> <svg> </svg> <math> <mtext> <mglyph> <style> </style>
    <script> </script> <img src=http://x/y> <!-- --> <![CDATA[ ]]> <template> <select> <option> <title> </title> <textarea> <noscript>
    <form> <button> <body> <html> <iframe> &lt; &amp; &#60; " ' > < = / style="color:red" onclick=x text <xmp> <plaintext> <br> <hr>
    <font color=red> <i> <nobr> <li> <ul> <dd> <ruby> <rt> <frameset> <annotation-xml> <foreignObject> <desc> --!> {} url(http://x)""".split()
    + [" ", "\n", "\x00", "\x0c", SCRIPT]
)
TREES = st.lists(PIECES, max_size=30).map("".join)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_sc03_any_mixture_of_tags_is_harmless_and_stable(html: str) -> None:
    once = shown(html)
    assert_harmless(once)
    assert shown(once) == once


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_cleaned_without_an_error(html: str) -> None:
    assert_harmless(shown(html))


def test_links_open_elsewhere_and_tell_nothing() -> None:
    result = shown('<a href="https://example.com/?a=1&amp;b=2" target="_top" rel="opener" onclick="x()">t</a>')
    rel = "noopener noreferrer nofollow"
    assert result == f'<a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="{rel}">t</a>'


@pytest.mark.parametrize("scheme", ["http", "https", "mailto", "tel", "HTTPS"])
def test_link_schemes_that_are_kept(scheme: str) -> None:
    assert f'href="{scheme}:x' in shown(f'<a href="{scheme}:x">t</a>')


@pytest.mark.parametrize(
    "address", ["javascript:x", "data:text/html,x", "ftp://x/", "//x/", "page", "#a", "cid:x", "x:y", "hspref:x"]
)
def test_link_schemes_that_go_or_become_https(address: str) -> None:
    expected = 'href="https://x/"' if address == "//x/" else ""
    assert expected in shown(f'<a href="{address}">t</a>')
    assert ("href" in shown(f'<a href="{address}">t</a>')) == bool(expected)


def test_sc10_blocked_counts_distinct_addresses_and_alt_stays() -> None:
    html = (
        '<img src="http://a.example/1" alt="A picture"><img src="http://a.example/1"><img srcset="http://a.example/2 2x">'
        '<td background="http://a.example/3"><table background="http://a.example/4"></table>'
        '<p style="background:url(http://a.example/5)">x</p><style>p{background:url(http://a.example/6)}</style>'
    )
    safe = safe_html(html, inline=lambda _: None, remote=None)
    assert safe.blocked == 5  # the td stands outside a table and goes
    assert 'alt="A picture"' in safe.html
    assert "a.example" not in safe.html


def test_sc10_remote_images_go_through_our_addresses() -> None:
    asked: list[str] = []

    def remote(url: str) -> str | None:
        asked.append(url)
        return None if "refuse" in url else "/capability/a?b=1&c=2"

    safe = safe_html(
        '<img src="http://x.example/a.png"><img src="http://x.example/refuse"><p style="background:url(//x.example/b)">t',
        inline=lambda _: None,
        remote=remote,
    )
    assert asked == ["http://x.example/a.png", "http://x.example/refuse", "https://x.example/b"]
    assert safe.blocked == 1
    assert '<img src="/capability/a?b=1&amp;c=2"><img>' in safe.html
    assert "x.example" not in safe.html


def test_inline_images_are_asked_for_by_content_id() -> None:
    asked: list[str] = []
    safe_html(
        '<img src="cid:logo@example.com"><img src="CID:a%40b"><img src="cid:<c>">',
        inline=lambda cid: asked.append(cid) or "/ours",
        remote=None,
    )
    assert asked == ["logo@example.com", "a@b", "c"]


@pytest.mark.parametrize("ours", ["javascript:alert(1)", '/x" onerror="alert(1)', "/x)y", "data:x", "/x y", "/x'"])
def test_a_callback_cannot_write_markup(ours: str) -> None:
    safe = safe_html('<img src="cid:a"><p style="background:url(cid:a)">t', inline=lambda _: ours, remote=None)
    assert ours not in safe.html


def test_sc03_a_forged_placeholder_stands_for_nothing() -> None:
    mark = clean("x").mark
    forged = f'<img src="hspref:{mark}-0"><img src="hspref:x-0"><p style="background:url(hspref:{mark}-0)">t'
    assert "/ours" not in safe_html(forged, inline=lambda _: "/ours", remote=lambda _: "/ours").html


def test_body_colours_and_style_are_kept_without_their_poison() -> None:
    result = shown(
        '<html><body bgcolor="#eee" text="navy" style="font-size:20px;position:fixed" onload=x>t</body></html>'
    )
    assert result == '<div style="background-color:#eee;color:navy;font-size:20px">t</div>'


def test_a_mail_without_colours_follows_the_readers_light_or_dark() -> None:
    assert "color-scheme:light dark" in safe_html("<p>t", inline=lambda _: None, remote=None).html
    assert "color-scheme:only light" in safe_html("<p bgcolor=red>t", inline=lambda _: None, remote=None).html
    assert "color-scheme:only light" in safe_html("<p style='color:red'>t", inline=lambda _: None, remote=None).html


def test_media_rules_of_newsletters_survive() -> None:
    html = "<style>@media only screen and (max-width:600px){.col{width:100%!important;display:block}}.a{color:red!important}</style>"
    document = safe_html(html, inline=lambda _: None, remote=None).html
    assert "@media only screen and (max-width:600px){.col{width:100%!important;display:block}}" in document
    assert ".a{color:red}" in document


def test_tables_fonts_and_lists_survive() -> None:
    html = '<table width="600" cellpadding="0" align="center"><tbody><tr><td colspan="2" valign="top"><font color="red" size="2">x</font></td></tr></tbody></table>'
    assert shown(html) == html


def test_text_larger_than_the_limit_is_too_complex() -> None:
    with pytest.raises(TooComplex):
        safe_html("x" * (MAX_TEXT_BYTES + 1), inline=lambda _: None, remote=None)


class PanicException(BaseException):
    pass


@pytest.mark.parametrize("error", [PanicException(), ValueError(), RecursionError(), MemoryError()])
def test_a_panicking_cleaner_leads_to_plain_text(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def panic(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("hsp.mail.content.cleaner.nh3.clean", panic)
    safe = safe_html("<p>Hello <b>you</b><script>x</script><p>&lt;i&gt;", inline=lambda _: None, remote=None)
    assert safe.simplified
    assert "Hello you" in safe.html
    assert "&lt;i&gt;" in safe.html
    assert "<p>" not in body_of(safe.html)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(), GeneratorExit()])
def test_the_end_of_the_process_passes(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> str:
        raise error

    monkeypatch.setattr("hsp.mail.content.cleaner.nh3.clean", stop)
    with pytest.raises(type(error)):
        safe_html("<p>x", inline=lambda _: None, remote=None)


def test_html_to_text_keeps_the_words_and_drops_what_is_never_read() -> None:
    html = (
        "<head><title>T</title></head><style>p{}</style><p>One<br>two &amp; three</p><script>x</script><div>four</div>"
    )
    assert html_module.html_to_text(html) == "One\ntwo & three\n\nfour"


@settings(max_examples=100, deadline=None)
@given(TREES)
def test_html_to_text_never_fails(html: str) -> None:
    html_module.html_to_text(html)
