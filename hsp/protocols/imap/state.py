"""What every part of the client shares: the connection, what the server can do, and where it stands."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from hsp.protocols.imap.answers import StatusText, parse_ranges
from hsp.protocols.imap.connection import Answer, Completion, Connection
from hsp.protocols.imap.errors import ProtocolViolation
from hsp.protocols.imap.fetching import parse_fetch
from hsp.protocols.imap.model import Endpoint, Fetched, Untagged
from hsp.protocols.imap.wire import Argument, Atom, mailbox

State = Literal["not authenticated", "authenticated", "selected", "logged out"]

OFF_LOOP_BYTES = 256 * 1024
"""Answers beyond this are parsed in a thread, so that one reader's huge folder does not hold up the others."""

_UID = re.compile(rb"[ (]UID \d")
_NEWS = frozenset({"EXISTS", "EXPUNGE", "RECENT", "OK", "NO", "BAD", "BYE", "VANISHED", "FETCH"})


class ClientState:
    """The base of the client's parts."""

    def __init__(self, connection: Connection, endpoint: Endpoint) -> None:
        self._connection = connection
        self._endpoint = endpoint
        self._wants_flags = 0
        self.capabilities: frozenset[str] = frozenset()
        self.enabled: frozenset[str] = frozenset()
        self.state: State = "not authenticated"
        self.selected: str | None = None
        self.exists = 0
        self.on_untagged: Callable[[Untagged], None] | None = None
        connection.on_answer = self._take_news

    def has(self, capability: str) -> bool:
        """True when the server offers it; names as in CAPABILITY, in upper case."""
        return capability in self.capabilities

    @property
    def _utf8(self) -> bool:
        return "UTF8=ACCEPT" in self.enabled

    def _mailbox(self, name: str) -> Argument:
        encoded = mailbox(name, utf8=self._utf8)
        return Atom("INBOX") if encoded.upper() == b"INBOX" else encoded

    def _set_capabilities(self, names: Iterable[str]) -> None:
        self.capabilities = frozenset(name.upper() for name in names)
        if self.has("LITERAL+"):
            self._connection.non_sync = self._endpoint.max_literal
        else:
            self._connection.non_sync = 4096 if self.has("LITERAL-") or self.has("IMAP4REV2") else 0

    def _learn_capabilities(self, completion: Completion) -> bool:
        """Take capabilities from a completed command, if it told some."""
        if completion.status.code == "CAPABILITY":
            self._set_capabilities(completion.status.argument.split())
            return True
        answers = completion.of("CAPABILITY")
        if answers:
            self._set_capabilities(answers[-1].segments[0].decode("latin-1").split()[2:])
        return bool(answers)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Around the reading of answers: nonsense in one ends the connection, as everywhere else."""
        try:
            yield
        except ProtocolViolation as error:
            # Fails closed: a server that breaks the grammar here may have broken it anywhere.
            self._connection.fail(error)
            raise

    # News

    def _take_news(self, answer: Answer) -> None:
        if answer.kind not in _NEWS:
            return
        if answer.kind == "EXISTS":
            self.exists = answer.number or 0
        elif answer.kind == "EXPUNGE":
            self.exists = max(self.exists - 1, 0)
        if self.on_untagged is not None:
            news = self._news(answer)
            if news is not None:
                self.on_untagged(news)

    def _news(self, answer: Answer) -> Untagged | None:
        if answer.kind == "FETCH":
            return self._flag_news(answer)
        if answer.kind == "VANISHED":
            return Untagged("VANISHED", uids=_vanished(answer)[1])
        if answer.number is not None:
            return Untagged(answer.kind, answer.number)
        status: StatusText = answer.status
        return Untagged(answer.kind, code=status.code, text=status.text)

    def _flag_news(self, answer: Answer) -> Untagged | None:
        """Flags nobody asked for. Big answers are somebody's, and so are flags with a UID while flags are asked for."""
        head = answer.segments[0]
        if len(answer.segments) > 1 or len(head) > 1000 or b"FLAGS" not in head or b"ENVELOPE" in head:
            return None
        if self._wants_flags and _UID.search(head):
            return None
        fetched = parsed_fetch(answer)
        if fetched.items - {"UID", "FLAGS", "MODSEQ"}:
            return None
        return Untagged("FETCH", fetched.seq, fetched=fetched)


def parsed_fetch(answer: Answer) -> Fetched:
    """The answer's content, parsed once however many commands share it."""
    if not isinstance(answer.parsed, Fetched):
        answer.parsed = parse_fetch(answer.segments)
    return answer.parsed


def _vanished(answer: Answer) -> tuple[bool, tuple[range, ...]]:
    """`* VANISHED (EARLIER) 1:5` (RFC 7162): whether it is about the past, and the UIDs."""
    words = answer.segments[0].decode("latin-1").split()
    earlier = len(words) > 2 and words[2].upper() == "(EARLIER)"
    ranges = words[3 if earlier else 2 :]
    if len(ranges) != 1:
        raise ProtocolViolation("VANISHED without UIDs")
    return earlier, parse_ranges(ranges[0])


def vanished_ranges(answers: Iterable[Answer]) -> tuple[range, ...]:
    """All UIDs that the answers say are gone."""
    return tuple(part for answer in answers for part in _vanished(answer)[1])


async def run_all(commands: Iterable[Coroutine[object, object, Completion]]) -> list[Completion]:
    """Run commands together, in this order; a single one costs no task."""
    waiting = list(commands)
    return [await waiting[0]] if len(waiting) == 1 else list(await asyncio.gather(*waiting))


async def parse_all(answers: list[Answer]) -> list[Fetched]:
    """Parse FETCH answers, off the loop when they are big."""
    # Literals are handed over, not parsed: lines are what costs.
    size = sum(len(segment) for answer in answers for segment in answer.segments[::2])
    if size <= OFF_LOOP_BYTES:
        return [parsed_fetch(answer) for answer in answers]
    return await asyncio.to_thread(lambda: [parsed_fetch(answer) for answer in answers])
