"""How the verbs of one mailbox reach its server: ids to folders, folders to connections, errors to words."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hsp.foundation.clock import Clock
from hsp.mail.connection import Connection, Key
from hsp.mail.errors import FolderGone, MessageGone
from hsp.mail.folders import Folder, build_folders
from hsp.mail.ids import FolderKey, FolderRef, Ids, parse_folder_id, parse_mail_id
from hsp.mail.pool import Pool
from hsp.mail.routes import Domains, Principal
from hsp.mail.rows import RowCache
from hsp.mail.translate import translated
from hsp.mail.view import FolderView
from hsp.protocols.imap import BodyPart, CommandTimeout, ConnectionLost, Quota

__all__ = ["Access", "Shared"]

T = TypeVar("T")
FOLDERS_KEPT_SECONDS = 10.0
FOLDERS_KEPT = 2_000
_STRUCTURES_KEPT = 500


@dataclass(slots=True)
class Shared:
    """What all mailboxes of a process share."""

    ids: Ids
    pool: Pool
    domains: Domains
    clock: Clock
    rows: RowCache
    folder_lists: OrderedDict[Key, tuple[float, list[Folder]]]
    structures: OrderedDict[tuple[int, int], BodyPart]
    quotas: OrderedDict[Key, tuple[float, Quota | None]] = field(default_factory=OrderedDict)


class Access:
    """The base of `Mailbox`."""

    def __init__(self, shared: Shared, principal: Principal) -> None:
        self._shared = shared
        self._principal = principal
        self._route = shared.domains.route(principal.account)
        self._key = shared.pool.key(self._route, principal.account, principal.credential)

    async def _read(self, work: Callable[[Connection], Awaitable[T]], *, folder: str = "") -> T:
        """Do `work`, which must change nothing, on a connection; once more on a new one when a kept one broke."""
        with translated():
            try:
                async with self._lend(folder=folder) as connection:
                    return await work(connection)
            except CommandTimeout:
                raise  # The server had its time; asking again would double the wait.
            except ConnectionLost:
                async with self._lend(folder=folder, fresh=True) as connection:
                    return await work(connection)

    @asynccontextmanager
    async def _change(self, *, folder: str = "") -> AsyncIterator[Connection]:
        """A connection known to live, for work that is never repeated by itself."""
        try:
            with translated():
                async with self._lend(folder=folder, sure=True) as connection:
                    yield connection
        finally:
            self._shared.folder_lists.pop(self._key, None)
            self._shared.quotas.pop(self._key, None)

    def _lend(
        self, *, folder: str = "", fresh: bool = False, sure: bool = False
    ) -> AbstractAsyncContextManager[Connection]:
        return self._shared.pool.lend(self._route, self._principal, folder=folder, fresh=fresh, sure=sure)

    async def _owner(self) -> int:
        return await self._shared.ids.owner(self._principal.account)

    async def _folder_ref(self, folder_id: str) -> FolderRef:
        """Raises FolderGone for a malformed, an absent and another owner's id alike."""
        numbers = parse_folder_id(folder_id)
        owner = await self._owner()
        ref = await self._shared.ids.folder(*numbers) if numbers is not None and numbers[0] == owner else None
        if ref is None:
            raise FolderGone("no such folder")
        return ref

    async def _mail_ref(self, mail_id: str) -> tuple[FolderRef, int]:
        """Raises MessageGone for a malformed, an absent and another owner's id alike."""
        numbers = parse_mail_id(mail_id)
        owner = await self._owner()
        ref = await self._shared.ids.folder(*numbers[:2]) if numbers is not None and numbers[0] == owner else None
        if numbers is None or ref is None:
            raise MessageGone("no such message")
        return ref, numbers[2]

    async def _open(self, connection: Connection, ref: FolderRef | None) -> tuple[FolderRef, FolderView]:
        """The folder of `ref` (None: the inbox), selected. Raises FolderGone when it is not that folder any more."""
        try:
            return await self._opened(connection, ref)
        except FolderGone:
            self._shared.folder_lists.pop(self._key, None)  # It was in the list, which is therefore wrong.
            raise

    async def _opened(self, connection: Connection, ref: FolderRef | None) -> tuple[FolderRef, FolderView]:
        view = await connection.open_folder(ref.key.name if ref is not None else "INBOX")
        if ref is None:
            key = FolderKey("INBOX", view.uidvalidity, view.mailboxid)
            return await self._shared.ids.number(await self._owner(), key), view
        if view.uidvalidity != ref.key.uidvalidity:
            raise FolderGone("the folder was made anew")
        return ref, view

    async def _folders(self, connection: Connection) -> list[Folder]:
        """The folder list, kept for some seconds; every change of ours drops it."""
        lists, now = self._shared.folder_lists, self._shared.clock.monotonic()
        at, folders = lists.get(self._key, (-FOLDERS_KEPT_SECONDS, []))
        if now - at < FOLDERS_KEPT_SECONDS and folders:
            return folders
        infos = await connection.client.list_folders()
        folders = await build_folders(self._shared.ids, await self._owner(), infos)
        lists[self._key] = (now, folders)
        lists.move_to_end(self._key)
        if len(lists) > FOLDERS_KEPT:
            lists.popitem(last=False)
        return folders

    def _kept_folders(self) -> list[Folder] | None:
        at, folders = self._shared.folder_lists.get(self._key, (0.0, []))
        fresh = self._shared.clock.monotonic() - at < FOLDERS_KEPT_SECONDS
        return folders if fresh and folders else None

    async def _folder_of(self, connection: Connection, ref: FolderRef, view: FolderView) -> Folder:
        """The folder with its counts as just seen; they are noted in the kept list, so that both always agree."""
        folders = await self._folders(connection)
        unread = view.status.unseen
        for position, folder in enumerate(folders):
            if folder.id == ref.id:
                counted = replace(folder, total=len(view.uids), unread=folder.unread if unread is None else unread)
                folders[position] = counted
                return counted
        self._shared.folder_lists.pop(self._key, None)
        name = ref.key.name
        return Folder(ref.id, name, name, (name,), None, 0, len(view.uids), unread or 0, True, "")

    def _keep_structure(self, ref: FolderRef, uid: int, structure: BodyPart) -> None:
        structures = self._shared.structures
        structures[ref.no, uid] = structure
        structures.move_to_end((ref.no, uid))
        if len(structures) > _STRUCTURES_KEPT:
            structures.popitem(last=False)
