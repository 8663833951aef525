"""Finds the line on which each key of a TOML document stands.

Neither tomllib nor tomlkit tells positions, so this reads the tokens of a text that tomllib has already accepted;
it may therefore assume that the text is valid and needs no error handling of its own.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r"""(?P<skip>\#[^\n]*|[ \t\r]+)
      | (?P<string>\"{3}(?:\\[\s\S]|(?!\"{3})[\s\S])*\"{3,5}|'{3}[\s\S]*?'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*')
      | (?P<newline>\n)
      | (?P<mark>[\[\]{}=,.])
      | (?P<bare>[^\s\[\]{}=,.\#"']+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "skip"
        if kind != "skip":
            yield _Token(kind, match.group(), line)
        line += match.group().count("\n")


class _Locator:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._next = 0
        self._tables: dict[Path, int] = {}
        self.lines: dict[Path, int] = {}

    def run(self) -> dict[Path, int]:
        table: Path = ()
        while self._next < len(self._tokens):
            if self._sees("\n"):
                self._next += 1
            elif self._sees("["):
                table = self._header()
            else:
                self._assignment(table)
        return self.lines

    def _sees(self, text: str) -> bool:
        return self._next < len(self._tokens) and self._tokens[self._next].text == text

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _header(self) -> Path:
        self._take()
        is_list = self._sees("[")
        self._next += is_list
        names, line = self._key()
        self._next += 1 + is_list
        path: Path = ()
        for position, name in enumerate(names):
            path = (*path, name)
            last = position == len(names) - 1
            if path in self._tables and not last:
                path = (*path, self._tables[path])
            elif last and is_list:
                self.lines.setdefault(path, line)
                self._tables[path] = self._tables.get(path, -1) + 1
                path = (*path, self._tables[path])
            self.lines.setdefault(path, line)
        return path

    def _key(self) -> tuple[list[str], int]:
        names: list[str] = []
        line = self._tokens[self._next].line
        while True:
            token = self._take()
            names.append(_plain(token))
            if not self._sees("."):
                return names, line
            self._take()

    def _assignment(self, table: Path) -> None:
        names, line = self._key()
        path = table
        for name in names:
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._take()
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._sees("["):
            self._array(path)
        elif self._sees("{"):
            self._inline_table(path)
        else:
            while self._next < len(self._tokens) and self._tokens[self._next].text not in ("\n", ",", "]", "}"):
                self._next += 1

    def _array(self, path: Path) -> None:
        self._take()
        index = 0
        while not self._sees("]"):
            if self._sees("\n") or self._sees(","):
                self._next += 1
                continue
            self.lines[(*path, index)] = self._tokens[self._next].line
            self._value((*path, index))
            index += 1
        self._take()

    def _inline_table(self, path: Path) -> None:
        self._take()
        while not self._sees("}"):
            if self._sees("\n") or self._sees(","):
                self._next += 1
                continue
            self._assignment(path)
        self._take()


def _plain(token: _Token) -> str:
    if token.kind == "string":
        return str(tomllib.loads(f"v={token.text}")["v"])
    return token.text


def locate(text: str) -> dict[Path, int]:
    """Line (from 1) of every table, key and array element of a valid TOML document."""
    return _Locator(text.replace("\r\n", "\n")).run()
