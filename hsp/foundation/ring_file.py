"""The key ring's file: one JSON line per key (id, secret, created, retired), the newest first, mode 0600."""

import base64
import binascii
import contextlib
import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_KEY_ID = re.compile(r"[a-z2-7]{6}\Z")
_SECRET_LENGTH = 32


class RingFileError(Exception):
    """The ring file is missing, malformed, or readable by others than its owner. The message says which, and where."""


@dataclass(frozen=True, slots=True)
class RingKey:
    """One secret of the ring. `created` and `retired` are epoch seconds; a key that still signs has no `retired`."""

    id: str
    secret: bytes = field(repr=False)
    created: float
    retired: float | None


def read(path: Path) -> list[RingKey]:
    """The keys of the file. Raises RingFileError."""
    try:
        # The mode is asked of the open file: between a check by name and the reading, the file could be replaced.
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read()
    except OSError as error:
        raise RingFileError(f"{path}: {error.strerror or error}") from None
    if stat.S_IMODE(mode) & 0o077:
        raise RingFileError(f"{path}: readable by others (mode {stat.S_IMODE(mode):04o}); it must be 0600")
    keys = [_parse(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not keys:
        raise RingFileError(f"{path}: holds no key")
    if len({key.id for key in keys}) != len(keys):
        raise RingFileError(f"{path}: the same key id twice")
    return keys


def create(path: Path, keys: Sequence[RingKey]) -> None:
    """Writes a new file; when another process was faster, its file stays. Raises RingFileError."""
    temporary = _write_beside(path, keys)
    try:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)
    except OSError as error:
        raise RingFileError(f"{path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, keys: Sequence[RingKey]) -> None:
    """Replaces the file in one step: a reader sees the old ring or the new one. Raises RingFileError."""
    temporary = _write_beside(path, keys)
    try:
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RingFileError(f"{path}: {error.strerror or error}") from None


def _write_beside(path: Path, keys: Iterable[RingKey]) -> Path:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(_format(key) + "\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RingFileError(f"{path}: {error.strerror or error}") from None
    return temporary


def _format(key: RingKey) -> str:
    secret = base64.b64encode(key.secret).decode("ascii")
    return json.dumps({"id": key.id, "secret": secret, "created": key.created, "retired": key.retired})


def _parse(path: Path, number: int, line: bytes) -> RingKey:
    try:
        fields = json.loads(line)
        key = RingKey(
            str(fields["id"]),
            base64.b64decode(fields["secret"], validate=True),
            float(fields["created"]),
            None if fields["retired"] is None else float(fields["retired"]),
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        # The line itself stays out of the message: it holds a secret.
        raise RingFileError(f"{path}, line {number}: not a ring key") from None
    if not _KEY_ID.match(key.id) or len(key.secret) != _SECRET_LENGTH:
        raise RingFileError(f"{path}, line {number}: not a ring key")
    return key
