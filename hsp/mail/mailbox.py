"""One account's mailbox as verbs. What changes is never repeated by itself; what looks may be, once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from hsp.mail.connection import Connection
from hsp.mail.errors import FolderGone, MessageGone, NotAllowed
from hsp.mail.folders import Folder, Role
from hsp.mail.ids import FolderKey, FolderRef
from hsp.mail.reading import Reading
from hsp.mail.view import FolderView
from hsp.protocols.imap import Atom, Rejected
from hsp.protocols.imap.wire import Argument

__all__ = ["Deleted", "Mailbox"]

_DEFAULT_NAMES: dict[Role, str] = {
    "drafts": "Drafts",
    "sent": "Sent",
    "trash": "Trash",
    "junk": "Junk",
    "archive": "Archive",
}
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Deleted:
    """`count` messages went to Trash, or for ever when they were there already."""

    moved_to_trash: bool
    count: int


class Mailbox(Reading):
    """One account's mail as verbs. Every method raises MailError."""

    async def mark(self, mail_ids: Sequence[str], *, seen: bool | None = None, flagged: bool | None = None) -> None:
        """Set or take away marks; None leaves one alone. Raises MessageGone when none of the messages is there."""
        wanted = (("\\Seen", seen), ("\\Flagged", flagged))

        async def work(connection: Connection, _view: FolderView, uids: list[int]) -> None:
            for name, value in wanted:
                if value is not None:
                    await connection.client.store(uids, "+" if value else "-", [name])

        await self._each_folder(mail_ids, work)

    async def add_keyword(self, mail_id: str, keyword: str) -> None:
        """Set a flag such as \\Answered or $Forwarded where the folder can keep it. Raises MessageGone."""

        async def work(connection: Connection, view: FolderView, uids: list[int]) -> None:
            allowed = {flag.lower() for flag in view.permanent_flags}
            if keyword.lower() in allowed or (not keyword.startswith("\\") and "\\*" in allowed):
                await connection.client.store(uids, "+", [keyword])

        await self._each_folder([mail_id], work)

    async def move(self, mail_ids: Sequence[str], folder_id: str) -> None:
        """Move to another folder. Raises FolderGone, MessageGone, OverQuota."""
        target = await self._folder_ref(folder_id)

        async def work(connection: Connection, view: FolderView, uids: list[int]) -> None:
            if view.name != target.key.name:
                await _move(connection, uids, target.key.name)

        await self._each_folder(mail_ids, work)

    async def delete(self, mail_ids: Sequence[str]) -> Deleted:
        """To Trash, which is made if there is none; what is in Trash already is removed for ever."""
        trash = await self._role_folder("trash")
        moved = removed = 0

        async def work(connection: Connection, view: FolderView, uids: list[int]) -> None:
            nonlocal moved, removed
            if view.name == trash.name or trash.name in self._parents_of(view.name):
                await connection.client.expunge(uids)
                removed += len(uids)
            else:
                await _move(connection, uids, trash.name)
                moved += len(uids)

        await self._each_folder(mail_ids, work)
        return Deleted(moved > 0 or removed == 0, moved + removed)

    async def remove(self, mail_ids: Sequence[str]) -> None:
        """Take away for ever, past Trash: a draft that was sent or replaced. Raises MessageGone."""

        async def work(connection: Connection, _view: FolderView, uids: list[int]) -> None:
            await connection.client.expunge(uids)

        await self._each_folder(mail_ids, work)

    async def append(self, role: Role, message: bytes, flags: Iterable[str] = ()) -> str:
        """Put a message into the folder of `role`, made if there is none; its id, "" if the server hides it."""
        folder = await self._role_folder(role)
        async with self._change() as connection:
            placed = await connection.client.append(folder.name, message, flags)
        if placed is None:
            return ""
        ref = await self._shared.ids.number(await self._owner(), FolderKey(folder.name, placed.uidvalidity))
        return ref.mail_id(placed.uid)

    async def has_message(self, role: Role, message_id: str, *, since: float) -> bool:
        """Whether the folder of `role` holds this Message-ID, among what arrived since a day before `since`."""
        folder = await self._role_folder(role)
        # Asking for the date first lets the server look at few headers; a day covers every time zone.
        day = datetime.fromtimestamp(max(since - _DAY, 0), UTC).strftime("%d-%b-%Y")

        async def work(connection: Connection) -> bool:
            await connection.open_folder(folder.name)
            criteria: list[Argument] = [Atom("SINCE"), Atom(day), Atom("HEADER"), "Message-ID", message_id]
            return bool(await connection.client.search(criteria))

        return await self._read(work, folder=folder.name)

    def _parents_of(self, name: str) -> set[str]:
        folders = {folder.id: folder for folder in self._kept_folders() or ()}
        folder = next((one for one in folders.values() if one.name == name), None)
        parents: set[str] = set()
        while folder is not None and (folder := folders.get(folder.parent_id)) is not None:
            parents.add(folder.name)
        return parents

    async def _each_folder(self, mail_ids: Sequence[str], work: _Work) -> None:
        """Do `work` folder by folder on the messages that are there. Raises MessageGone when none is."""
        by_folder: dict[FolderRef, list[int]] = {}
        for mail_id in mail_ids:
            ref, uid = await self._mail_ref(mail_id)
            by_folder.setdefault(ref, []).append(uid)
        found = 0
        for ref, uids in by_folder.items():
            async with self._change(folder=ref.key.name) as connection:
                try:
                    _, view = await self._open(connection, ref)
                except FolderGone:
                    continue
                present = view.present(uids)
                found += len(present)
                if present:
                    await work(connection, view, present)
        if not found:
            raise MessageGone("none of the messages is there")

    async def _role_folder(self, role: Role) -> Folder:
        folder = next((one for one in await self.folders() if one.role == role), None)
        if folder is not None:
            return folder
        async with self._change() as connection:
            with contextlib.suppress(Rejected):  # Perhaps another tab made it just now; the list decides.
                await connection.client.create(await _default_name(connection, role))
        folder = next((one for one in await self.folders() if one.role == role), None)
        if folder is None:
            raise NotAllowed(f"no folder for {role}, and none could be made")
        return folder


class _Work(Protocol):
    async def __call__(self, connection: Connection, view: FolderView, uids: list[int], /) -> None: ...


async def _move(connection: Connection, uids: list[int], target: str) -> None:
    try:
        await connection.client.move(uids, target)
    except Rejected as error:
        if error.code.upper() == "TRYCREATE":
            raise FolderGone(str(error)) from error
        raise


async def _default_name(connection: Connection, role: Role) -> str:
    """Below the personal namespace: some servers keep everything under "INBOX." (RFC 2342)."""
    namespaces = await connection.client.namespace()
    prefix = namespaces.personal[0][0] if namespaces.personal else ""
    return prefix + _DEFAULT_NAMES[role]
