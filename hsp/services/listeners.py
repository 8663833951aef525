"""Opens listeners: sockets and TLS, with errors in an operator's words."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from hsp.config import Listener
from hsp.config.webmail import split_address

_BACKLOG = 2048
_VERSIONS = {"tls1_2": ssl.TLSVersion.TLSv1_2, "tls1_3": ssl.TLSVersion.TLSv1_3}


class ListenerError(Exception):
    """A listener cannot be opened; the text says why."""


@dataclass(frozen=True, slots=True)
class BoundListener:
    """A listener with its open socket."""

    listener: Listener
    socket: socket.socket
    tls: ssl.SSLContext | None

    @property
    def url(self) -> str:
        """Where the listener can be reached, with the port the system chose."""
        if self.listener.unix_path:
            return self.listener.address
        host, port = self.socket.getsockname()[:2]
        return f"{'https' if self.tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def close(self) -> None:
        """Give the address back."""
        self.socket.close()
        if self.listener.unix_path:
            Path(self.listener.unix_path).unlink(missing_ok=True)


def tls_context(listener: Listener) -> ssl.SSLContext | None:
    """The TLS settings of a listener, None without TLS. Raises ListenerError."""
    if not listener.ssl_enable:
        return None
    if listener.certificate_file is None:
        raise ListenerError(f"{listener.address}: TLS needs a certificate: set certFile")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    versions = [_VERSIONS[name] for name in listener.allowed_versions]
    context.minimum_version, context.maximum_version = min(versions), max(versions)
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(listener.certificate_file, listener.private_key_file)
        if listener.cipher_suite:
            context.set_ciphers(listener.cipher_suite)
    except (ssl.SSLError, OSError) as error:
        # Fails closed: a listener that should speak TLS is not opened without it.
        raise ListenerError(f"{listener.address}: {_tls_words(error, listener)}") from error
    return context


def _tls_words(error: OSError, listener: Listener) -> str:
    key = listener.private_key_file or listener.certificate_file
    if not isinstance(error, ssl.SSLError):
        return f"{error.filename or listener.certificate_file} cannot be read: {error.strerror}"
    if "KEY_VALUES_MISMATCH" in str(error):
        return f"the private key in {key} does not belong to the certificate in {listener.certificate_file}"
    if "cipher" in str(error).lower():
        return f"cipherSuite is not understood by OpenSSL: {listener.cipher_suite}"
    return f"{listener.certificate_file} with {key} is no certificate and private key in PEM form"


def bind(listener: Listener) -> BoundListener:
    """Open the socket of a listener. Raises ListenerError."""
    tls = tls_context(listener)
    try:
        opened = _unix(Path(listener.unix_path)) if listener.unix_path else _tcp(listener)
    except OSError as error:
        raise ListenerError(f"{listener.address}: {_bind_words(error)}") from error
    opened.setblocking(False)
    return BoundListener(listener, opened, tls)


def _bind_words(error: OSError) -> str:
    words = {
        errno.EADDRINUSE: "another program listens there already",
        errno.EACCES: "this user may not listen there (ports below 1024 need a privilege)",
        errno.EADDRNOTAVAIL: "this machine has no such address",
        errno.ENOENT: "the folder of the socket does not exist",
    }
    return words.get(error.errno or 0, error.strerror or str(error))


def _tcp(listener: Listener) -> socket.socket:
    host, port = split_address(listener.address)
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    with contextlib.ExitStack() as undo:
        undo.callback(opened.close)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind(address)
        opened.listen(_BACKLOG)
        undo.pop_all()
    return opened


def _unix(path: Path) -> socket.socket:
    _remove_stale(path)
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with contextlib.ExitStack() as undo:
        undo.callback(opened.close)
        opened.bind(str(path))
        # Who may connect may claim any client address, so the socket is for the owner and the group only.
        path.chmod(0o660)
        opened.listen(_BACKLOG)
        undo.pop_all()
    return opened


def _remove_stale(path: Path) -> None:
    """Remove the socket a killed server left behind; a living server's socket and other files stay."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise OSError(errno.EADDRINUSE, f"{path} exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(errno.EADDRINUSE, "in use")
