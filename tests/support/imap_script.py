"""A scripted IMAP server: says what a test wants to hear, right or wrong, and notes every line it was sent.

    async with scripted(["* OK hi", reply("CAPABILITY", "* CAPABILITY IMAP4rev1"), ...]) as server:
        client = await ImapClient.connect(server.endpoint())

A handler gets the tag and the rest of a command line and returns bytes to send, or None to say nothing. Literals of the
client are read as IMAP reads them, so that `server.commands` is what a real server would have understood.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from hsp.protocols.imap import Endpoint

Handler = Callable[[str, str], "bytes | Awaitable[bytes | None] | None"]
CAPABILITIES = "IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN ID ENABLE IDLE UIDPLUS MOVE ESEARCH UNSELECT NAMESPACE"
_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n\Z")


class ScriptedServer:
    """One listening socket; `handlers` maps the first words of a command to its answer."""

    def __init__(
        self,
        handlers: Mapping[str, Handler | str | bytes],
        *,
        greeting: bytes | None,
        capabilities: str,
        tls: Any = None,
    ) -> None:
        self.handlers = dict(handlers)
        self.greeting = greeting
        self.capabilities = capabilities
        self.commands: list[bytes] = []
        self.reads: list[bytes] = []
        self.connections = 0
        self.port = 0
        self.refuse_literals = False
        self.tls = tls
        self.writers: list[asyncio.StreamWriter] = []
        self.ended = asyncio.Event()

    def endpoint(self, **changes: Any) -> Endpoint:
        settings: dict[str, Any] = {"host": "127.0.0.1", "port": self.port, "security": "none", "connect_timeout": 5}
        return Endpoint(**{**settings, **changes})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        try:
            if self.greeting is not None:
                writer.write(self.greeting)
            while command := await self._read_command(reader, writer):
                self.commands.append(command)
                await self._answer(command, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client went away: that is what many tests are about.
        finally:
            self.ended.set()
            writer.close()
            with suppress(ConnectionError, OSError):
                await writer.wait_closed()

    async def _read_command(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        command = b""
        while True:
            line = await reader.readline()
            command += line
            match = _LITERAL.search(line)
            if match is None:
                return command.removesuffix(b"\r\n")
            if not match[2]:
                if self.refuse_literals:
                    return command.removesuffix(b"\r\n")
                writer.write(b"+ go on\r\n")
            command += await reader.readexactly(int(match[1]))

    async def _answer(self, command: bytes, writer: asyncio.StreamWriter) -> None:
        tag, _, rest = command.decode("utf-8", "replace").partition(" ")
        handler = self._handler(rest)
        answer = handler(tag, rest) if callable(handler) else handler
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, str):
            answer = answer.replace("{tag}", tag).encode("utf-8")
        if answer is not None:
            writer.write(answer.replace(b"{tag}", tag.encode()))
            await writer.drain()

    def _handler(self, rest: str) -> Handler | str | bytes | None:
        upper = rest.upper()
        for name in sorted(self.handlers, key=len, reverse=True):
            if upper == name or upper.startswith(name + " "):
                return self.handlers[name]
        if upper == "CAPABILITY":
            return f"* CAPABILITY {self.capabilities}\r\n{{tag}} OK done\r\n"
        if upper.startswith("LOGOUT"):
            return "* BYE bye\r\n{tag} OK done\r\n"
        return "{tag} OK done\r\n"

    def drop(self) -> None:
        """Cut all connections."""
        for writer in self.writers:
            writer.transport.abort()

    def say(self, data: bytes) -> None:
        """Speak unasked on the newest connection."""
        self.writers[-1].write(data)


@asynccontextmanager
async def scripted(
    handlers: Mapping[str, Handler | str | bytes] | None = None,
    *,
    greeting: bytes | None = b"* OK ready\r\n",
    capabilities: str = CAPABILITIES,
    tls: Any = None,
) -> AsyncIterator[ScriptedServer]:
    """Run a scripted server; it is gone, with its connections, afterwards."""
    script = ScriptedServer(handlers or {}, greeting=greeting, capabilities=capabilities)
    tasks: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError):
            await script.serve(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=2**26, ssl=tls)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        script.drop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
