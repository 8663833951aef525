"""A listener that should hear nothing: it records every connection and the bytes that open it.

Also TLS and half-open connections count, since a remote load that fails has told its sender enough.
"""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

SINK_DOMAIN = "sink.test"
"""Chromium resolves this domain, and every name below it, to the sink."""

_NAMES = re.compile(rb"([a-z0-9-]{1,63})\.sink\.test", re.IGNORECASE)
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc00000030101"
    "00c9fe92ef0000000049454e44ae426082"
)
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: %d\r\n\r\n%s"
    % (len(PIXEL), PIXEL)
)


@dataclass(frozen=True)
class Hit:
    """One connection: the name it asked for (first label below the sink's domain) and its first bytes."""

    name: str
    opening: bytes


class Sink:
    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._hits: list[Hit] = []
        self._news = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def hits(self) -> list[Hit]:
        with self._news:
            return list(self._hits)

    def names(self) -> set[str]:
        return {hit.name for hit in self.hits()}

    def wait_for(self, name: str, seconds: float = 30) -> bool:
        with self._news:
            return self._news.wait_for(lambda: any(hit.name == name for hit in self._hits), timeout=seconds)

    def clear(self) -> None:
        with self._news:
            self._hits.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.add(connection)
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while opening := connection.recv(65536):
                self._record(opening)
                if not opening[:8].isascii():
                    break
                connection.sendall(_ANSWER)
        self._connections.discard(connection)

    def _record(self, opening: bytes) -> None:
        found = _NAMES.search(opening)
        with self._news:
            self._hits.append(Hit(found.group(1).decode().lower() if found else "", opening))
            self._news.notify_all()


@pytest.fixture(scope="session")
def _session_sink() -> Iterator[Sink]:
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def sink(_session_sink: Sink) -> Sink:
    _session_sink.clear()
    return _session_sink
