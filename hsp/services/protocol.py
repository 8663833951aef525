"""HTTP/1.1 on one connection, within limits.

Promises: a head above its limits is answered 431 or 414, a malformed or ambiguous one 400, and a slow one is cut off
with 408, all before the application runs; header names with an underscore never arrive, because proxies and
CGI-like code read them as the hyphenated ones (SC-24); trailers never join the headers; an answer already begun is
never mixed with an error; waiting for a client always has an end.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from typing import Any, cast

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hsp.foundation.logs import get_logger
from hsp.services.closing import LingeringTransport, linger
from hsp.services.heads import head_problem
from hsp.services.limits import HttpLimits
from hsp.services.refusals import refusal

log = get_logger("hsp.services")

_PIECE = 16 * 1024
_MOST_PIPELINED = 16
_LINE_OVERHEAD = 4
"""The colon, blank and line end around a header, which the parser does not report."""


class Door:
    """What the connections of one listener share."""

    def __init__(self, name: str, limits: HttpLimits) -> None:
        self.name = name
        self.limits = limits
        self.open = 0


class _RefusedError(Exception):
    """Thrown through the parser to stop it."""


class GuardedProtocol(HttpToolsProtocol):
    """One connection; uvicorn's protocol with limits, timers and orderly refusals."""

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], *, door: Door) -> None:
        super().__init__(config, server_state, app_state)
        self._door = door
        self._limits = door.limits
        self.timeout_keep_alive = cast("int", door.limits.idle_seconds)
        self._in_body = False
        self._counted = 0
        self._silent = 0
        self._heard = False
        self._lines = 0
        self._reason: tuple[int, str] | None = None
        self._waiting_refusal: tuple[int, str] | None = None
        self._refusal_id = ""
        self._deaf = False
        self._lingering = False
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._last_data = 0.0

    # Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn: asyncio declares the base transport
        super().connection_made(transport)
        self._door.open += 1
        if self._door.open > self._limits.max_connections:
            self._refuse(503, "too many connections")
        else:
            self._start_timer(self._limits.head_seconds, self._head_too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.open -= 1
        self._stop_timer()
        self.resume_writing()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._limits.idle_seconds and self._write_timer is None:
            self._write_timer = self.loop.call_later(self._limits.idle_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    # Bytes in

    def data_received(self, data: bytes) -> None:
        self._last_data = self.loop.time()
        if self._deaf:
            return
        self._unset_keepalive_if_required()
        if not self._in_body and self._timer is None:
            self._start_timer(self._limits.head_seconds, self._head_too_slow)
        for piece in _pieces(data):
            if self._deaf or self.transport.is_closing():
                return
            self._feed(piece)

    def _feed(self, piece: bytes) -> None:
        self._heard = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._become_deaf()
        except httptools.HttpParserError:
            self._refuse(*(self._reason or (400, "malformed request")))
        else:
            self._count_silence(len(piece))

    def _count_silence(self, length: int) -> None:
        """A header, trailer or chunk extension without end is reported by no callback, yet the parser keeps it."""
        self._silent = 0 if self._heard else self._silent + length
        if self._counted + self._silent > self._limits.head_bytes:
            self._refuse(431, "headers too large")

    # Parser callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._heard = True
        self._counted = self._lines = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._heard = True
        self._counted += len(url)
        if len(self.url) > self._limits.url_bytes:
            self._reject(414, "address too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._heard = True
        self._lines += 1
        self._counted += len(name) + len(value) + _LINE_OVERHEAD
        if self._lines > self._limits.head_count:
            self._reject(431, "too many headers")
        if self._counted > self._limits.head_bytes:
            self._reject(431, "headers too large")
        if b"_" not in name and not self._in_body:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._heard = True
        problem = head_problem(self.parser.get_http_version(), self.url, self.headers)
        if problem:
            self._reject(*problem)
        if len(self.pipeline) >= _MOST_PIPELINED:
            self._reject(400, "too many requests at once")
        super().on_headers_complete()
        self._in_body = True
        self._counted = 0
        self.cycle.transport = cast("asyncio.Transport", LingeringTransport(self.transport, self._close_after_answer))
        self.cycle.keep_alive &= self._limits.keep_alive and not self.parser.should_upgrade()
        if self._limits.idle_seconds:
            self._start_timer(self._limits.idle_seconds, self._body_too_slow)
        else:
            self._stop_timer()

    def on_chunk_header(self) -> None:
        """Called by the parser at each chunk."""
        self._heard = True

    def on_body(self, body: bytes) -> None:
        self._heard = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._heard = True
        self._in_body = False
        self._counted = self._silent = 0
        self._stop_timer()
        super().on_message_complete()

    # Answers

    def on_response_complete(self) -> None:
        was_last = not self.pipeline
        super().on_response_complete()
        if not self._limits.idle_seconds:
            self._unset_keepalive_if_required()
        if not was_last or self._lingering or self.transport.is_closing():
            return
        if self._waiting_refusal:
            self._answer(*self._waiting_refusal)
        elif self._in_body and not self._limits.read_rest:
            self._close_after_answer()

    def _close_after_answer(self) -> None:
        """Close; but while the client is still sending, first let it read the answer (RFC 9112 section 9.6)."""
        if self._in_body or self._deaf:
            self._linger()
        else:
            self.transport.close()

    # Refusals

    def _reject(self, status: int, reason: str) -> None:
        self._reason = (status, reason)
        raise _RefusedError(reason)

    def _refuse(self, status: int, reason: str) -> None:
        """End the connection with an error, once the answers that come before it have been given."""
        self._refusal_id = secrets.token_hex(8)
        log.warning(
            "request refused",
            status=status,
            reason=reason,
            request_id=self._refusal_id,
            address=self._address(),
            listener=self._door.name,
        )
        self._become_deaf()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer(status, reason)
        elif self._in_body:
            self._give_up(cycle, status, reason)
        else:
            self._waiting_refusal = (status, reason)

    def _give_up(self, cycle: RequestResponseCycle, status: int, reason: str) -> None:
        """Withdraw the request whose body is broken; the error takes its place in the row."""
        queued = [entry for entry in self.pipeline if entry[0] is cycle]
        if queued:
            self.pipeline.remove(queued[0])
            self._waiting_refusal = (status, reason)
            return
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started:
            self.transport.close()
        else:
            self._answer(status, reason)

    def _answer(self, status: int, reason: str) -> None:
        self._waiting_refusal = None
        self.transport.write(refusal(status, reason, self._refusal_id, self.server_state.default_headers))
        self._linger()

    def _linger(self) -> None:
        self._become_deaf()
        self._lingering = True
        self.flow.resume_reading()
        self._start_timer(linger(self.transport), self.transport.abort)

    def _become_deaf(self) -> None:
        self._deaf = True
        self._stop_timer()

    def _address(self) -> str:
        return self.client[0] if self.client else "unix"

    # Timers

    def _start_timer(self, seconds: float, call: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, call)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_too_slow(self) -> None:
        self._timer = None
        if self._counted or self._silent:
            self._refuse(408, "headers too slow")
        else:
            self.transport.close()

    def _body_too_slow(self) -> None:
        self._timer = None
        rest = self._last_data + self._limits.idle_seconds - self.loop.time()
        if self.flow.read_paused:
            rest = self._limits.idle_seconds
        if rest > 0:
            self._start_timer(rest, self._body_too_slow)
        else:
            self._refuse(408, "body too slow")


def _pieces(data: bytes) -> Iterator[bytes]:
    """Small portions, so that a limit is noticed soon after it is passed, however much arrives at once."""
    if len(data) <= _PIECE:
        return iter((data,))
    return (data[at : at + _PIECE] for at in range(0, len(data), _PIECE))
