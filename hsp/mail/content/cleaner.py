"""HTML of a mail to a fragment that can do nothing by itself (SC-01, SC-02, SC-03, SC-10).

What leaves this module runs no script, loads nothing, submits nothing and parses again to itself. Every address it
would need is replaced by a placeholder; only the caller knows what, if anything, stands for it.

nh3 (html5ever) does the parsing and the allow-lists of elements and attributes; values are judged here. SVG and MathML
go as a whole: nothing of theirs is worth their history. The work is repeated until it changes nothing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import nh3

from hsp.mail.content.css import filter_sheet, filter_style

Kind = Literal["remote", "cid"]

TAGS: Final = frozenset(
    """a abbr acronym address b bdi bdo big blockquote br caption center cite code col colgroup dd del dfn dir div dl
    dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img ins kbd li main mark menu nobr ol p pre q rp rt ruby s
    samp section article aside header footer nav small span strike strong sub summary details sup table tbody td
    tfoot th thead time tr tt u ul var wbr""".split()  # noqa: SIM905 - a word list reads better than eighty quoted words
)
DROPPED_WITH_CONTENT: Final = frozenset(
    """applet audio canvas embed frame frameset iframe math noembed noframes noscript object script select style svg
    template textarea title video xmp plaintext""".split()  # noqa: SIM905 - as above
)
_EVERYWHERE: Final = {"align", "bgcolor", "class", "dir", "height", "id", "lang", "style", "title", "valign", "width"}
_CELL: Final = {
    "abbr",
    "background",
    "border",
    "bordercolor",
    "char",
    "charoff",
    "colspan",
    "headers",
    "nowrap",
    "rowspan",
    "scope",
}
ATTRIBUTES: Final = {
    "*": _EVERYWHERE,
    "a": {"href"},
    "blockquote": {"type"},
    "br": {"clear"},
    "col": {"span"},
    "colgroup": {"span"},
    "details": {"open"},
    "font": {"color", "face", "size"},
    "hr": {"color", "noshade", "size"},
    "img": {"alt", "border", "hspace", "src", "srcset", "vspace"},
    "li": {"type", "value"},
    "ol": {"reversed", "start", "type"},
    "table": {"background", "border", "bordercolor", "cellpadding", "cellspacing", "frame", "rules", "summary"},
    "td": _CELL,
    "th": _CELL,
    "time": {"datetime"},
    "tr": {"background"},
    "ul": {"type"},
}
LINK_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
PLACEHOLDER: Final = "hspref"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_IGNORED_BY_BROWSERS: Final = re.compile("[\x00-\x20\x7f-\xa0\u2028\u2029]")
_STYLE_BLOCK: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_BODY: Final = re.compile(r"<body(?=[\s/>])", re.IGNORECASE)
_REST_OF_TAG: Final = re.compile(r"((?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>")
_PAINT: Final = re.compile(r"\bbgcolor=|\bbackground|(?:[\";]|^)\s*color:|<font[^>]* color=", re.IGNORECASE)
_MAX_PASSES: Final = 6


class UnstableError(Exception):
    """A document that turns into something else each time it is parsed."""


class GrownError(Exception):
    """An intermediate result that the caller does not accept."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A fragment and a sheet in which ``hspref:<mark>-<n>`` stands for ``references[n]``; `coloured` tells whether the
    mail chose colours of its own."""

    fragment: str
    sheet: str
    mark: str
    references: tuple[tuple[Kind, str], ...]
    coloured: bool


@dataclass(slots=True)
class _Cleaning:
    mark: str
    references: dict[tuple[Kind, str], int] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)

    def reference(self, address: str) -> str | None:
        """The placeholder for an address an image may come from; None for anything else."""
        address = _IGNORED_BY_BROWSERS.sub("", address)
        if address.startswith(f"{PLACEHOLDER}:{self.mark}-"):
            return address
        if address.startswith("//"):
            address = f"https:{address}"
        found = _SCHEME.match(address)
        scheme = found.group(1).lower() if found else ""
        if scheme == "cid":
            key: tuple[Kind, str] = ("cid", address[4:].strip("<>"))
        elif scheme in {"http", "https"}:
            key = ("remote", address)
        else:
            return None
        return f"{PLACEHOLDER}:{self.mark}-{self.references.setdefault(key, len(self.references))}"

    def attribute(self, tag: str, name: str, value: str) -> str | None:
        """nh3's question about one allowed attribute: its new value, or None to drop it."""
        match name:
            case "style":
                return self.style(value) or None
            case "src" | "background":
                return self.reference(value)
            case "srcset":
                return self.srcset(value)
            case "href":
                return _link(value)
            case "class" | "id":
                return value if len(value) <= 500 else None
        return value

    def style(self, value: str) -> str:
        if value not in self.styles:
            result = filter_style(value, self.reference)
            self.styles[value] = self.styles[result] = result  # the next pass meets the result, which stays as it is
        return self.styles[value]

    def srcset(self, value: str) -> str | None:
        kept = []
        for candidate in value.split(", ") if ", " in value else value.split(","):
            address, _, descriptor = candidate.strip().partition(" ")
            replacement = self.reference(address)
            if replacement and re.fullmatch(r"\s*(?:[0-9.]{1,8}[wx])?\s*", descriptor):
                kept.append(f"{replacement} {descriptor.strip()}".strip())
        return ", ".join(kept) or None


def _link(value: str) -> str | None:
    value = value.strip()
    value = f"https:{value}" if value.startswith("//") else value
    found = _SCHEME.match(_IGNORED_BY_BROWSERS.sub("", value))
    return value if found and found.group(1).lower() in LINK_SCHEMES else None


def _relative(address: str) -> str | None:
    # A mail has no address of its own: only "//host/..." says where it leads.
    return f"https:{address.strip()}" if address.strip().startswith("//") else None


def clean(html: str, accept: Callable[[str], bool] = lambda _: True) -> Cleaned:
    """Clean one document; raises `UnstableError`, `GrownError`, and whatever nh3 panics with (a BaseException).

    `accept` judges each intermediate result: what one pass made may cost the next one more."""
    html = html.replace("\x00", "")
    cleaning = _Cleaning(hashlib.sha256(html.encode("utf-8", "replace")).hexdigest()[:24])
    sheet = filter_sheet(_style_blocks(html), cleaning.reference) if "<style" in html.lower() else ""
    fragment = _until_stable(_body_as_block(html, cleaning), cleaning, accept)
    coloured = bool(_PAINT.search(fragment) or "color" in sheet or "background" in sheet)
    return Cleaned(fragment, sheet, cleaning.mark, tuple(cleaning.references), coloured)


def _until_stable(html: str, cleaning: _Cleaning, accept: Callable[[str], bool]) -> str:
    for _ in range(_MAX_PASSES):
        before, html = html, _pass(html, cleaning)
        if html == before:
            return html
        if not accept(html):
            raise GrownError
    raise UnstableError


def _pass(html: str, cleaning: _Cleaning) -> str:
    return nh3.clean(
        html,
        tags=set(TAGS),
        clean_content_tags=set(DROPPED_WITH_CONTENT),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=cleaning.attribute,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        url_schemes={*LINK_SCHEMES, "cid", PLACEHOLDER},
        url_relative=_relative,
    )


def _style_blocks(html: str) -> str:
    # nh3 escapes all text but that of style elements, so in its answer each "<style>" is a true one.
    only_styles = nh3.clean(html, tags={"style"}, clean_content_tags={"script"}, attributes={})
    return "\n".join(
        block.strip().removeprefix("<!--").removesuffix("-->") for block in _STYLE_BLOCK.findall(only_styles)
    )


def _body_as_block(html: str, cleaning: _Cleaning) -> str:
    """Keep the colours and style of ``<body>``: its tag becomes a block's, cleaned like any other."""
    start = _BODY.search(html)
    found = _REST_OF_TAG.match(html, start.end()) if start else None
    if not start or not found:
        return html
    look: dict[str, str] = {}

    def collect(_tag: str, name: str, value: str) -> str | None:
        look.setdefault(name, value)
        return None

    nh3.clean(
        f"<div{found.group(1)}>",
        tags={"div"},
        attributes={"div": {"style", "bgcolor", "text", "background"}},
        attribute_filter=collect,
        url_relative=None,
    )
    parts = [
        f"background-color:{look['bgcolor']}" if "bgcolor" in look else "",
        f"color:{look['text']}" if "text" in look else "",
        look.get("style", ""),
    ]
    style = cleaning.style(";".join(part for part in parts if part)).replace("&", "&amp;").replace('"', "&quot;")
    block = f'<div style="{style}">' if style else ""
    return html[: start.start()] + block + html[found.end() :]
