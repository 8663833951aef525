"""CSS of a mail, value by value (SC-02). What is written here loads nothing, moves nothing out of its place in the
text, names no unknown function and is closed.

Properties, functions and token kinds are allow-lists; a declaration with anything else in it is dropped whole. An
address is never copied: the caller is asked for a replacement for each. Source: CSS Syntax Module Level 3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

import tinycss2

Node: TypeAlias = Any
"""A tinycss2 node; the library has no types."""

Reference = Callable[[str], "str | None"]
"""Gives the replacement for an address in ``url()``, or None: the declaration goes."""

MAX_SHEET: Final = 200_000
MAX_RULES: Final = 3_000
_MAX_STYLE: Final = 4_000
_MAX_SELECTOR: Final = 600

_SIDES: Final = ("top", "right", "bottom", "left")
PROPERTIES: Final = frozenset(
    [f"{box}{side}" for box in ("margin", "padding") for side in ("", *(f"-{s}" for s in _SIDES))]
    + [
        f"border{side}{what}"
        for side in ("", *(f"-{s}" for s in _SIDES))
        for what in ("", "-color", "-style", "-width")
    ]
    + [f"border-{v}-{h}-radius" for v in ("top", "bottom") for h in ("left", "right")]
    + """align-content align-items align-self background background-attachment background-clip background-color
    background-image background-origin background-position background-repeat background-size border-collapse
    border-radius border-spacing box-shadow box-sizing caption-side clear color column-gap direction display empty-cells
    flex flex-basis flex-direction flex-flow flex-grow flex-shrink flex-wrap float font font-family font-size font-style
    font-variant font-weight gap height hyphens justify-content letter-spacing line-height list-style list-style-image
    list-style-position list-style-type max-height max-width min-height min-width object-fit opacity order orphans
    overflow overflow-wrap row-gap table-layout tab-size text-align text-align-last text-decoration
    text-decoration-color text-decoration-line text-decoration-style text-indent text-overflow text-shadow
    text-transform text-underline-offset unicode-bidi vertical-align visibility white-space widows width word-break
    word-spacing word-wrap""".split()  # noqa: SIM905 - a word list reads better than ninety quoted words
)
_URL_PROPERTIES: Final = frozenset({"background", "background-image", "list-style", "list-style-image"})
_FUNCTIONS: Final = frozenset(
    """rgb rgba hsl hsla calc min max clamp linear-gradient radial-gradient repeating-linear-gradient
    repeating-radial-gradient""".split()  # noqa: SIM905 - as above
)
_LITERALS: Final = frozenset(",/+-*")
_NAME: Final = re.compile(r"-{0,2}[A-Za-z_][A-Za-z0-9_-]{0,60}\Z")
_STRING: Final = re.compile(r"[\w .,+&-]{0,80}\Z")
_SELECTOR: Final = re.compile(r"[\w\s.#,>+~*:=\"'\[\]^$|-]+\Z")
_MEDIA: Final = re.compile(r"[\w\s(),:.<>=/-]+\Z")
_PLAIN: Final = re.compile(r"[A-Za-z0-9#%.,:; \t\r\n_-]*\Z")
_PLAIN_VALUE: Final = re.compile(r"[A-Za-z0-9#%., \t\r\n_-]+\Z")


def filter_style(style: str, reference: Reference) -> str:
    """The safe declarations of a ``style`` attribute, joined by ``;`` and without ``!important``."""
    if len(style) > _MAX_STYLE:
        return ""
    if _PLAIN.match(style):  # nothing but words and numbers: no string, comment, escape, function or block can start
        return ";".join(_plain_declarations(style))
    try:
        return ";".join(_declarations(tinycss2.parse_blocks_contents(style), reference, important=False))
    except RecursionError:  # fails closed: nested beyond reason, the style goes
        return ""


def _plain_declarations(style: str) -> Iterator[str]:
    for declaration in style.split(";"):
        name, colon, value = declaration.partition(":")
        name, value = name.strip().lower(), " ".join(value.split())
        if colon and name in PROPERTIES and _PLAIN_VALUE.match(value):
            yield f"{name}:{value}"


def filter_sheet(sheet: str, reference: Reference) -> str:
    """The safe rules of a style sheet: style rules and ``@media`` blocks; every other at-rule goes."""
    try:
        rules = tinycss2.parse_stylesheet(sheet[:MAX_SHEET], skip_comments=True, skip_whitespace=True)
        return "\n".join(_rules(rules[:MAX_RULES], reference, depth=0))
    except RecursionError:  # fails closed: nested beyond reason, the sheet goes
        return ""


def _rules(rules: Iterable[Node], reference: Reference, *, depth: int) -> Iterator[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            yield from _style_rule(rule, reference, important=depth > 0)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content and depth < 2:
            query = tinycss2.serialize(rule.prelude).strip()
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            text = "".join(_rules(inner[:MAX_RULES], reference, depth=depth + 1))
            if text and len(query) <= _MAX_SELECTOR and _MEDIA.match(query) and "<" not in query:
                yield f"@media {query}{{{text}}}"


def _style_rule(rule: Node, reference: Reference, *, important: bool) -> Iterator[str]:
    selector = tinycss2.serialize(rule.prelude).strip()
    if not selector or len(selector) > _MAX_SELECTOR or not _SELECTOR.match(selector):
        return
    body = ";".join(_declarations(tinycss2.parse_blocks_contents(rule.content), reference, important=important))
    if body:
        yield f"{selector}{{{body}}}"


def _declarations(items: Iterable[Node], reference: Reference, *, important: bool) -> Iterator[str]:
    for item in items:
        if item.type != "declaration" or item.lower_name not in PROPERTIES:
            continue
        value = _value(item.value, reference, urls=item.lower_name in _URL_PROPERTIES, depth=0)
        if value is not None and value.strip():
            # Media rules of newsletters need it to win over their own style attributes; elsewhere it only fights ours.
            yield f"{item.lower_name}:{value.strip()}{'!important' if important and item.important else ''}"


def _value(tokens: Iterable[Node], reference: Reference, *, urls: bool, depth: int) -> str | None:
    out: list[str] = []
    for token in tokens:
        text = _token(token, reference, urls=urls, depth=depth)
        if text is None:
            return None
        out.append(text)
    return "".join(out)


def _token(token: Node, reference: Reference, *, urls: bool, depth: int) -> str | None:  # noqa: PLR0911, C901 - one line per token kind reads best
    match token.type:
        case "whitespace" | "comment":
            return " "
        case "ident":
            return str(token.value) if _NAME.match(token.value) else None
        case "number" | "percentage":
            return str(tinycss2.serialize([token]))
        case "dimension":
            return str(tinycss2.serialize([token])) if _NAME.match(token.unit) else None
        case "hash":
            return f"#{token.value}" if re.fullmatch("[0-9A-Fa-f]{3,8}", token.value) else None
        case "string":
            return f'"{token.value}"' if _STRING.match(token.value) else None
        case "literal":
            return str(token.value) if token.value in _LITERALS else None
        case "url":
            return _url(token.value, reference) if urls else None
        case "function":
            return _function(token, reference, urls=urls, depth=depth)
        case "() block" if depth < 8:
            inner = _value(token.content, reference, urls=False, depth=depth + 1)
            return None if inner is None else f"({inner})"
    return None


def _function(token: Node, reference: Reference, *, urls: bool, depth: int) -> str | None:
    name = token.lower_name
    arguments = [one for one in token.arguments if one.type not in {"whitespace", "comment"}]
    if name == "url":
        plain = len(arguments) == 1 and arguments[0].type == "string"
        return _url(arguments[0].value, reference) if urls and plain else None
    if name not in _FUNCTIONS or depth >= 8:
        return None
    inner = _value(token.arguments, reference, urls=False, depth=depth + 1)
    return None if inner is None else f"{name}({inner})"


def _url(address: str, reference: Reference) -> str | None:
    replacement = reference(address)
    return None if replacement is None else f"url({replacement})"
