"""Turns a response into values: atoms are str, strings and literals bytes, NIL None, parenthesised lists list.

Promise: no input makes it hang, recurse or raise anything but ProtocolViolation. One compiled regex splits a whole line
in C; the Python loop below sees ready tokens only. The grammar is RFC 9051 section 9, read liberally: what a server
leaves out between two tokens is forgiven, an unknown character is not.
"""

import re

from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.framing import Segments
from hsp.protocols.imap.model import Value

MAX_DEPTH = 200

# Possessive quantifiers (Python 3.11), the bound and the greedy last resort keep hostile lines linear.
_TOKEN = re.compile(
    rb"""(?:
      "([^"\\]*+)"                                                      # 1: quoted string as most are
    | (                                                                 # 2: all else
        [()]
      | "[^"\\]*+(?:\\.[^"\\]*+)*+"                                    # quoted string with escapes
      | (?:BODY|BINARY(?:\.SIZE)?)\[[^\]]{0,1000}+\](?:<\d++>)?        # section: its spaces belong to it
      | ~?\{\d++\+?\}\Z                                               # literal: its content is the next segment
      | [^ ()"{]++                                                      # atom, flag, number
      | ".*+                                                            # a quote without an end takes all: no rescan
      | \{                                                              # no grammar has this
      )
    )[ ]*+""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_ODD = frozenset(b'"{~Nn')
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def tokenize(segments: Segments) -> list[Value]:
    """The values of one response, the leading "*" or tag included."""
    top: list[Value] = []
    current = top
    stack: list[list[Value]] = []
    for index in range(0, len(segments), 2):
        for plain, token in _TOKEN.findall(segments[index].strip(b" ")):
            if not token:
                current.append(plain)
            elif token == b"(":
                stack.append(current)
                current = []
                stack[-1].append(current)
                if len(stack) > MAX_DEPTH:
                    raise ProtocolViolation(f"lists nested deeper than {MAX_DEPTH}")
            elif token == b")":
                if not stack:
                    raise ProtocolViolation("a list is closed that was never opened")
                current = stack.pop()
            elif token[0] in _ODD:
                current.append(_odd(token, segments, index))
            else:
                current.append(token.decode("latin-1"))
    if stack:
        raise ProtocolViolation("a list is never closed")
    return top


def _odd(token: bytes, segments: Segments, index: int) -> str | bytes | None:
    """What begins with a quote, a brace, a tilde or an N: it may be more than an atom."""
    if token in {b"NIL", b"nil", b"Nil"}:
        return None
    if token.startswith(b'"'):
        return _unquote(token)
    if b"{" in token and not token.endswith(b"]"):
        return _literal(segments, index, token)
    return token.decode("latin-1")


def _unquote(token: bytes) -> bytes:
    inner = token[1:-1]
    if len(token) < 2 or token[-1] != 34:
        raise ProtocolViolation("a quoted string without an end")
    if b"\\" not in inner:
        return inner
    if (len(inner) - len(inner.rstrip(b"\\"))) % 2:
        raise ProtocolViolation("a quoted string whose last quote is escaped")
    return _ESCAPED.sub(rb"\1", inner)


def _literal(segments: Segments, index: int, token: bytes) -> bytes:
    if len(token) < 3 or index + 1 >= len(segments):
        raise ProtocolViolation("a brace that opens no literal")
    return segments[index + 1]
