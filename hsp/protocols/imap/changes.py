"""The client's verbs that change mail: STORE, COPY, MOVE, APPEND, EXPUNGE, with ways round what a server lacks."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from hsp.protocols.imap.answers import StatusText, expand, parse_ranges
from hsp.protocols.imap.connection import Completion
from hsp.protocols.imap.messages import MessageCommands
from hsp.protocols.imap.model import AppendUid, CopyUid, Fetched
from hsp.protocols.imap.state import run_all
from hsp.protocols.imap.wire import Argument, Atom, Literal8, LiteralBytes, date_time, flag, sequence_set

_FETCH = frozenset({"FETCH"})
_OPERATIONS = {"+": "+FLAGS", "-": "-FLAGS", "=": "FLAGS"}


class ChangeCommands(MessageCommands):
    """Changing verbs on messages of the selected folder."""

    async def store(
        self,
        uids: Iterable[int] | str,
        op: Literal["+", "-", "="],
        flags: Iterable[str],
        *,
        silent: bool = True,
        unchanged_since: int | None = None,
    ) -> list[Fetched]:
        """Add, remove or set flags. Unless silent, the new flags come back.

        `unchanged_since` leaves messages alone that changed after that modification sequence (CONDSTORE).
        """
        item = Atom(_OPERATIONS[op] + (".SILENT" if silent else ""))
        names: list[Argument] = [flag(name) for name in flags]
        condition: list[Argument] = [] if unchanged_since is None else [[Atom("UNCHANGEDSINCE"), unchanged_since]]
        known = uids if isinstance(uids, str) else set(uids)
        completions = await run_all(
            self._connection.run("UID STORE", part, *condition, item, names, wants=_FETCH)
            for part in sequence_set(known)
        )
        if silent:
            return []
        answers = [answer for completion in completions for answer in completion.answers]
        return await self._collect(answers, ["FLAGS"], None if isinstance(known, str) else known)

    async def copy(self, uids: Iterable[int] | str, folder: str) -> CopyUid | None:
        """Copy messages; where they went, if the server tells (UIDPLUS). Raises Rejected (TRYCREATE, OVERQUOTA)."""
        return await self._transfer("UID COPY", uids, folder)

    async def move(self, uids: Iterable[int] | str, folder: str) -> CopyUid | None:
        """Move messages (RFC 6851); without MOVE: copy, mark as deleted, expunge exactly these."""
        if self.has("MOVE") or self.has("IMAP4REV2"):
            return await self._transfer("UID MOVE", uids, folder)
        known = uids if isinstance(uids, str) else sorted(set(uids))
        copied = await self._transfer("UID COPY", known, folder)
        await self.expunge(known)
        return copied

    async def _transfer(self, command: str, uids: Iterable[int] | str, folder: str) -> CopyUid | None:
        target = self._mailbox(folder)
        completions = await run_all(
            self._connection.run(command, part, target, wants=frozenset({"OK"})) for part in sequence_set(uids)
        )
        with self._reading():
            copied = [found for completion in completions if (found := _copy_uid(completion)) is not None]
        if not copied:
            return None
        return CopyUid(copied[0].uidvalidity, {old: new for part in copied for old, new in part.uids.items()})

    async def expunge(self, uids: Iterable[int] | str | None) -> None:
        """Remove for ever: the given messages, which are marked as deleted first, or (None) all that are marked.

        Without UIDPLUS the marks of other messages are taken off for the moment, so that these alone go.
        """
        if uids is None:
            await self._connection.run("EXPUNGE")
            return
        known = uids if isinstance(uids, str) else sorted(set(uids))
        if not known:
            return
        await self.store(known, "+", ["\\Deleted"])
        if self.has("UIDPLUS") or self.has("IMAP4REV2"):
            await run_all(self._connection.run("UID EXPUNGE", part) for part in sequence_set(known))
        else:
            await self._expunge_only(known)

    async def _expunge_only(self, uids: Sequence[int] | str) -> None:
        if isinstance(uids, str):
            others = await self.search([Atom("DELETED"), Atom("NOT"), Atom("UID"), *sequence_set(uids)])
        else:
            others = sorted(set(await self.search([Atom("DELETED")])) - set(uids))
        if others:
            await self.store(others, "-", ["\\Deleted"])
        try:
            await self._connection.run("EXPUNGE")
        finally:
            if others and self._connection.is_usable:
                await self.store(others, "+", ["\\Deleted"])

    async def append(
        self, folder: str, message: bytes, flags: Iterable[str] = (), date: datetime | None = None
    ) -> AppendUid | None:
        """Put a message into a folder; where it went, if the server tells. Raises Rejected (OVERQUOTA, TRYCREATE)."""
        arguments: list[Argument] = [self._mailbox(folder)]
        names: list[Argument] = [flag(name) for name in flags]
        if names:
            arguments.append(names)
        if date is not None:
            arguments.append(date_time(date))
        completion = await self._connection.run(
            "APPEND", *arguments, Literal8(message) if b"\0" in message else LiteralBytes(message)
        )
        return _append_uid(completion.status)


def _append_uid(status: StatusText) -> AppendUid | None:
    words = status.argument.split()
    if status.code != "APPENDUID" or len(words) != 2 or not all(word.isdigit() for word in words):
        return None
    return AppendUid(int(words[0]), int(words[1]))


def _copy_uid(completion: Completion) -> CopyUid | None:
    # MOVE tells it in an untagged OK (RFC 6851 section 4.3), COPY in the tagged one.
    statuses = [completion.status, *(answer.status for answer in completion.of("OK"))]
    for status in statuses:
        words = status.argument.split()
        if status.code == "COPYUID" and len(words) == 3 and words[0].isdigit():
            old, new = expand(parse_ranges(words[1])), expand(parse_ranges(words[2]))
            return CopyUid(int(words[0]), dict(zip(old, new, strict=False)))
    return None
