"""Addresses as people type them, and as they may stand in a header and an SMTP command.

Promise: what `parse_addresses` lets through has no control character, space or bracket that could end its place in a
header or command; what it does not understand it names, so that the writer can mend it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

import idna

__all__ = ["Mailbox", "parse_address", "parse_addresses"]

_LOCAL = re.compile(r"[^\s()<>\[\]:;@\\,\"\x00-\x20\x7f-\x9f]+")
_QUOTED_LOCAL = re.compile(r'"(?:[^"\\\x00-\x1f\x7f-\x9f]|\\[\x20-\x7e])*"')
_HOST = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*")
_ANGLE = re.compile(r"(?P<name>.*)<(?P<address>[^<>]*)>\s*", re.DOTALL)
_COMMENT = re.compile(r"(?P<address>[^\s()]+)\s*\((?P<name>[^()]*)\)\s*")
_MAX_LOCAL = 64
_MAX_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, without the angle brackets


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name (may be empty) and an address whose domain is ASCII (IDNA) and whose local part may be UTF-8."""

    name: str
    address: str


def parse_addresses(text: str) -> tuple[list[Mailbox], list[str]]:
    """Mailboxes from a comma or semicolon separated list, and the pieces that are none. Groups are flattened."""
    mailboxes: list[Mailbox] = []
    bad: list[str] = []
    for piece in _split(text):
        mailbox = _mailbox(piece)
        if mailbox is None:
            bad.append(piece)
        elif mailbox.address not in {known.address for known in mailboxes}:
            mailboxes.append(mailbox)
    return mailboxes, bad


def parse_address(address: str) -> str | None:
    """`address` with its domain in ASCII, or None when it is not one."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not (_LOCAL.fullmatch(local) or _QUOTED_LOCAL.fullmatch(local)):
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    host = _domain(domain)
    if host is None or len(local.encode()) > _MAX_LOCAL:
        return None
    normal = f"{local}@{host}"
    return normal if len(normal.encode()) <= _MAX_ADDRESS else None


def _domain(domain: str) -> str | None:
    if domain.startswith("["):
        return _literal(domain)
    host = domain.removesuffix(".")
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return None
    return host.lower() if _HOST.fullmatch(host) else None


def _literal(domain: str) -> str | None:
    inner = domain[1:-1].removeprefix("IPv6:") if domain.endswith("]") else ""
    try:
        ipaddress.ip_address(inner)
    except ValueError:
        return None
    return domain


def _mailbox(piece: str) -> Mailbox | None:
    # Line breaks in a pasted list are white space; any other control character is refused, not repaired.
    flat = " ".join(piece.split())
    if not flat.isprintable():
        return None
    match = _ANGLE.fullmatch(flat) or _COMMENT.fullmatch(flat)
    name, address = (match["name"], match["address"]) if match else ("", flat)
    parsed = parse_address(address)
    return None if parsed is None else Mailbox(_display_name(name), parsed)


def _display_name(name: str) -> str:
    text = name.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip()


def _split(text: str) -> list[str]:
    """Pieces between separators that stand outside quotes and brackets; a group's name and end are separators too."""
    pieces: list[str] = []
    current: list[str] = []
    quoted = escaped = False
    depth = 0
    for character in text:
        if quoted:
            quoted = character != '"' or escaped
            escaped = character == "\\" and not escaped
        elif character == '"':
            quoted = True
        elif character in "<([":
            depth += 1
        elif character in ">)]":
            depth = max(depth - 1, 0)
        elif depth == 0 and character in ",;":
            pieces.append("".join(current))
            current = []
            continue
        elif depth == 0 and character == ":" and "@" not in current:
            current = []  # Only a group's name is left out; what has an @ is somebody the writer meant.
            continue
        current.append(character)
    pieces.append("".join(current))
    return [piece.strip() for piece in pieces if piece.strip()]
