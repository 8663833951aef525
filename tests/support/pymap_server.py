"""pymap, an IMAP server without many extensions, as a child process on a free loopback port."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

USER = "demouser"
PASSWORD = "demopass"


@contextmanager
def pymap_server() -> Iterator[int]:
    """The port of a running pymap with its demo mailbox; gone afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
        "--no-service",
        "managesieve",
        "--no-service",
        "admin",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", "from pymap.main import main; main()", *arguments, "dict", "--demo-data"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _wait(port, process)
        yield port
    finally:
        process.kill()
        process.communicate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as connection:
                if connection.recv(4) == b"* OK":
                    return
        except OSError:
            time.sleep(0.05)
        if process.poll() is not None:
            raise RuntimeError(f"pymap did not start: {process.communicate()[1]!r}")
    raise RuntimeError("pymap does not greet")
