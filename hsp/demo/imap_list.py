"""LIST with selection options, several patterns and return options (RFC 5258), which pymap lacks."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from pymap.parsing import EndLine, Params, Space
from pymap.parsing.command.auth import ListCommand
from pymap.parsing.exceptions import NotParseable
from pymap.parsing.modutf7 import modutf7_decode
from pymap.parsing.primitives import String
from pymap.parsing.specials import ExtensionOptions, Mailbox, StatusAttribute

from hsp.demo.imap_store import SPECIAL_USE

_USES = frozenset(SPECIAL_USE.values())


class ExtendedListCommand(ListCommand):
    """One LIST command with everything that was said in it."""

    def __init__(
        self,
        tag: bytes,
        ref_name: str,
        patterns: Sequence[str],
        selection: frozenset[bytes],
        returned: ExtensionOptions,
    ) -> None:
        super().__init__(tag, ref_name, patterns[0])
        self.patterns = patterns
        self.selection = selection
        self.returned = returned
        status = returned.get(b"STATUS")
        self.status = [StatusAttribute(bytes(item)) for item in status] if status else []

    @property
    def shows_subscribed(self) -> bool:
        return b"SUBSCRIBED" in self.selection or self.returned.has(b"SUBSCRIBED")

    def selects(self, attributes: Sequence[bytes]) -> bool:
        return b"SPECIAL-USE" not in self.selection or not _USES.isdisjoint(attributes)

    def status_of(self, name: str) -> SimpleNamespace:
        """What `ConnectionState.do_status` reads of a STATUS command."""
        return SimpleNamespace(tag=self.tag, command=b"STATUS", mailbox=name, status_list=self.status)

    @classmethod
    def parse(cls, buf: memoryview, params: Params) -> tuple[ListCommand, memoryview]:
        _, buf = Space.parse(buf, params)
        selection = ExtensionOptions.empty()
        if bytes(buf[:1]) == b"(":
            selection, buf = ExtensionOptions.parse(buf, params)
            _, buf = Space.parse(buf, params)
        reference, buf = Mailbox.parse(buf, params)
        _, buf = Space.parse(buf, params)
        patterns, buf = cls._patterns(buf, params)
        returned, buf = cls._returned(buf, params)
        _, buf = EndLine.parse(buf, params)
        return cls(params.tag, reference.value, patterns, frozenset(selection.value), returned), buf

    @classmethod
    def _patterns(cls, buf: memoryview, params: Params) -> tuple[list[str], memoryview]:
        if bytes(buf[:1]) != b"(":
            pattern, buf = cls._pattern(buf, params)
            return [pattern], buf
        patterns: list[str] = []
        buf = buf[1:]
        while bytes(buf[:1]) != b")":
            if patterns:
                _, buf = Space.parse(buf, params)
            pattern, buf = cls._pattern(buf, params)
            patterns.append(pattern)
        if not patterns:
            raise NotParseable(buf)
        return patterns, buf[1:]

    @classmethod
    def _pattern(cls, buf: memoryview, params: Params) -> tuple[str, memoryview]:
        match = cls._list_mailbox_pattern.match(buf)
        if match:
            return modutf7_decode(match.group(0)), buf[match.end(0) :]
        text, buf = String.parse(buf, params)
        return modutf7_decode(text.value), buf

    @classmethod
    def _returned(cls, buf: memoryview, params: Params) -> tuple[ExtensionOptions, memoryview]:
        if bytes(buf[:8]).upper() != b" RETURN ":
            return ExtensionOptions.empty(), buf
        return ExtensionOptions.parse(buf[8:], params)
