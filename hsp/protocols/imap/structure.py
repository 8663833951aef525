"""ENVELOPE and BODYSTRUCTURE (RFC 9051 section 7.5.2) from values.

Servers pass on what broken messages hold, and some break their own grammar over it; what cannot be understood is left
out rather than costing the reader the whole page. Only a structure without any sense is a ValueError.
"""

from hsp.protocols.imap.model import Address, BodyPart, Envelope, Value

MAX_PARTS = 10_000


def text(value: Value) -> str:
    """A string or atom as text that any encoder takes: UTF-8, else Latin-1. NIL and lists are empty."""
    if value.__class__ is bytes:
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def raw(value: Value) -> bytes:
    """A string or atom as bytes; NIL and lists are empty."""
    if value.__class__ is bytes:
        return value
    return value.encode("latin-1", "replace") if isinstance(value, str) else b""


def number(value: Value) -> int | None:
    """A number, or None for what is none."""
    if value.__class__ is not str:
        value = text(value)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None


def _optional_text(value: Value) -> str | None:
    return None if value is None else text(value)


def parse_addresses(value: Value) -> tuple[Address, ...]:
    """An address list; entries that are no addresses are left out."""
    if not value or value.__class__ is not list:
        return ()
    return tuple(
        [
            Address(raw(entry[0]), _optional_text(entry[2]), _optional_text(entry[3]))
            for entry in value
            if isinstance(entry, list) and len(entry) >= 4
        ]
    )


def parse_envelope(value: Value) -> Envelope | None:
    """The envelope, or None when it has not its ten fields."""
    if not isinstance(value, list) or len(value) < 10:
        return None
    date, subject, from_, sender, reply_to, to, cc, bcc, in_reply_to, message_id = value[:10]
    return Envelope(
        text(date),
        raw(subject),
        parse_addresses(from_),
        parse_addresses(sender),
        parse_addresses(reply_to),
        parse_addresses(to),
        parse_addresses(cc),
        parse_addresses(bcc),
        text(in_reply_to),
        text(message_id),
    )


class _Node:
    """One part on its way to a BodyPart: its values, its section and where its children stand in the work list."""

    __slots__ = ("children", "section", "values")

    def __init__(self, values: list[Value], section: str) -> None:
        self.values = values
        self.section = section
        self.children: list[int] = []


def parse_structure(value: Value) -> BodyPart:
    """The tree of parts. Raises ValueError when the value is no body structure."""
    if not isinstance(value, list):
        raise ValueError("a body structure must be a list")
    if not _is_multipart(value) and not _is_message(value):
        return _build_single(value, "1", ())
    return _build_tree(value)


def _build_tree(value: list[Value]) -> BodyPart:
    nodes = [_Node(value, "TEXT" if _is_multipart(value) else "1")]
    # First every node in breadth, parents before children, then the parts from the last to the first: no recursion.
    index = 0
    while index < len(nodes):
        node = nodes[index]
        if _is_multipart(node.values) or len(node.values) > 9:
            for child, section in _children(node):
                node.children.append(len(nodes))
                nodes.append(_Node(child, section))
        if len(nodes) > MAX_PARTS:
            raise ValueError("too many parts")
        index += 1
    built: dict[int, BodyPart] = {}
    for index in range(len(nodes) - 1, -1, -1):
        node = nodes[index]
        if not node.children:
            built[index] = _build_single(node.values, node.section, ())
            continue
        parts = tuple([built.pop(child) for child in node.children])
        if _is_multipart(node.values):
            built[index] = _build_multipart(node, parts)
        else:
            built[index] = _build_single(node.values, node.section, parts)
    return built[0]


def _is_multipart(values: list[Value]) -> bool:
    return bool(values) and isinstance(values[0], list)


def _is_message(values: list[Value]) -> bool:
    # The envelope tells a message part from a part that merely says so (Exchange does this).
    return (
        len(values) > 9
        and text(values[0]).lower() == "message"
        and text(values[1]).lower() in {"rfc822", "global"}
        and isinstance(values[7], list)
        and isinstance(values[8], list)
    )


def _children(node: _Node) -> list[tuple[list[Value], str]]:
    values, section = node.values, node.section
    if _is_multipart(values):
        prefix = section.removesuffix("TEXT").rstrip(".")
        prefix = f"{prefix}." if prefix else ""
        parts = [values[i] for i in range(_count_leading_lists(values))]
        return [(part, f"{prefix}{i}") for i, part in enumerate(parts, 1) if isinstance(part, list)]
    if _is_message(values):
        inner = values[8]
        assert isinstance(inner, list)
        return [(inner, f"{section}.TEXT" if _is_multipart(inner) else f"{section}.1")] if inner else []
    return []


def _count_leading_lists(values: list[Value]) -> int:
    return next((i for i, value in enumerate(values) if not isinstance(value, list)), len(values))


def _at(values: list[Value], index: int) -> Value:
    return values[index] if index < len(values) else None


def _params(value: Value) -> dict[str, str]:
    if value.__class__ is not list or not value:
        return {}
    return {text(name).lower(): text(content) for name, content in zip(value[::2], value[1::2], strict=False)}


def _disposition(value: Value) -> tuple[str, dict[str, str]]:
    if isinstance(value, list):
        return text(_at(value, 0)).lower(), _params(_at(value, 1))
    return text(value).lower(), {}


def _language(value: Value) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(text(tag) for tag in value)
    return (text(value),) if value else ()


def _extension(values: list[Value], index: int) -> tuple[str, dict[str, str], tuple[str, ...]]:
    """Disposition, its parameters and the language, of which most parts have none."""
    given = values[index : index + 2]
    disposition, params = _disposition(given[0]) if given and given[0] is not None else ("", {})
    return disposition, params, _language(given[1]) if len(given) > 1 else ()


def _build_multipart(node: _Node, parts: tuple[BodyPart, ...]) -> BodyPart:
    values = node.values
    after = _count_leading_lists(values)
    disposition, disposition_params, language = _extension(values, after + 2)
    return BodyPart(
        section=node.section,
        type="multipart",
        subtype=text(_at(values, after)).lower() or "mixed",
        params=_params(_at(values, after + 1)),
        disposition=disposition,
        disposition_params=disposition_params,
        language=language,
        parts=parts,
    )


def _build_single(values: list[Value], section: str, parts: tuple[BodyPart, ...]) -> BodyPart:
    if len(values) < 7:
        raise ValueError("a body part has at least seven fields")
    kind = text(values[0]).lower()
    envelope, lines, extension = None, None, 7
    # Extension data begin after what the type adds: lines of text; envelope, body and lines of a message.
    if len(values) > 9 and _is_message(values):
        envelope, lines, extension = parse_envelope(values[7]), number(values[9]), 10
    elif len(values) > 7 and kind == "text":
        lines = number(values[7])
        extension = 7 if lines is None else 8
    disposition, disposition_params, language = _extension(values, extension + 1)
    return BodyPart(
        section,
        kind,
        text(values[1]).lower(),
        _params(values[2]),
        text(values[3]),
        raw(values[4]),
        text(values[5]).lower(),
        number(values[6]) or 0,
        lines,
        disposition,
        disposition_params,
        language,
        parts,
        envelope,
    )
