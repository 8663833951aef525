"""The promises of the look that can be read from the files: contrast, one set of names, nothing inline."""

import itertools
import math
import re
from pathlib import Path

import pytest

from hsp.foundation.assets import assets

TEMPLATES = sorted(assets("templates").rglob("*.hsp"))
SHEETS = sorted((assets("static") / "css").glob("*.css"))
SPRITE = (assets("static") / "icons.svg").read_text()
TOKENS = (assets("static") / "css" / "tokens.css").read_text()

_COLOUR = re.compile(r"--([a-z-]+): oklch\(([\d.]+)% ([\d.]+) ([\d.]+)\);")
_SURFACES = ("canvas", "panel", "raised", "sunken", "hover", "canvas-hover", "selected", "selected-hover")
_TONES = ("danger", "warning", "success", "info")


def palettes() -> dict[str, dict[str, tuple[float, float, float]]]:
    light, dark = TOKENS.split("@media (prefers-color-scheme: dark)")
    return {
        name: {key: (float(a) / 100, float(b), float(c)) for key, a, b, c in _COLOUR.findall(text)}
        for name, text in (("light", light), ("dark", dark))
    }


def luminance(colour: tuple[float, float, float]) -> float:
    """Relative luminance (WCAG 2.2) of an OKLCH colour; what sRGB cannot show is clipped, as a browser does."""
    lightness, chroma, hue = colour
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    clip = [min(max(value, 0.0), 1.0) for value in (red, green, blue)]
    return 0.2126 * clip[0] + 0.7152 * clip[1] + 0.0722 * clip[2]


def contrast(one: tuple[float, float, float], other: tuple[float, float, float]) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_light_and_dark_have_the_same_names() -> None:
    names = palettes()
    assert set(names["light"]) == set(names["dark"])
    assert len(names["light"]) > 25


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_on_every_surface(scheme: str) -> None:
    colours = palettes()[scheme]
    for text, least in (("strong", 7), ("body", 7), ("muted", 4.5), ("accent-text", 4.5)):
        for surface in _SURFACES:
            assert contrast(colours[text], colours[surface]) >= least, (text, surface)
    for tone in _TONES:
        assert contrast(colours[tone], colours[f"{tone}-soft"]) >= 4.5, tone
        assert contrast(colours["strong"], colours[f"{tone}-soft"]) >= 7, tone
    for accent in ("accent", "accent-hover"):
        assert contrast(colours["on-accent"], colours[accent]) >= 4.5
    assert contrast(colours["danger"], colours["raised"]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lines_and_marks_that_carry_meaning_can_be_seen(scheme: str) -> None:
    colours = palettes()[scheme]
    for mark, surface in itertools.product(("firm", "accent", "flag"), ("canvas", "panel", "raised")):
        assert contrast(colours[mark], colours[surface]) >= 3, (mark, surface)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_nothing_is_inline(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=", text)
    assert not re.search(r"\son[a-z]+\s*=", text)
    assert "javascript:" not in text
    assert "|safe" not in text.replace(" ", "")
    for attributes in re.findall(r"<script([^>]*)>", text):
        assert "static(" in attributes


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_every_icon_and_file_named_exists(path: Path) -> None:
    text = path.read_text()
    for name in re.findall(r"icon\('([a-z-]+)'\)", text):
        assert f'id="{name}"' in SPRITE, name
    for name in re.findall(r"static\('([^']+)'\)", text):
        assert (assets("static") / name).is_file(), name


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_forms_that_change_something_are_posted_with_the_key(path: Path) -> None:
    for form in re.findall(r"<form.*?</form>", path.read_text(), re.DOTALL):
        if 'method="post"' in form and path.parent.name != "public":
            assert 'name="_h"' in form or "forms.key()" in form


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_logical_properties_only(path: Path) -> None:
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    physical = re.findall(
        r"(?:^|[;{\s])((?:margin|padding|border)-(?:left|right|top|bottom)[a-z-]*|left|right|top|bottom)\s*:", text
    )
    assert not physical
    assert "@import" not in text
    assert "!important" not in re.sub(r"(display: none|opacity: 1) !important", "", text)
    assert not re.search(r"url\(\s*['\"]?https?:", text)


def test_icons_have_a_word_beside_them() -> None:
    """A control that is only an icon carries its name for screen readers."""
    for path in TEMPLATES:
        for control in re.findall(
            r"<(?:a|button|summary) class=\"tool.*?</(?:a|button|summary)>", path.read_text(), re.DOTALL
        ):
            words = re.sub(r"<%.*?%>|<[^>]+>", "", control).strip()
            assert words or "<%=" in re.sub(r"icon\([^)]*\)", "", control), (path.name, control)
