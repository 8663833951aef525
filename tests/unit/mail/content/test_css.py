# ruff: noqa: RUF005 - the word lists read best in two groups
"""SC-02: the CSS filter by itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsp.mail.content.css import filter_sheet, filter_style


def style(text: str) -> str:
    return filter_style(text, lambda _: None)


def sheet(text: str) -> str:
    return filter_sheet(text, lambda _: None)


@pytest.mark.parametrize(
    ("given_style", "kept"),
    [
        ("color:red", "color:red"),
        (" COLOR : Red ; ", "color:Red"),
        ("color:red!important", "color:red"),
        ("color: rgb(1, 2, 3)", "color:rgb(1, 2, 3)"),
        ("width: calc(100% - 20px)", "width:calc(100% - 20px)"),
        ("font-family:'Segoe UI', Arial", 'font-family:"Segoe UI", Arial'),
        (
            "background:linear-gradient(to right, #fff, rgba(0,0,0,.5))",
            "background:linear-gradient(to right, #fff, rgba(0,0,0,0.5))",
        ),
        ("margin:0 auto;padding:1px 2px", "margin:0 auto;padding:1px 2px"),
        ("mso-line-height-rule:exactly;color:red", "color:red"),
        ("color:/* note */red", "color:red"),
    ],
)
def test_ordinary_style_survives(given_style: str, kept: str) -> None:
    assert style(given_style).replace("0.5", ".5") == kept.replace("0.5", ".5")


@pytest.mark.parametrize(
    "poison",
    [
        "position:fixed",
        "position:absolute",
        "z-index:9",
        "background:url(x)",
        'background:url("x")',
        r"background:\75rl(x)",
        "background:URL(x)",
        "background:url(x",
        "color:var(--a)",
        "--a:url(x)",
        "width:expression(alert(1))",
        "background:image-set('x' 1x)",
        "background:-webkit-image-set(url(x) 1x)",
        "background:element(#a)",
        "behavior:url(x)",
        "-moz-binding:url(x)",
        "cursor:url(x),auto",
        "content:'x'",
        "filter:blur(9px)",
        "transform:scale(9)",
        "animation:a 1s",
        "color:attr(title)",
        "color:env(x)",
        "color:{}",
        "color:[]",
        "color:</style>",
        "font-family:'</style>'",
        "font-family:'a\\27 b'",
        "color:@x",
        "all:unset",
    ],
)
def test_sc02_poison_goes_and_its_neighbours_stay(poison: str) -> None:
    assert style(poison) == ""
    assert style(f"margin:0;{poison}").startswith("margin:0")
    assert sheet(f"p{{{poison}}}") == ""


@pytest.mark.parametrize(
    "rule",
    [
        "@import url(x);",
        "@import 'x';",
        "@font-face{font-family:a;src:url(x)}",
        "@namespace url(x);",
        "@keyframes a{from{color:red}}",
        "@property --a{syntax:'*'}",
        "@supports(color:red){p{color:red}}",
        "@layer a{p{color:red}}",
        "@media screen{@import url(x);}",
        "p:has(a){color:red}",
        "p{a{color:red}}",
        "<!-- p<b>{color:red} -->",
    ],
)
def test_sc02_rules_that_load_or_nest_go(rule: str) -> None:
    assert sheet(rule) == ""
    assert sheet(f"{rule}\ni{{color:red}}").endswith("i{color:red}")


def test_an_address_is_replaced_by_what_the_caller_says() -> None:
    asked: list[str] = []

    def reference(address: str) -> str:
        asked.append(address)
        return f"mark-{len(asked)}"

    assert (
        filter_style("background:#fff url( 'http://a/b' ) no-repeat", reference)
        == "background:#fff url(mark-1) no-repeat"
    )
    assert filter_sheet("p{list-style-image:url(http://c)}", reference) == "p{list-style-image:url(mark-2)}"
    assert asked == ["http://a/b", "http://c"]


def test_sc12_nesting_beyond_reason_is_dropped() -> None:
    assert style("color:" + "(" * 3000) == ""
    assert sheet("p{color:" + "(" * 50_000) == ""
    assert sheet("@media a{" * 5000) == ""


TOKENS = st.lists(
    st.sampled_from(
        [
            "color",
            ":",
            ";",
            "red",
            "url(",
            ")",
            "'",
            '"',
            "\\",
            "/*",
            "*/",
            "{",
            "}",
            "@import",
            "@media ",
            "p",
            "<",
            ">",
            "!important",
        ]
        + [
            "position",
            "fixed",
            "background",
            "http://x",
            "</style>",
            "(",
            "#fff",
            "1px",
            " ",
            "\n",
            "var(--a)",
            "expression(",
        ]
    ),
    max_size=25,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(TOKENS | st.text(max_size=80))
def test_sc02_whatever_comes_nothing_dangerous_leaves(text: str) -> None:
    for result in (style(text), sheet(text)):
        lowered = result.lower()
        for token in ("url(", "expression", "var(", "@import", "fixed", "<", "\\", "/*"):
            assert token not in lowered
        assert result.count("(") == result.count(")")
        assert result.count("{") == result.count("}")
        assert result.count('"') % 2 == 0


@settings(max_examples=300, deadline=None)
@given(TOKENS)
def test_filtering_twice_is_filtering_once(text: str) -> None:
    assert style(style(text)) == style(text)
    assert sheet(sheet(text)) == sheet(text)
