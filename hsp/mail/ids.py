"""Ids of folders and messages: opaque to clients, bound to their owner.

Promise: an id says which account it belongs to, and an id of another account is answered exactly as one that never
existed. A folder id is ``owner_folder``; a mail id is base64url of ``owner_folder_uid`` without padding. The numbers
come from SQL, so they are the same on every node; a changed UIDVALIDITY makes a new folder number (RFC 9051 section
2.3.1.1), so an id never comes to mean another message.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hsp.foundation.sql import Database
from hsp.mail.tables import accounts, folders

__all__ = ["FolderKey", "FolderRef", "Ids", "folder_id", "mail_id", "parse_folder_id", "parse_mail_id"]

_K = TypeVar("_K")
_V = TypeVar("_V")
_MAX_NUMBER = 2**31 - 1
_MAX_UID = 2**32 - 1
_FOLDER = re.compile(r"([1-9][0-9]{0,9})_([1-9][0-9]{0,9})", re.ASCII)
_MAIL = re.compile(rb"([1-9][0-9]{0,9})_([1-9][0-9]{0,9})_([1-9][0-9]{0,9})")
_MAX_ID_LENGTH = 64


def folder_id(owner: int, folder: int) -> str:
    """The id of a folder, as the Mailbox API writes it."""
    return f"{owner}_{folder}"


def mail_id(owner: int, folder: int, uid: int) -> str:
    """The id of a message: base64url of owner, folder and UID, without padding."""
    return base64.urlsafe_b64encode(f"{owner}_{folder}_{uid}".encode()).rstrip(b"=").decode()


def parse_folder_id(value: str) -> tuple[int, int] | None:
    """The numbers (owner, folder), or None for anything that `folder_id` does not write."""
    match = _FOLDER.fullmatch(value) if len(value) <= _MAX_ID_LENGTH else None
    if match is None:
        return None
    owner, folder = int(match[1]), int(match[2])
    return (owner, folder) if max(owner, folder) <= _MAX_NUMBER else None


def parse_mail_id(value: str) -> tuple[int, int, int] | None:
    """The numbers (owner, folder, uid), or None for anything that `mail_id` does not write."""
    if not value or len(value) > _MAX_ID_LENGTH or not value.isascii():
        return None
    try:
        raw = base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    match = _MAIL.fullmatch(raw)
    if match is None:
        return None
    owner, folder, uid = (int(group) for group in match.groups())
    # Base64 has several spellings of the same bytes; one message must have one id.
    if max(owner, folder) > _MAX_NUMBER or uid > _MAX_UID or mail_id(owner, folder, uid) != value:
        return None
    return owner, folder, uid


@dataclass(frozen=True, slots=True)
class FolderKey:
    """What the upstream says a folder is. `mailboxid` (RFC 8474) is empty where the server has none."""

    name: str
    uidvalidity: int
    mailboxid: str = ""


@dataclass(frozen=True, slots=True)
class FolderRef:
    """A numbered folder of one account."""

    owner: int
    no: int
    key: FolderKey

    @property
    def id(self) -> str:
        return folder_id(self.owner, self.no)

    def mail_id(self, uid: int) -> str:
        """The id of a message: base64url of owner, folder and UID, without padding."""
        return mail_id(self.owner, self.no, uid)


class Ids:
    """The numbers of accounts and folders, kept in SQL and remembered in memory (at most `capacity` of each)."""

    def __init__(self, database: Database, *, capacity: int = 20_000) -> None:
        self._database = database
        self._capacity = capacity
        self._owners: OrderedDict[str, int] = OrderedDict()
        self._folders: OrderedDict[int, FolderRef] = OrderedDict()
        self._numbers: OrderedDict[tuple[int, str, int], FolderRef] = OrderedDict()

    async def owner(self, account: str) -> int:
        """The number of `account`, given now if it has none."""
        known = self._owners.get(account)
        if known is None:
            async with self._database.session() as session:
                known = await _find_or_insert_account(session, account)
            _remember(self._owners, account, known, self._capacity)
        return known

    async def folder(self, owner: int, no: int) -> FolderRef | None:
        """The folder with number `no` if it belongs to `owner`; another owner's is None, like one that never was."""
        known = self._folders.get(no)
        if known is None:
            query = sa.select(folders).where(folders.c.no == no, folders.c.account_no == owner)
            async with self._database.session(read_only=True) as session:
                row = (await session.execute(query)).first()
            if row is None:
                return None
            known = self._keep(FolderRef(row.account_no, row.no, FolderKey(row.name, row.uidvalidity, row.mailboxid)))
        return known if known.owner == owner else None

    async def number(self, owner: int, key: FolderKey) -> FolderRef:
        return (await self.numbers(owner, [key]))[0]

    async def numbers(self, owner: int, keys: Sequence[FolderKey]) -> list[FolderRef]:
        """The numbered folders for `keys`, in their order; new ones are given numbers in one transaction."""
        found = {key: self._numbers.get((owner, key.name, key.uidvalidity)) for key in keys}
        missing = [key for key, ref in found.items() if ref is None]
        if missing:
            async with self._database.session() as session:
                new = [await self._find_or_insert_folder(session, owner, key) for key in missing]
            found.update({key: self._keep(ref) for key, ref in zip(missing, new, strict=True)})
        return [ref for key in keys if (ref := found[key]) is not None]

    def forget_folder(self, no: int) -> None:
        """Drop what memory holds of a folder that turned out to be gone or renamed by another node."""
        ref = self._folders.pop(no, None)
        if ref is not None:
            self._numbers.pop((ref.owner, ref.key.name, ref.key.uidvalidity), None)

    def _keep(self, ref: FolderRef) -> FolderRef:
        _remember(self._folders, ref.no, ref, self._capacity)
        _remember(self._numbers, (ref.owner, ref.key.name, ref.key.uidvalidity), ref, self._capacity)
        return ref

    async def _find_or_insert_folder(self, session: AsyncConnection, owner: int, key: FolderKey) -> FolderRef:
        mine = folders.c.account_no == owner
        same = sa.and_(mine, folders.c.name == key.name, folders.c.uidvalidity == key.uidvalidity)
        no = (await session.execute(sa.select(folders.c.no).where(same))).scalar()
        if no is None and key.mailboxid:
            no = await self._renamed(session, owner, key)
        if no is None:
            values = {
                "account_no": owner,
                "name": key.name,
                "uidvalidity": key.uidvalidity,
                "mailboxid": key.mailboxid,
            }
            no = await _insert_or_find(session, folders, values, folders.c.no, same)
        return FolderRef(owner, no, key)

    async def _renamed(self, session: AsyncConnection, owner: int, key: FolderKey) -> int | None:
        """A folder known by its MAILBOXID under an older name keeps its number (RFC 8474 section 4)."""
        same = sa.and_(
            folders.c.account_no == owner,
            folders.c.mailboxid == key.mailboxid,
            folders.c.uidvalidity == key.uidvalidity,
        )
        no = (await session.execute(sa.select(folders.c.no).where(same))).scalar()
        if no is not None:
            await session.execute(sa.update(folders).where(folders.c.no == no).values(name=key.name))
            self.forget_folder(no)
        return no


async def _find_or_insert_account(session: AsyncConnection, account: str) -> int:
    same = accounts.c.account == account
    no = (await session.execute(sa.select(accounts.c.no).where(same))).scalar()
    return no if no is not None else await _insert_or_find(session, accounts, {"account": account}, accounts.c.no, same)


async def _insert_or_find(
    session: AsyncConnection,
    table: sa.Table,
    values: dict[str, object],
    number: sa.Column[int],
    same: sa.ColumnElement[bool],
) -> int:
    """Insert, or read what another node inserted in between (PostgreSQL; SQLite's lock leaves no in-between)."""
    try:
        async with session.begin_nested():
            return int((await session.execute(sa.insert(table).values(values).returning(number))).scalar_one())
    except IntegrityError:
        return int((await session.execute(sa.select(number).where(same))).scalar_one())


def _remember(cache: OrderedDict[_K, _V], key: _K, value: _V, capacity: int) -> None:
    cache[key] = value
    if len(cache) > capacity:
        cache.popitem(last=False)
