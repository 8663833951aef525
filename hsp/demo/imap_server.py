"""The embedded IMAP server: pymap with keywords, special-use folders, LIST-EXTENDED and a thick skin.

Run as `python -m hsp.demo.imap_server PARENT SOCKET`: serves the listening socket with that descriptor, says `ready` on
standard output once both mailboxes are filled, and ends with the parent (see `hsp.demo.leash`).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, closing
from datetime import UTC, datetime
from typing import Any, cast

from proxyprotocol.sock import SocketInfo
from pymap.config import BackendCapability, IMAPConfig
from pymap.context import connection_exit
from pymap.exceptions import InvalidAuth
from pymap.imap import IMAPConnection
from pymap.imap.state import ConnectionState
from pymap.parsing.command import Command
from pymap.parsing.command.auth import ListCommand, StatusCommand
from pymap.parsing.commands import Commands
from pymap.parsing.response import CommandResponse, ResponseNo, ResponseOk, UntaggedResponse
from pymap.parsing.response.specials import ListResponse
from pymap.search import SearchCriteria
from pymap.selected import SelectedMailbox
from pysasl.creds.server import ServerCredentials
from pysasl.hashing import Cleartext

from hsp.demo.accounts import ACCOUNTS, PASSWORD
from hsp.demo.child import serve_until_orphaned
from hsp.demo.imap_list import ExtendedListCommand
from hsp.demo.imap_store import Folders, Session, session_of
from hsp.demo.letters import seed

_LINE_LIMIT = 1 << 20
_LITERAL_LIMIT = 64 << 20
_log = logging.getLogger(__name__)


class _Config(IMAPConfig):
    def __init__(self) -> None:
        super().__init__(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=None,
            port=0,
            tls_enabled=False,
            reject_dnsbl=False,
            invalid_user_sleep=0,
            ssl_context=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER),
            hash_context=Cleartext(),
            max_append_len=_LITERAL_LIMIT,
            bad_command_limit=None,
        )

    @property
    def backend_capability(self) -> BackendCapability:
        return BackendCapability(idle=True, object_id=True, multi_append=True)

    @property
    def login_capability(self) -> Sequence[bytes]:
        return [*super().login_capability, b"SPECIAL-USE", b"LIST-EXTENDED", b"LIST-STATUS"]

    @property
    def commands(self) -> Commands:
        commands = Commands()
        commands.register(ExtendedListCommand)
        return commands

    @property
    def greeting(self) -> bytes:
        return b"HSP demonstration mail server ready"  # pymap's own asks the resolver for the host's name each time

    @property
    def id_response(self) -> Mapping[bytes, bytes]:
        return {b"name": b"HSP demonstration"}


class _Identity:
    def __init__(self, name: str, config: _Config, folders: Folders) -> None:
        self.name = name
        self.roles: frozenset[str] = frozenset()
        self._config = config
        self._folders = folders

    def new_session(self) -> AbstractAsyncContextManager[Session]:
        return session_of(self.name, self._config, self._folders)


class _Login:
    """Two accounts and one password, compared in the order in which they were given."""

    def __init__(self, config: _Config, accounts: Mapping[str, Folders]) -> None:
        self._config = config
        self._accounts = accounts

    async def authenticate(self, credentials: ServerCredentials) -> _Identity:
        name = credentials.authcid.lower()
        folders = self._accounts.get(name)
        secret = getattr(credentials, "_secret", None)
        if folders is None or secret != PASSWORD:
            raise InvalidAuth
        return _Identity(name, self._config, folders)

    async def authorize(self, authenticated: _Identity, authzid: str) -> _Identity:
        if authzid.lower() != authenticated.name:
            raise InvalidAuth
        return authenticated


class _State(ConnectionState):
    async def do_command(self, cmd: Command) -> CommandResponse:
        """Fails closed per command: what pymap cannot digest is refused, the connection lives on."""
        try:
            return await super().do_command(cmd)
        except (ValueError, TypeError, LookupError, AssertionError, AttributeError):
            _log.exception("the embedded IMAP server could not carry out %r", cmd.command)
            return ResponseNo(cmd.tag, b"[SERVERBUG] The embedded server could not do this")

    async def do_list(self, cmd: ListCommand) -> tuple[CommandResponse, SelectedMailbox | None]:
        """LIST, with selection and return options (RFC 5258, 5819, 6154)."""
        if not isinstance(cmd, ExtendedListCommand):
            return await super().do_list(cmd)
        response = ResponseOk(cmd.tag, b"LIST completed.")
        subscribed = {name for name, _, _ in (await self.session.list_mailboxes("", "*", True))[0]}
        for name, separator, attributes in await self._listed(cmd):
            if b"SUBSCRIBED" in cmd.selection and name not in subscribed:
                continue
            marks = [b"Subscribed"] if cmd.shows_subscribed and name in subscribed else []
            response.add_untagged(ListResponse(name, separator, [*attributes, *marks]))
            if cmd.status and b"Noselect" not in attributes:
                response.add_untagged(*await self._status(cmd, name))
        return response, None

    async def _listed(self, cmd: ExtendedListCommand) -> list[tuple[str, str | None, Sequence[bytes]]]:
        found: dict[str, tuple[str, str | None, Sequence[bytes]]] = {}
        for pattern in cmd.patterns:
            for entry in (await self.session.list_mailboxes(cmd.ref_name, pattern))[0]:
                found.setdefault(entry[0], entry)
        return [entry for entry in found.values() if cmd.selects(entry[2])]

    async def _status(self, cmd: ExtendedListCommand, name: str) -> Sequence[UntaggedResponse]:
        response, _ = await self.do_status(cast("StatusCommand", cmd.status_of(name)))
        return list(response._untagged)


def _case_folding(needle: str, text: str) -> bool:
    return needle.casefold() in text.casefold()


async def start(listening: socket.socket) -> asyncio.Server:
    """Fills the mailboxes and serves them; returns the running server."""
    # pymap compares case in ASCII alone; a mailbox in ten scripts needs the whole of it.
    setattr(SearchCriteria, "_in", staticmethod(_case_folding))  # noqa: B010  # an assignment would not type-check
    config = _Config()
    accounts = {account: Folders() for account in ACCOUNTS}
    now = datetime.now(UTC)
    for account, folders in accounts.items():
        for letter in seed(account, now):
            await folders.deliver(letter.folder, letter.raw, letter.flags, letter.arrived)
    login: Any = _Login(config, accounts)
    commands = config.commands

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = IMAPConnection(commands, config, reader, writer, SocketInfo.get(writer, None))
        async with AsyncExitStack() as stack:
            connection_exit.set(stack)
            stack.enter_context(closing(connection))
            try:
                await connection.run(_State(login, config))
            except (ConnectionError, ValueError, TypeError, LookupError):
                _log.exception("a connection to the embedded IMAP server ended in error")

    return await asyncio.start_server(connected, sock=listening, limit=_LINE_LIMIT)


if __name__ == "__main__":
    sys.exit(serve_until_orphaned(sys.argv[1:], start))
