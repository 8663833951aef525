"""One logged-in IMAP connection of the pool, and the folder it stands in."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from hsp.foundation.clock import Clock
from hsp.mail.errors import FolderGone
from hsp.mail.view import FolderView, read_view
from hsp.protocols.imap import ImapClient, Rejected

__all__ = ["Connection", "Key"]

_WHO_WE_ARE = {"name": "HSP gateway"}


class Key(NamedTuple):
    """Whose connection this is: the upstream, the account, and a MAC of the credential it logged in with."""

    upstream: str
    account: str
    fingerprint: bytes


class Connection:
    """`last_used` is on the monotonic clock; `dropped` means out of the pool for good."""

    def __init__(self, client: ImapClient, key: Key, clock: Clock) -> None:
        self.client = client
        self.key = key
        self.last_used = clock.monotonic()
        self.dropped = False
        self.view: FolderView | None = None

    @classmethod
    async def prepare(cls, client: ImapClient, key: Key, clock: Clock) -> Connection:
        """The first words after login: some providers (163.com) refuse everything before ID (RFC 2971)."""
        await client.id(_WHO_WE_ARE)
        return cls(client, key, clock)

    @property
    def selected(self) -> str:
        return self.view.name if self.view is not None else ""

    async def open_folder(self, name: str) -> FolderView:
        """The folder `name`, selected, with its list as true as one round trip makes it. Raises FolderGone."""
        try:
            if self.view is None or self.view.name != name or self.client.selected != name:
                return await self._select(name)
            before = self.view.version
            _, status = await asyncio.gather(self.client.noop(), self.client.status(name))
            if self.view.version != before:
                # Dovecot may answer the STATUS first, with the counts from before the news that the NOOP then tells.
                status = await self.client.status(name)
        except Rejected as error:
            self.view = None
            if error.code.upper() in {"", "NONEXISTENT", "CANNOT", "NOPERM"}:
                raise FolderGone(str(error)) from error
            raise
        if status.uidvalidity not in {None, self.view.uidvalidity}:
            return await self._select(name)  # Deleted and made again under the same name: another folder.
        self.view.status = status
        await self.view.refresh(self.client)
        return self.view

    async def _select(self, name: str) -> FolderView:
        self.view = None
        self.view = await read_view(self.client, name)
        self.view.status = await self.client.status(name)
        return self.view
