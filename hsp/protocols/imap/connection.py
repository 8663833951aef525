"""One TCP connection to an IMAP server: commands out, answers matched by tag.

Promise: an answer reaches the command that asked for it or nobody. A command that is cancelled, times out or meets an
answer beyond the grammar takes the whole connection with it at once; nothing is ever read on after that, so no later
user can receive what an earlier one asked for.

Several commands may be in flight (RFC 9051 section 5.5). Each is one write; only a command that must wait for the
server's "+" (synchronising literal, SASL exchange, IDLE) keeps the others waiting until its last byte is out.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol, cast

from hsp.protocols.imap.answers import StatusText, parse_status
from hsp.protocols.imap.errors import CommandTimeout, ConnectionLost, ImapError, ProtocolViolation, Rejected, ServerBusy
from hsp.protocols.imap.framing import Framer, Segments
from hsp.protocols.imap.wire import Argument, CommandWriter

_UNTAGGED = re.compile(rb"\* (?:(\d{1,10}) )?([A-Za-z][A-Za-z0-9.-]*)")
_BUSY = re.compile(r"too many|maximum number of (?:simultaneous )?connections|connection limit", re.IGNORECASE)
_STATUS_KINDS = frozenset({"OK", "NO", "BAD", "BYE", "PREAUTH"})


class Answer:
    """One untagged response: its kind in upper case, its number and its segments, still unparsed."""

    __slots__ = ("kind", "number", "parsed", "segments")

    def __init__(self, kind: str, number: int | None, segments: Segments) -> None:
        self.kind = kind
        self.number = number
        self.segments = segments
        self.parsed: object = None

    @property
    def status(self) -> StatusText:
        return parse_status(self.segments[0][2:])


class Completion:
    """What a command got: the untagged answers it wanted and its own OK."""

    __slots__ = ("answers", "status", "tag")

    def __init__(self, tag: str, answers: list[Answer], status: StatusText) -> None:
        self.tag = tag
        self.answers = answers
        self.status = status

    def of(self, kind: str) -> list[Answer]:
        return [answer for answer in self.answers if answer.kind == kind]


class _Pending:
    __slots__ = ("answers", "future", "name", "proceed", "wants")

    def __init__(self, name: str, wants: frozenset[str], future: "asyncio.Future[StatusText]") -> None:
        self.name = name
        self.wants = wants
        self.future = future
        self.answers: list[Answer] = []
        self.proceed: asyncio.Future[bytes] | None = None


Responder = Callable[[bytes], Coroutine[object, object, bytes]]
"""Answers the server's "+": gets its text, returns the line to send (without CRLF)."""


class Limits(Protocol):
    """The limits an endpoint sets."""

    @property
    def command_timeout(self) -> float: ...
    @property
    def max_literal(self) -> int: ...
    @property
    def max_line(self) -> int: ...
    @property
    def max_answer(self) -> int: ...


class Connection(asyncio.Protocol):
    """The asyncio protocol that holds the commands in flight."""

    def __init__(self, limits: Limits, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._framer = Framer(max_line=limits.max_line, max_literal=limits.max_literal)
        self._transport: asyncio.Transport | None = None
        self._in_flight: dict[str, _Pending] = {}
        self._turn = asyncio.Lock()
        self._counter = 0
        self._failure: ImapError | None = None
        self._farewell: StatusText | None = None
        self._silent = False
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._greeting: asyncio.Future[StatusText] = self._loop.create_future()
        self._watchdog: asyncio.TimerHandle | None = None
        self._progress = 0.0
        self._unsent = 0
        self._answer_bytes = 0
        self._patient = False
        self._monotonic = monotonic
        self.last_used = monotonic()
        self.non_sync = 0
        self.on_answer: Callable[[Answer], None] | None = None

    # The transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        raw = transport.get_extra_info("socket")
        if raw is not None and raw.family in {socket.AF_INET, socket.AF_INET6}:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(self._lost(exc))
        if not self._closed.done():
            self._closed.set_result(None)

    def _lost(self, cause: Exception | None) -> ImapError:
        farewell = self._farewell
        if farewell is not None and is_busy(farewell):
            return ServerBusy(farewell.text)
        if farewell is not None:
            return ConnectionLost(f"the server said goodbye: {farewell.text}")
        return ConnectionLost(f"the connection ended{f': {cause}' if cause else ''}")

    def data_received(self, data: bytes) -> None:
        if self._failure is not None:
            return
        self._progress = self._loop.time()
        try:
            self._account(len(data))
            for segments in self._framer.feed(data):
                self._dispatch(segments)
            if self._silent and not self._framer.is_clean:
                raise ProtocolViolation("bytes behind the answer to STARTTLS")
        except ProtocolViolation as error:
            # Fails closed: after one misread byte nothing on this connection can be trusted.
            self.fail(error)

    def _account(self, received: int) -> None:
        if self._in_flight:
            self._answer_bytes += received
            if self._answer_bytes > self._limits.max_answer:
                raise ProtocolViolation(f"answers of more than {self._limits.max_answer} bytes")

    # Reading

    def _dispatch(self, segments: Segments) -> None:
        head = segments[0]
        if self._failure is not None:
            return
        if self._silent:
            raise ProtocolViolation("an answer behind the answer to STARTTLS")
        if head.startswith(b"* "):
            self._take_untagged(segments)
        elif head.startswith(b"+"):
            self._take_continuation(head)
        else:
            self._take_tagged(head)

    def _take_untagged(self, segments: Segments) -> None:
        match = _UNTAGGED.match(segments[0])
        if match is None:
            raise ProtocolViolation("an untagged response without a name")
        number = int(match[1]) if match[1] is not None else None
        kind = match[2].decode("ascii").upper()
        answer = Answer(kind, number, segments)
        if not self._greeting.done():
            self._greet(answer)
            return
        if kind == "BYE":
            self._farewell = answer.status
        for pending in self._in_flight.values():
            if kind in pending.wants:
                pending.answers.append(answer)
        if self.on_answer is not None:
            self.on_answer(answer)

    def _greet(self, answer: Answer) -> None:
        if answer.kind not in _STATUS_KINDS:
            raise ProtocolViolation("the server's greeting is no greeting")
        status = answer.status
        if answer.kind == "BYE":
            self._farewell = status
            self.fail(self._lost(None))
        else:
            self._greeting.set_result(status)

    def _take_continuation(self, head: bytes) -> None:
        for pending in self._in_flight.values():
            if pending.proceed is not None and not pending.proceed.done():
                pending.proceed.set_result(head[2:])
                return
        raise ProtocolViolation("a continuation request nobody waits for")

    def _take_tagged(self, head: bytes) -> None:
        tag, _, rest = head.partition(b" ")
        pending = self._in_flight.get(tag.decode("latin-1"))
        if pending is None:
            raise ProtocolViolation("an answer to a command never sent")
        status = parse_status(rest)
        if status.status not in {"OK", "NO", "BAD"}:
            raise ProtocolViolation("a tagged answer that is neither OK, NO nor BAD")
        del self._in_flight[tag.decode("ascii")]
        self._silent = pending.name == "STARTTLS" and status.status == "OK"
        self._answer_bytes = 0
        if not pending.future.done():
            pending.future.set_result(status)
        if pending.proceed is not None and not pending.proceed.done():
            pending.proceed.cancel()

    # Writing

    @property
    def failure(self) -> ImapError | None:
        return self._failure

    @property
    def is_usable(self) -> bool:
        return self._failure is None and self._farewell is None and self._transport is not None

    @property
    def is_idle(self) -> bool:
        return not self._in_flight and self._framer.is_clean

    @property
    def transport(self) -> asyncio.Transport:
        if self._failure is not None or self._transport is None:
            kind = ServerBusy if isinstance(self._failure, ServerBusy) else ConnectionLost
            raise kind(str(self._failure or "never connected")) from self._failure
        return self._transport

    async def greeting(self) -> StatusText:
        """The server's first words."""
        return await asyncio.shield(self._greeting)

    async def run(
        self,
        name: str,
        *arguments: Argument,
        wants: frozenset[str] = frozenset(),
        responder: Responder | None = None,
        patient: bool = False,
    ) -> Completion:
        """Send one command and wait for its end.

        `name` may hold several words ("UID FETCH"). `wants` are the kinds of untagged answers to keep. Raises Rejected
        for NO and BAD, ConnectionLost, CommandTimeout, ServerBusy or ProtocolViolation when the connection ends, and
        ValueError, before anything is sent, for arguments that cannot be written. `patient` turns the time-out off.
        """
        self._counter += 1
        tag = f"h{self._counter}"
        chunks = CommandWriter(non_sync=self.non_sync).render(f"{tag} {name}", arguments)
        pending = _Pending(name, wants, self._loop.create_future())
        if self._turn.locked() or len(chunks) > 1 or responder is not None:
            async with self._turn:
                await self._send_in_turns(tag, pending, chunks, responder, patient=patient)
        else:
            self._start(tag, pending, chunks[0])
        try:
            status = await pending.future
        except asyncio.CancelledError:
            self.fail(ConnectionLost(f"{name} was cancelled"))
            raise
        self.last_used = self._monotonic()
        if status.status != "OK":
            raise Rejected(status.text, code=status.code, status=status.status, command=name)
        return Completion(tag, pending.answers, status)

    def _start(self, tag: str, pending: _Pending, chunk: bytes) -> None:
        transport = self.transport
        self._in_flight[tag] = pending
        self._watch()
        transport.write(chunk)

    async def _send_in_turns(
        self, tag: str, pending: _Pending, chunks: Sequence[bytes], responder: Responder | None, *, patient: bool
    ) -> None:
        """Write chunk after chunk, and the responder's lines, each when the server says "+"."""
        pending.proceed = self._loop.create_future()
        self._patient = patient
        self._start(tag, pending, chunks[0])
        try:
            for chunk in chunks[1:]:
                if await self._may_proceed(pending) is None:
                    return
                transport = self.transport
                if pending.future.done():
                    # The server would take our next command for the literal it asked for (class SC-13).
                    raise ProtocolViolation("a command answered between its literal's leave and the literal")
                transport.write(chunk)
            while responder is not None and (challenge := await self._may_proceed(pending)) is not None:
                await self._respond(pending, responder, challenge)
        except BaseException as error:
            # Fails closed: a command that is half written cannot be taken back.
            self.fail(error if isinstance(error, ImapError) else ConnectionLost(f"{pending.name} was cut short"))
            raise
        finally:
            self._patient = False
            pending.proceed = None

    async def _may_proceed(self, pending: _Pending) -> bytes | None:
        """The text of the next "+", or None when the command ended before one came."""
        assert pending.proceed is not None
        await asyncio.wait((pending.proceed, pending.future), return_when=asyncio.FIRST_COMPLETED)
        if not pending.proceed.done() or pending.proceed.cancelled():
            return None
        challenge = pending.proceed.result()
        pending.proceed = self._loop.create_future()
        return challenge

    async def _respond(self, pending: _Pending, responder: Responder, challenge: bytes) -> None:
        """Write the responder's line, unless the command ends while it thinks."""
        reply = asyncio.ensure_future(responder(challenge))
        try:
            await asyncio.wait((reply, pending.future), return_when=asyncio.FIRST_COMPLETED)
            if reply.done() and not pending.future.done():
                self.transport.write(reply.result() + b"\r\n")
        finally:
            reply.cancel()

    # Time-outs

    def _watch(self) -> None:
        if len(self._in_flight) == 1:
            self._progress = self._loop.time()
        if self._watchdog is None:
            self._watchdog = self._loop.call_later(self._limits.command_timeout, self._check_progress)

    def _check_progress(self) -> None:
        self._watchdog = None
        if self._failure is not None or not self._in_flight:
            return
        unsent = self._transport.get_write_buffer_size() if self._transport else 0
        if self._patient or unsent < self._unsent:
            self._progress = self._loop.time()
        self._unsent = unsent
        remaining = self._progress + self._limits.command_timeout - self._loop.time()
        if remaining <= 0:
            self.fail(CommandTimeout(f"no answer within {self._limits.command_timeout:g} seconds"))
        else:
            self._watchdog = self._loop.call_later(remaining, self._check_progress)

    # The end

    async def start_tls(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """Encrypt from here on (RFC 9051 section 6.2.1); call it right after the server's OK."""
        try:
            transport = await self._loop.start_tls(
                self.transport, self, context, server_hostname=host, ssl_handshake_timeout=timeout
            )
        except BaseException as error:
            # Fails closed. The event loop does not tell a protocol whose handshake failed that its socket is gone.
            self.connection_lost(error if isinstance(error, Exception) else None)
            raise
        if transport is None:
            raise ConnectionLost("the connection ended during the TLS handshake")
        self._transport = transport
        self._silent = False

    def fail(self, error: ImapError) -> None:
        """Give the connection up: everyone who waits gets `error`, the socket is dropped at once."""
        if self._failure is not None:
            return
        self._failure = error
        if self._watchdog is not None:
            self._watchdog.cancel()
        waiting: list[asyncio.Future[StatusText]] = [pending.future for pending in self._in_flight.values()]
        self._in_flight.clear()
        for future in [*waiting, self._greeting]:
            if not future.done():
                future.set_exception(error)
                future.exception()  # A waiter that was cancelled must not leave a warning behind.
        if self._transport is not None:
            self._transport.abort()

    async def closed(self) -> None:
        """Wait until the socket is gone."""
        if self._transport is not None:
            await asyncio.shield(self._closed)


def is_busy(status: StatusText) -> bool:
    """True for the ways in which servers say "too many connections" (RFC 5530, RFC 9051; Dovecot, Gmail, Cyrus)."""
    return status.code in {"LIMIT", "INUSE"} or bool(_BUSY.search(status.text))
