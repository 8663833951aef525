# ruff: noqa: E501 - markup reads best on one line
"""SC-04: plain text stays text; plus quotes, flowed lines and snippets."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail.content import TooComplex, read_text, snippet, text_to_html, unflow
from hsp.mail.content.limits import MAX_TEXT_BYTES
from hsp.mail.content.linkify import linkify
from hsp.protocols.imap import BodyPart

OUR_TAG = re.compile(
    r'<(?:div class="hsp-text" dir="auto"|/div|details class="hsp-quote"(?: open)?|/details|summary|/summary|blockquote|/blockquote'
    r'|a href="(?:https?://|mailto:)[^"<>]*" target="_blank" rel="noopener noreferrer nofollow"|/a)>'
)

POISON = [
    "<script>alert(1)</script>",
    "http://x.example/<script>alert(1)</script>",
    'http://x.example/"onmouseover="alert(1)',
    "http://x.example/'onmouseover='alert(1)",
    "http://x.example/&quot;onmouseover=alert(1)",
    "http://x.example/&lt;img src=x onerror=alert(1)&gt;",
    "javascript:alert(1)",
    "javascript://x.example/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "a@b.example<script>alert(1)</script>",
    '"><img/src=x onerror=alert(1)>"@b.example',
    "mailto:a@b.example?body=<script>",
    'http://http://x.example/http://"<b>',
    'www.x.example"><svg/onload=alert(1)>',
    "[http://x.example](javascript:alert(1))",
    "> <img src=x onerror=alert(1)>\n>> </blockquote><script>",
    "-- \n<iframe src=http://x.example>",
    "\u202ehttp://x.example/\u202c<b>",
    "http://x.example/`onerror=alert(1)`",
    'http://[::1]<b>http://x.example/\\"><b>',
    "##str_replacement_0##<b>",
]


@pytest.mark.parametrize("text", POISON)
def test_sc04_no_markup_but_our_own(text: str) -> None:
    assert "<" not in OUR_TAG.sub("", text_to_html(text))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "http://",
                "https://",
                "www.",
                "x.example",
                "@",
                "<",
                ">",
                '"',
                "'",
                "&",
                ";",
                "(",
                ")",
                " ",
                "\n",
                "a",
                "/",
                "\\",
            ]
        ),
        max_size=40,
    ).map("".join)
    | st.text(max_size=200)
)
def test_sc04_no_mixture_makes_markup(text: str) -> None:
    result = text_to_html(text)
    assert "<" not in OUR_TAG.sub("", result)
    assert result.count("<details") == result.count("</details>") == result.count("<blockquote>")


@pytest.mark.parametrize(
    ("text", "address", "after"),
    [
        ("see http://x.example/a.", "http://x.example/a", "."),
        ("(http://x.example/a)", "http://x.example/a", ")"),
        ("http://x.example/a_(b)", "http://x.example/a_(b)", ""),
        ("https://x.example/?a=1&b=2, ok", "https://x.example/?a=1&amp;b=2", ", ok"),
        ("<http://x.example/>", "http://x.example/", "&gt;"),
        ("http://bücher.example/ü", "http://bücher.example/ü", ""),
    ],
)
def test_web_addresses_become_links(text: str, address: str, after: str) -> None:
    result = linkify(text)
    assert f'<a href="{address}" target="_blank" rel="noopener noreferrer nofollow">{address}</a>{after}' in result


def test_names_without_a_scheme_and_mail_addresses() -> None:
    assert 'href="http://www.x.example"' in linkify("www.x.example")
    assert 'href="mailto:a.b+c@x.example"' in linkify("write to a.b+c@x.example!")


@pytest.mark.parametrize("text", ["a@b", "http://", "xhttp://x.example", "@x.example", "www.", "1@2.3", "a@b.c@d.e f"])
def test_what_is_no_address_stays_text(text: str) -> None:
    assert "<a " not in linkify(text)


def test_quotes_fold_by_level() -> None:
    result = text_to_html("hi\n> one\n>> two\n> one again\nend")
    assert result.count("<blockquote>") == 2
    assert result.index("two") < result.index("</blockquote>") < result.index("one again")
    assert result.count(" open>") == 2


def test_long_and_deep_quotes_are_folded_shut() -> None:
    assert " open" not in text_to_html("> x\n" * 40)
    assert text_to_html(">>>> x").count(" open") == 2
    assert text_to_html(">" * 5000 + " x").count("<details") == 20


def test_control_and_bidi_characters_go() -> None:
    assert "\u202e" not in text_to_html("a\u202eb\x07c\x1b[31m")
    assert "\x1b" not in text_to_html("a\x1b[31m")


def test_text_larger_than_the_limit_is_too_complex() -> None:
    with pytest.raises(TooComplex):
        text_to_html("x" * (MAX_TEXT_BYTES + 1))


@pytest.mark.parametrize(
    ("flowed", "delsp", "expected"),
    [
        ("a \nb\nc", False, "a b\nc"),
        ("a \nb", True, "ab"),
        ("> a \n> b\n>> c \nd", False, "> a b\n>> c\nd"),
        (" >no quote", False, ">no quote"),
        (" From x", False, "From x"),
        ("text \n-- \nname", False, "text\n-- \nname"),
        ("a \n", False, "a"),
        ("a\r\nb", False, "a\nb"),
    ],
)
def test_rfc3676_soft_line_ends(flowed: str, delsp: bool, expected: str) -> None:
    assert unflow(flowed, delsp=delsp).rstrip("\n") == expected


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="> -a\n\r", max_size=80), st.booleans())
def test_unflow_never_fails_and_loses_no_word(text: str, delsp: bool) -> None:
    assert unflow(text, delsp=delsp).count("a") == text.count("a")


def test_snippet_is_one_line_of_own_words() -> None:
    assert snippet("> quoted\nHello\n\n  you\tthere\x07") == "Hello you there"
    assert snippet("word " * 100, 20) == "word word word word…"
    assert snippet("") == ""
    assert len(snippet("x" * 10_000)) == 140


def test_a_part_is_read_as_it_declares() -> None:
    flowed = BodyPart("1", "text", "plain", {"charset": "iso-8859-1", "FORMAT": "Flowed", "DelSp": "Yes"})
    assert read_text(b"caf\xe9 \r\nau lait", flowed) == "caféau lait"
    assert read_text(b"a \r\nb", BodyPart("1", "text", "plain", {})) == "a \nb"


def test_brackets_at_the_end_of_a_link_are_counted() -> None:
    assert 'href="http://x.example/a_(b)"' in linkify("(http://x.example/a_(b)).")
    assert 'href="http://x.example/"' in linkify("http://x.example/" + ")" * 1500)
