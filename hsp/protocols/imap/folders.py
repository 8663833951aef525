"""The client's verbs on folders: LIST, STATUS, SELECT, QUOTA and the making, naming and removing of folders."""

import asyncio
from contextlib import suppress
from dataclasses import replace

from hsp.protocols.imap.answers import parse_list, parse_quota, parse_status_data
from hsp.protocols.imap.connection import Completion
from hsp.protocols.imap.errors import ImapError, Rejected
from hsp.protocols.imap.fetching import parse_flags
from hsp.protocols.imap.model import FolderInfo, Quota, Selected, Status
from hsp.protocols.imap.state import ClientState, parse_all, vanished_ranges
from hsp.protocols.imap.tokens import tokenize
from hsp.protocols.imap.wire import Argument, Atom

_SELECT_WANTS = frozenset({"FLAGS", "EXISTS", "OK", "VANISHED", "FETCH"})
STATUS_BATCH = 50


class FolderCommands(ClientState):
    """Verbs on folders."""

    def _status_items(self) -> list[Argument]:
        items = ["MESSAGES", "UNSEEN", "UIDNEXT", "UIDVALIDITY"]
        if self.has("CONDSTORE") or self.has("QRESYNC"):
            items.append("HIGHESTMODSEQ")
        if self.has("OBJECTID"):
            items.append("MAILBOXID")
        return [Atom(item) for item in items]

    async def list_folders(self, *, status: bool = True) -> list[FolderInfo]:
        """All folders, with special uses where the server knows them and, unless turned off, their counts.

        One round trip with LIST-STATUS (RFC 5819), else LIST and pipelined STATUS.
        """
        returns = self._list_returns(status=status)
        arguments: list[Argument] = ["", "*"]
        if returns:
            arguments += [Atom("RETURN"), returns]
        completion = await self._connection.run("LIST", *arguments, wants=frozenset({"LIST", "STATUS"}))
        with self._reading():
            listed = [parse_list(answer.segments, utf8=self._utf8) for answer in completion.of("LIST")]
            counts = dict(parse_status_data(answer.segments, utf8=self._utf8) for answer in completion.of("STATUS"))
        folders = {folder.name: folder for folder in listed}
        if status and not self.has("LIST-STATUS"):
            counts = await self._counts([folder.name for folder in folders.values() if folder.selectable])
        return [replace(folder, status=counts.get(name)) for name, folder in folders.items()]

    def _list_returns(self, *, status: bool) -> list[Argument]:
        returns: list[Argument] = []
        if self.has("SPECIAL-USE") and (self.has("LIST-EXTENDED") or self.has("IMAP4REV2")):
            returns.append(Atom("SPECIAL-USE"))
        if status and self.has("LIST-STATUS"):
            returns += [Atom("STATUS"), self._status_items()]
        return returns

    async def _counts(self, names: list[str]) -> dict[str, Status]:
        counts: dict[str, Status] = {}
        for start in range(0, len(names), STATUS_BATCH):
            batch = names[start : start + STATUS_BATCH]
            found = await asyncio.gather(*(self._status_or_none(name) for name in batch))
            counts.update({name: status for name, status in zip(batch, found, strict=True) if status is not None})
        return counts

    async def _status_or_none(self, name: str) -> Status | None:
        try:
            return await self.status(name)
        except Rejected:
            return None  # Fails open: a folder that may not be counted is listed all the same.

    async def status(self, name: str) -> Status:
        """The counts of one folder. Raises Rejected when there is none of that name."""
        completion = await self._connection.run(
            "STATUS", self._mailbox(name), self._status_items(), wants=frozenset({"STATUS"})
        )
        wanted = "INBOX" if name.upper() == "INBOX" else name
        with self._reading():
            told = dict(parse_status_data(answer.segments, utf8=self._utf8) for answer in completion.of("STATUS"))
        return told.get(wanted, Status())

    async def select(self, name: str, *, read_only: bool = False, qresync: tuple[int, int] | None = None) -> Selected:
        """Open a folder. `qresync` is the known (uidvalidity, modseq): then changes since come along (RFC 7162).

        Raises Rejected when it cannot be opened; then none is selected.
        """
        parameters: list[Argument] = []
        if qresync is not None and "QRESYNC" in self.enabled:
            parameters = [Atom("QRESYNC"), [*qresync]]
        elif self.has("CONDSTORE") or self.has("QRESYNC"):
            parameters = [Atom("CONDSTORE")]
        arguments: list[Argument] = [self._mailbox(name), *([parameters] if parameters else [])]
        self.selected = None
        try:
            completion = await self._connection.run(
                "EXAMINE" if read_only else "SELECT", *arguments, wants=_SELECT_WANTS
            )
        except ImapError:
            self.state = "authenticated"
            raise
        self.selected = name
        self.state = "selected"
        with self._reading():
            return await self._selected(name, completion, read_only=read_only)

    async def _selected(self, name: str, completion: Completion, *, read_only: bool) -> Selected:
        answers = completion.answers
        # News of the folder selected before may come first; CLOSED ends it (RFC 7162 section 3.2.11).
        for position, answer in enumerate(answers):
            if answer.kind == "OK" and answer.status.code == "CLOSED":
                answers = answers[position + 1 :]
                break
        codes = {answer.status.code: answer.status.argument for answer in answers if answer.kind == "OK"}
        exists = [answer.number or 0 for answer in answers if answer.kind == "EXISTS"]
        self.exists = exists[-1] if exists else 0
        flags = [tokenize(answer.segments) for answer in answers if answer.kind == "FLAGS"]
        permanent = tokenize([codes.get("PERMANENTFLAGS", "").encode("latin-1")])
        known = parse_flags(flags[-1][2]) if flags and len(flags[-1]) > 2 else frozenset()
        return Selected(
            name=name,
            exists=self.exists,
            uidvalidity=_number(codes.get("UIDVALIDITY")),
            uidnext=_number(codes.get("UIDNEXT")),
            highestmodseq=_number(codes.get("HIGHESTMODSEQ")),
            flags=known,
            permanent_flags=parse_flags(permanent[0]) if permanent else known,
            mailboxid=codes.get("MAILBOXID", "").strip("()") or None,
            read_only=read_only or completion.status.code == "READ-ONLY",
            vanished=vanished_ranges(answer for answer in answers if answer.kind == "VANISHED"),
            changed=tuple(await parse_all([answer for answer in answers if answer.kind == "FETCH"])),
        )

    async def unselect(self) -> None:
        """Leave the folder without expunging: UNSELECT (RFC 3691), else a SELECT of nothing."""
        if self.selected is None:
            return
        if self.has("UNSELECT") or self.has("IMAP4REV2"):
            await self._connection.run("UNSELECT")
        else:
            # The refusal is what is wanted: a failed SELECT leaves no folder selected (RFC 3501 section 6.3.1).
            with suppress(Rejected):
                await self._connection.run("EXAMINE", "")
        self.selected = None
        self.state = "authenticated"

    async def create(self, name: str) -> None:
        """Make a folder. Raises Rejected (ALREADYEXISTS, CANNOT ...)."""
        await self._connection.run("CREATE", self._mailbox(name))

    async def delete(self, name: str) -> None:
        """Remove a folder and all its mail. Raises Rejected."""
        await self._connection.run("DELETE", self._mailbox(name))

    async def rename(self, name: str, new_name: str) -> None:
        """Rename a folder and what is below it. Raises Rejected."""
        await self._connection.run("RENAME", self._mailbox(name), self._mailbox(new_name))

    async def subscribe(self, name: str, *, subscribed: bool = True) -> None:
        """Put a folder on the list of subscriptions, or take it off."""
        await self._connection.run("SUBSCRIBE" if subscribed else "UNSUBSCRIBE", self._mailbox(name))

    async def quota(self, root: str = "INBOX") -> Quota | None:
        """The first quota that governs the folder `root`; None where there is none or the server knows no quotas."""
        if not self.has("QUOTA"):
            return None
        try:
            completion = await self._connection.run("GETQUOTAROOT", self._mailbox(root), wants=frozenset({"QUOTA"}))
        except Rejected:
            return None  # Fails open: a quota only informs.
        with self._reading():
            quotas = [parse_quota(answer.segments) for answer in completion.of("QUOTA")]
        limited = [quota for quota in quotas if quota.storage_limit is not None or quota.messages_limit is not None]
        return limited[0] if limited else None


def _number(value: str | None) -> int:
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 20 else 0
