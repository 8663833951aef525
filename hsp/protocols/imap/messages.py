"""The client's verbs on messages that change nothing: FETCH, SEARCH, SORT."""

from collections.abc import AsyncIterator, Iterable, Sequence

from hsp.protocols.imap.answers import parse_esearch, parse_numbers
from hsp.protocols.imap.connection import Answer
from hsp.protocols.imap.errors import Rejected
from hsp.protocols.imap.fetching import merge, section_key
from hsp.protocols.imap.model import Fetched
from hsp.protocols.imap.state import ClientState, parse_all, run_all
from hsp.protocols.imap.wire import Argument, Atom, FetchItem, needs_charset, sequence_set

_FETCH = frozenset({"FETCH"})
_PLURAL_ITEMS = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}


class MessageCommands(ClientState):
    """Reading verbs on messages of the selected folder."""

    async def fetch(
        self, uids: Iterable[int] | str, items: Sequence[str], *, changed_since: int | None = None
    ) -> list[Fetched]:
        """UID FETCH: one answer per message found, in the server's order; UIDs that are gone are simply missing.

        `changed_since` asks only for what has a higher modification sequence (CONDSTORE, RFC 7162). A set too long for
        one command is cut into several, sent together.
        """
        wanted = [item for name in items for item in _PLURAL_ITEMS.get(name.upper(), (name,))]
        names: list[Argument] = [FetchItem(name) for name in wanted]
        known = uids if isinstance(uids, str) else set(uids)
        sets = sequence_set(known)
        modifier: list[Argument] = [] if changed_since is None else [[Atom("CHANGEDSINCE"), changed_since]]
        asks_flags = any(name.upper() == "FLAGS" for name in wanted)
        self._wants_flags += asks_flags
        try:
            completions = await run_all(
                self._connection.run("UID FETCH", part, names, *modifier, wants=_FETCH) for part in sets
            )
        finally:
            self._wants_flags -= asks_flags
        answers = [answer for completion in completions for answer in completion.answers]
        return await self._collect(answers, wanted, None if isinstance(known, str) else known)

    async def _collect(self, answers: list[Answer], wanted: Sequence[str], uids: set[int] | None) -> list[Fetched]:
        """The answers that belong to this command, one per UID."""
        found: dict[int, Fetched] = {}
        with self._reading():
            parsed = await parse_all(answers)
        for fetched in parsed:
            if fetched.uid and (uids is None or fetched.uid in uids):
                earlier = found.get(fetched.uid)
                found[fetched.uid] = fetched if earlier is None or earlier is fetched else merge(earlier, fetched)
        needed = {_told_as(item) for item in wanted}
        return [fetched for fetched in found.values() if needed <= fetched.items]

    async def fetch_stream(self, uid: int, section: str, *, chunk: int = 256 * 1024) -> AsyncIterator[bytes]:
        """One section of one message in pieces of `chunk` bytes, each asked for when the one before was taken.

        Raises Rejected (NONEXISTENT) when the message is not there, or vanishes on the way: nobody gets half a file
        without knowing.
        """
        offset = 0
        while True:
            item = f"BODY.PEEK[{section}]<{offset}.{chunk}>"
            found = await self.fetch([uid], [item])
            if not found:
                raise Rejected("the message is gone", code="NONEXISTENT", command="UID FETCH")
            piece = found[0].sections[section_key(f"BODY[{section}]<{offset}>") or ""]
            if piece:
                yield piece
            if len(piece) < chunk:
                return
            offset += len(piece)

    async def search(self, criteria: Sequence[Argument], *, uid: bool = True) -> list[int]:
        """The numbers of messages that match, UIDs unless turned off, in ascending order.

        Keys are `Atom`; every value is a `str`, `bytes` or `int` and is written as such. Raises Rejected when the
        server cannot search so (BADCHARSET).
        """
        arguments: list[Argument] = [Atom("RETURN"), [Atom("ALL")]] if self.has("ESEARCH") else []
        if needs_charset(criteria) and not self._utf8:
            arguments += [Atom("CHARSET"), Atom("UTF-8")]
        completion = await self._connection.run(
            "UID SEARCH" if uid else "SEARCH", *arguments, *criteria, wants=frozenset({"SEARCH", "ESEARCH"})
        )
        with self._reading():
            extended = [parse_esearch(answer.segments) for answer in completion.of("ESEARCH")]
            numbers = [number for tag, found in extended if tag in {completion.tag, ""} for number in found]
            for answer in completion.of("SEARCH"):
                numbers += parse_numbers(answer.segments)
        return sorted(numbers)

    async def sort(self, keys: Sequence[str], criteria: Sequence[Argument] = (Atom("ALL"),)) -> list[int]:
        """UIDs of matching messages in the order of `keys` ("REVERSE", "DATE" ...; RFC 5256).

        Raises Rejected where the server has no SORT.
        """
        completion = await self._connection.run(
            "UID SORT", [Atom(key) for key in keys], Atom("UTF-8"), *criteria, wants=frozenset({"SORT"})
        )
        with self._reading():
            return [number for answer in completion.of("SORT") for number in parse_numbers(answer.segments)]


def _told_as(item: str) -> str:
    """How the answer names what `item` asked for."""
    name = item.upper().replace(".PEEK[", "[")
    if "[" in name and name.endswith(">"):
        name = _origin(name)
    key = section_key(name)
    return name if key is None else "BODY[" + key


def _origin(name: str) -> str:
    head, _, partial = name.rpartition("<")
    return f"{head}<{partial.rstrip('>').partition('.')[0]}>"
