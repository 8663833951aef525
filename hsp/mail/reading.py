"""The verbs that look: folders, a page of a folder, one message, its parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from hsp.mail.access import FOLDERS_KEPT, FOLDERS_KEPT_SECONDS, Access
from hsp.mail.connection import Connection
from hsp.mail.content import decode_transfer
from hsp.mail.errors import MessageGone
from hsp.mail.folders import Folder
from hsp.mail.ids import FolderRef
from hsp.mail.query import search_criteria
from hsp.mail.rows import ROW_ITEMS, MailRow, build_row
from hsp.mail.transfer import decoded
from hsp.mail.view import FolderView
from hsp.protocols.imap import BodyPart, Quota

__all__ = ["MailPage", "OpenedMail", "Reading"]

_MAX_PAGE = 500
_CHUNK = 256 * 1024
_OPEN_ITEMS = ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODYSTRUCTURE", "BODY.PEEK[HEADER]")
# A message whose structure the server cannot tell is still there to be saved as a whole.
_UNREADABLE = BodyPart("TEXT", "application", "octet-stream", {"name": "message.eml"}, disposition="attachment")


@dataclass(frozen=True, slots=True)
class MailPage:
    """`number` of `pages` (both from 1); `total` counts what is listed (all, or what a search found), `unread` the
    unread of the folder."""

    folder: Folder
    rows: tuple[MailRow, ...]
    number: int
    pages: int
    total: int
    unread: int


@dataclass(frozen=True, slots=True)
class OpenedMail:
    """One message. `header` is raw, `date` its arrival in epoch seconds, `size` bytes.

    `previous_id` is the next newer message of the folder and `next_id` the next older one, "" at either end.
    """

    id: str
    folder: Folder
    structure: BodyPart
    header: bytes
    flags: frozenset[str]
    size: int
    date: float
    previous_id: str
    next_id: str


class Reading(Access):
    """The half of a mailbox that changes nothing. Every method raises MailError."""

    async def folders(self) -> list[Folder]:
        """All folders, in order of display."""
        kept = self._kept_folders()
        return list(kept if kept is not None else await self._read(self._folders))

    async def page(self, folder_id: str | None, number: int = 1, size: int = 50, query: str = "") -> MailPage:
        """A page of a folder (None: the inbox), newest first by arrival; a number out of range is clamped.

        Raises FolderGone.
        """
        ref = None if folder_id is None else await self._folder_ref(folder_id)
        size = min(max(size, 1), _MAX_PAGE)

        async def work(connection: Connection) -> MailPage:
            opened, view = await self._open(connection, ref)
            uids = view.uids if not query.strip() else await _searched(connection, view, query)
            total = len(uids)
            pages = max(-(-total // size), 1)
            at = min(max(number, 1), pages)
            end = total - (at - 1) * size
            wanted = list(uids[max(end - size, 0) : end])[::-1]
            rows = await self._rows(connection, opened, view, wanted)
            folder = await self._folder_of(connection, opened, view)
            return MailPage(folder, tuple(rows), at, pages, total, folder.unread)

        return await self._read(work, folder=ref.key.name if ref is not None else "INBOX")

    async def open(self, mail_id: str) -> OpenedMail:
        """One message, marked as nothing. Raises MessageGone."""
        ref, uid = await self._mail_ref(mail_id)

        async def work(connection: Connection) -> OpenedMail:
            _, view = await self._open(connection, ref)
            found = await connection.client.fetch([uid], _OPEN_ITEMS)
            if not found:
                raise MessageGone("no such message")
            fetched = found[0]
            structure = fetched.structure or _UNREADABLE
            self._keep_structure(ref, uid, structure)
            previous_id, next_id = _neighbours(ref, view, uid)
            return OpenedMail(
                id=mail_id,
                folder=await self._folder_of(connection, ref, view),
                structure=structure,
                header=fetched.sections.get("HEADER", b""),
                flags=fetched.flags,
                size=fetched.size,
                date=fetched.internal_date.timestamp() if fetched.internal_date else 0.0,
                previous_id=previous_id,
                next_id=next_id,
            )

        return await self._read(work, folder=ref.key.name)

    async def part(self, mail_id: str, section: str) -> bytes:
        """One part with its transfer encoding undone. Raises MessageGone, for a part that is not there as well."""
        ref, uid = await self._mail_ref(mail_id)
        encoding = (await self._part_of(ref, uid, section)).encoding
        data = await self._section(ref, uid, section)
        if len(data) < _CHUNK:
            return decode_transfer(data, encoding)
        return await asyncio.to_thread(decode_transfer, data, encoding)

    async def stream_part(self, mail_id: str, section: str) -> AsyncIterator[bytes]:
        """Like `part`, in pieces. No connection is held between pieces: a slow reader keeps nobody waiting."""
        ref, uid = await self._mail_ref(mail_id)
        encoding = (await self._part_of(ref, uid, section)).encoding
        async for piece in decoded(self._pieces(ref, uid, section), encoding):
            yield piece

    async def source(self, mail_id: str) -> bytes:
        """The whole message as it is stored."""
        return await self._section(*await self._mail_ref(mail_id), "")

    async def stream_source(self, mail_id: str) -> AsyncIterator[bytes]:
        """Like `source`, in pieces."""
        ref, uid = await self._mail_ref(mail_id)
        async for piece in self._pieces(ref, uid, ""):
            yield piece

    async def quota(self) -> Quota | None:
        """Use and limit of the mailbox, None where the server sets none; kept as long as the folder list."""
        kept, now = self._shared.quotas, self._shared.clock.monotonic()
        known = kept.get(self._key)
        if known is not None and now - known[0] < FOLDERS_KEPT_SECONDS:
            return known[1]
        quota = await self._read(lambda connection: connection.client.quota())
        kept[self._key] = (now, quota)
        kept.move_to_end(self._key)
        if len(kept) > FOLDERS_KEPT:
            kept.popitem(last=False)
        return quota

    async def _rows(
        self, connection: Connection, ref: FolderRef, view: FolderView, uids: Sequence[int]
    ) -> list[MailRow]:
        cache = self._shared.rows
        new = [uid for uid in uids if cache.get(ref.no, uid, None) is None]
        unknown = set(new)
        await self._learn_flags(connection, view, [uid for uid in uids if uid not in unknown])
        if new:
            as_of = view.status.highestmodseq or 0
            for fetched in await connection.client.fetch(new, ROW_ITEMS):
                view.keep_flags(fetched.uid, fetched.flags, as_of)
                cache.put(ref.no, fetched.uid, fetched.flags, build_row(ref, fetched))
        rows = []
        for uid in uids:
            known = view.known_flags(uid)
            row = cache.get(ref.no, uid, known[0]) if known is not None else None
            if row is not None:
                rows.append(row)
        return rows

    async def _learn_flags(self, connection: Connection, view: FolderView, uids: Sequence[int]) -> None:
        """Flags of rows known by content. With CONDSTORE nothing is asked while the folder's sequence stands still."""
        now = view.status.highestmodseq or 0
        stale = [uid for uid in uids if not now or (view.known_flags(uid) or ((), -1))[1] != now]
        if not stale:
            return
        known_since = [known[1] for uid in stale if (known := view.known_flags(uid)) is not None]
        since = min(known_since) if now and len(known_since) == len(stale) and min(known_since) > 0 else None
        for fetched in await connection.client.fetch(stale, ["FLAGS"], changed_since=since):
            view.keep_flags(fetched.uid, fetched.flags, now)
        if since is not None:
            for uid in stale:
                known = view.known_flags(uid)
                if known is not None:
                    view.keep_flags(uid, known[0], now)

    async def _part_of(self, ref: FolderRef, uid: int, section: str) -> BodyPart:
        structure = self._shared.structures.get((ref.no, uid)) or await self._structure(ref, uid)
        pending = [structure]
        while pending:
            part = pending.pop()
            if part.section == section and section:
                return part
            pending.extend(part.parts)
        raise MessageGone("no such part")

    async def _structure(self, ref: FolderRef, uid: int) -> BodyPart:
        async def work(connection: Connection) -> BodyPart:
            await self._open(connection, ref)
            found = await connection.client.fetch([uid], ["BODYSTRUCTURE"])
            if not found:
                raise MessageGone("no such message")
            return found[0].structure or _UNREADABLE

        structure = await self._read(work, folder=ref.key.name)
        self._keep_structure(ref, uid, structure)
        return structure

    async def _section(self, ref: FolderRef, uid: int, section: str) -> bytes:
        async def work(connection: Connection) -> bytes:
            await self._open(connection, ref)
            found = await connection.client.fetch([uid], [f"BODY.PEEK[{section}]"])
            if not found:
                raise MessageGone("no such message")
            return found[0].sections.get(section, b"")

        return await self._read(work, folder=ref.key.name)

    async def _pieces(self, ref: FolderRef, uid: int, section: str) -> AsyncIterator[bytes]:
        offset = 0
        while True:
            piece = await self._piece(ref, uid, section, offset)
            if piece:
                yield piece
            if len(piece) < _CHUNK:
                return
            offset += len(piece)

    async def _piece(self, ref: FolderRef, uid: int, section: str, offset: int) -> bytes:
        async def work(connection: Connection) -> bytes:
            await self._open(connection, ref)
            found = await connection.client.fetch([uid], [f"BODY.PEEK[{section}]<{offset}.{_CHUNK}>"])
            if not found:
                raise MessageGone("no such message")
            return next(iter(found[0].sections.values()), b"")

        return await self._read(work, folder=ref.key.name)


async def _searched(connection: Connection, view: FolderView, query: str) -> Sequence[int]:
    criteria = search_criteria(query)
    if not criteria:
        return view.uids
    kept = view.kept_search(query)
    return kept if kept is not None else view.keep_search(query, await connection.client.search(criteria))


def _neighbours(ref: FolderRef, view: FolderView, uid: int) -> tuple[str, str]:
    position = view.index(uid)
    if position is None:
        return "", ""
    newer = ref.mail_id(view.uids[position + 1]) if position + 1 < len(view.uids) else ""
    older = ref.mail_id(view.uids[position - 1]) if position > 0 else ""
    return newer, older
