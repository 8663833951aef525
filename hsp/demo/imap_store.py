"""The folders of the embedded IMAP server: in memory, new with each start, shared by all connections of an account."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import cast

from pymap.backend.dict.mailbox import MailboxData, MailboxSet, _ContentCache, _ThreadCache
from pymap.backend.mailbox import MailboxDataInterface, MailboxSetInterface
from pymap.backend.session import BaseSession
from pymap.config import IMAPConfig
from pymap.flags import FlagOp
from pymap.interfaces.message import CachedMessage
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials import Flag, ObjectId
from pymap.parsing.specials.flag import Recent, Wildcard, get_system_flags
from pymap.selected import SelectedMailbox

from hsp.demo.imap_message import Message
from hsp.demo.mime import Part, parse

SPECIAL_USE = {"Drafts": b"Drafts", "Sent": b"Sent", "Trash": b"Trash", "Junk": b"Junk", "Archive": b"Archive"}
_KEYWORDS = frozenset(Flag(name) for name in ("$Forwarded", "$Junk", "$NotJunk", "$MDNSent"))
_MESSAGE_ID = re.compile(r"<[^<>\s]+>")


class _Threads:
    """THREADID (RFC 8474): messages that name one another share one."""

    def __init__(self) -> None:
        self._known: dict[str, ObjectId] = {}

    def of(self, part: Part) -> ObjectId:
        named = [
            found
            for name in ("message-id", "in-reply-to", "references")
            for value in part.all(name)
            for found in _MESSAGE_ID.findall(value)
        ]
        thread = next((self._known[name] for name in named if name in self._known), ObjectId.random_thread_id())
        for name in named:
            self._known.setdefault(name, thread)
        return thread


class Folder(MailboxData):
    """One mailbox; unlike pymap's own it keeps keywords (RFC 3501 section 2.3.2)."""

    def __init__(self, threads: _Threads) -> None:
        super().__init__(_ContentCache(), _ThreadCache())
        self._threads = threads

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return get_system_flags() - {Recent} | _KEYWORDS | {Wildcard}

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        part = parse(append_msg.literal)
        when = append_msg.when or datetime.now(UTC)
        async with self.messages_lock.write_lock():
            return self._add(
                Message(
                    self._max_uid + 1,
                    when,
                    append_msg.flag_set - {Recent},
                    part,
                    email_id=ObjectId.random_email_id(),
                    thread_id=self._threads.of(part),
                    recent=recent,
                )
            )

    def _add(self, message: Message) -> Message:
        self._max_uid = message.uid
        self._messages[message.uid] = message
        self._mod_sequences.update([message.uid])
        self._updated.set()
        return message

    def _peek(self, uid: int) -> Message | None:
        message = self._messages.get(uid)
        return message if isinstance(message, Message) else None

    async def copy(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        assert isinstance(destination, Folder)
        message = self._peek(uid)
        if message is None:
            return None
        async with destination.messages_lock.write_lock():
            return destination._add(message.twin(destination._max_uid + 1, recent=recent)).uid

    async def move(self, uid: int, destination: MailboxData, *, recent: bool = False) -> int | None:
        copied = await self.copy(uid, destination, recent=recent)
        if copied is not None:
            await self.delete([uid])
        return copied

    async def get(self, uid: int, cached_msg: CachedMessage) -> Message:
        message = self._peek(uid)
        if message is None:
            assert isinstance(cached_msg, Message)
            return cached_msg.twin(uid, expunged=True)
        return message

    async def update(self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp) -> Message:
        message = await self.get(uid, cached_msg)
        if not message.expunged:
            message.permanent_flags = mode.apply(message.permanent_flags, flag_set - {Recent, Wildcard})
            self._mod_sequences.update([uid])
            self._updated.set()
        return message


class Folders(MailboxSet):
    """All folders of one account; INBOX cannot be renamed, which no webmail offers."""

    def __init__(self) -> None:
        super().__init__()
        self._threads = _Threads()
        self._inbox = Folder(self._threads)

    async def add_mailbox(self, name: str) -> ObjectId:
        async with self._set_lock.write_lock():
            if name in self._set:
                raise ValueError(name)
            self._set[name] = folder = Folder(self._threads)
            self._subscribed.setdefault(name, True)
            return folder.mailbox_id

    async def rename_mailbox(self, before: str, after: str) -> None:
        if before.upper() == "INBOX":
            raise ValueError(after)
        await super().rename_mailbox(before, after)

    async def deliver(self, name: str, message: bytes, flags: Iterable[str], when: datetime) -> None:
        """Puts a message into a folder, which is made when it is not there yet."""
        if name != "INBOX" and name not in self._set:
            await self.add_mailbox(name)
        folder = await self.get_mailbox(name)
        await folder.append(AppendMessage(message, when, frozenset(Flag(flag) for flag in flags)))


class Session(BaseSession[Message]):
    """One connection's view of an account."""

    def __init__(self, owner: str, config: IMAPConfig, folders: Folders) -> None:
        super().__init__(owner)
        self._config = config
        self._folders = folders

    @property
    def config(self) -> IMAPConfig:
        return self._config

    @property
    def mailbox_set(self) -> MailboxSetInterface[MailboxDataInterface[Message]]:
        return cast("MailboxSetInterface[MailboxDataInterface[Message]]", self._folders)

    async def list_mailboxes(
        self, ref_name: str, filter_: str, subscribed: bool = False, selected: SelectedMailbox | None = None
    ) -> tuple[Iterable[tuple[str, str | None, Sequence[bytes]]], SelectedMailbox | None]:
        listed, updates = await super().list_mailboxes(ref_name, filter_, subscribed, selected)
        return [(name, separator, _attributes(name, found)) for name, separator, found in listed], updates


def _attributes(name: str, found: Sequence[bytes]) -> Sequence[bytes]:
    """The attributes of a folder with its special use (RFC 6154)."""
    return [*found, SPECIAL_USE[name]] if name in SPECIAL_USE else found


@asynccontextmanager
async def session_of(owner: str, config: IMAPConfig, folders: Folders) -> AsyncIterator[Session]:
    """The session of one owner, as the server wants to be given it."""
    yield Session(owner, config, folders)
