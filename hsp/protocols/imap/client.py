"""The asyncio IMAP client: one connection, all verbs.

Promise: a client whose command was cancelled, timed out or half read says `is_usable` False for ever and its socket is
gone; whoever keeps clients in a pool need look at nothing else.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress

from hsp.protocols.credentials import Credential
from hsp.protocols.imap.answers import parse_id, parse_namespace
from hsp.protocols.imap.authenticating import prove
from hsp.protocols.imap.changes import ChangeCommands
from hsp.protocols.imap.dialing import dial, is_private, upgrade
from hsp.protocols.imap.errors import ConnectError, ConnectionLost, ImapError, Rejected
from hsp.protocols.imap.folders import FolderCommands
from hsp.protocols.imap.model import Endpoint, Namespaces, Untagged
from hsp.protocols.imap.wire import Argument, Atom

IDLE_LIMIT = 25 * 60
"""Seconds after which IDLE is renewed: RFC 2177 asks for less than 29 minutes."""


class ImapClient(FolderCommands, ChangeCommands):
    """A connection to one IMAP server. Commands may run concurrently; each is answered by its own tag."""

    @classmethod
    async def connect(cls, endpoint: Endpoint, *, monotonic: Callable[[], float] = time.monotonic) -> "ImapClient":
        """Connect, greet, encrypt where asked for, and learn what the server can do.

        Raises ConnectError, ServerBusy (too many connections), ConnectionLost or ProtocolViolation.
        """
        connection = await dial(endpoint, monotonic=monotonic)
        client = cls(connection, endpoint)
        try:
            async with asyncio.timeout(endpoint.connect_timeout):
                await client._open()
        except TimeoutError as error:
            await client.close()
            raise ConnectError("timeout", f"{endpoint.host}:{endpoint.port} did not greet in time") from error
        except BaseException:
            await client.close()
            raise
        return client

    async def _open(self) -> None:
        greeting = await self._connection.greeting()
        if greeting.status == "BAD":
            raise ConnectError("refused", f"the server refuses: {greeting.text}")
        if self._endpoint.security == "starttls":
            await self._encrypt(preauthenticated=greeting.status == "PREAUTH")
        elif greeting.code == "CAPABILITY":
            self._set_capabilities(greeting.argument.split())
        if not self.capabilities:
            await self.refresh_capabilities()
        if greeting.status == "PREAUTH":
            self.state = "authenticated"

    async def _encrypt(self, *, preauthenticated: bool) -> None:
        if preauthenticated:
            raise ConnectError("tls", "the server logs in before STARTTLS")
        # Capabilities told before the handshake may have come from someone else (RFC 9051 section 11.1): none are kept,
        # so that `_open` asks for them.
        await upgrade(self._connection, self._endpoint)

    async def refresh_capabilities(self) -> None:
        """Ask for CAPABILITY."""
        completion = await self._connection.run("CAPABILITY", wants=frozenset({"CAPABILITY"}))
        if not self._learn_capabilities(completion):
            self._set_capabilities(())

    @property
    def is_usable(self) -> bool:
        """True while commands may be sent. A connection whose read or write was cut short is never usable again."""
        return self._connection.is_usable and self.state != "logged out"

    @property
    def is_idle(self) -> bool:
        """True when no command is in flight and not half an answer has come."""
        return self._connection.is_idle

    @property
    def last_used(self) -> float:
        """When the last command ended, on the monotonic clock given to `connect`."""
        return self._connection.last_used

    async def authenticate(self, credential: Credential) -> None:
        """Log in by password or token. Raises AuthenticationRejected, ServerBusy or ConnectError("plaintext")."""
        private = is_private(self._connection)
        completion = await prove(self._connection, self._endpoint, credential, self.capabilities, private=private)
        self.state = "authenticated"
        if not self._learn_capabilities(completion):
            await self.refresh_capabilities()

    async def id(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Tell who we are and hear who the server is (RFC 2971); nothing is sent where ID is not offered."""
        if not self.has("ID"):
            return {}
        pairs: list[Argument] = [text for item in fields.items() for text in item]
        completion = await self._connection.run("ID", pairs or Atom("NIL"), wants=frozenset({"ID"}))
        answers = completion.of("ID")
        with self._reading():
            return parse_id(answers[-1].segments) if answers else {}

    async def enable(self, *names: str) -> frozenset[str]:
        """ENABLE (RFC 5161) what is offered of `names`; what is on afterwards."""
        offered = [name.upper() for name in names if self.has(name.upper())]
        if self.has("ENABLE") and offered:
            completion = await self._connection.run(
                "ENABLE", *(Atom(name) for name in offered), wants=frozenset({"ENABLED"})
            )
            told = {
                word.upper()
                for answer in completion.of("ENABLED")
                for word in answer.segments[0].decode("latin-1").split()[2:]
            }
            self.enabled |= told
        return self.enabled

    async def namespace(self) -> Namespaces:
        """The namespaces (RFC 2342); empty where the server has no NAMESPACE."""
        if not self.has("NAMESPACE"):
            return Namespaces()
        completion = await self._connection.run("NAMESPACE", wants=frozenset({"NAMESPACE"}))
        answers = completion.of("NAMESPACE")
        with self._reading():
            return parse_namespace(answers[-1].segments, utf8=self._utf8) if answers else Namespaces()

    async def noop(self) -> None:
        """Ask for news and keep the connection awake."""
        await self._connection.run("NOOP")

    async def idle(self, *, limit: float = IDLE_LIMIT) -> AsyncIterator[Untagged]:
        """News as it comes, until `stop_idle`, `limit` seconds or the end of the connection (ConnectionLost).

        Afterwards other commands may run again. Breaking off without `stop_idle` gives the connection up. Raises
        Rejected where the server has no IDLE (RFC 2177).
        """
        if not self.has("IDLE"):
            raise Rejected("the server has no IDLE", status="BAD", command="IDLE")
        news: asyncio.Queue[Untagged | None] = asyncio.Queue()
        earlier, self.on_untagged = self.on_untagged, news.put_nowait
        self._idling = asyncio.Event()
        task = asyncio.ensure_future(self._run_idle(self._idling, limit))
        task.add_done_callback(lambda _: news.put_nowait(None))
        try:
            while (item := await news.get()) is not None:
                if earlier is not None:
                    earlier(item)
                yield item
            await task
        finally:
            self.on_untagged = earlier
            if not task.done():
                self._connection.fail(ConnectionLost("IDLE was broken off"))
            await asyncio.wait((task,))
            if not task.cancelled():
                task.exception()  # Whoever broke off is not told again.

    _idling: asyncio.Event | None = None

    async def _run_idle(self, stop: asyncio.Event, limit: float) -> None:
        async def done(_challenge: bytes) -> bytes:
            try:
                async with asyncio.timeout(limit):
                    await stop.wait()
            except TimeoutError:
                pass  # The limit is an end like any other.
            return b"DONE"

        await self._connection.run("IDLE", responder=done, patient=True)

    def stop_idle(self) -> None:
        """End a running `idle` in good order; without one, nothing happens."""
        if self._idling is not None:
            self._idling.set()

    async def logout(self) -> None:
        """Say goodbye and close; a server that does not answer is simply left."""
        self.state = "logged out"
        # Fails open: the socket is closed in any case.
        with suppress(ImapError):
            await self._connection.run("LOGOUT")
        await self.close()

    async def close(self) -> None:
        """Drop the connection at once."""
        self.state = "logged out"
        self._connection.fail(ConnectionLost("closed by us"))
        await self._connection.closed()
