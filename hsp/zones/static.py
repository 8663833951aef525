"""Static files under names that carry their hash, held in memory, cached for ever.

Promise: only files that were in the static folder at start are served; a request is a dictionary look-up, never a path.
"""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PREFIX = b"/static/"
_IMMUTABLE = "public, max-age=31536000, immutable"
_TYPES = {".js": "text/javascript", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    media_type: str


class StaticFiles:
    """Every file below `root`, read at start."""

    def __init__(self, root: Path) -> None:
        self._files: dict[bytes, _File] = {}
        self._names: dict[str, str] = {}
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                self._add(path.relative_to(root).as_posix(), path)

    def _add(self, name: str, path: Path) -> None:
        content = path.read_bytes()
        digest = hashlib.sha256(content).hexdigest()[:16]
        stem, dot, suffix = name.rpartition(".")
        hashed = f"{stem}.{digest}.{suffix}" if dot else f"{name}.{digest}"
        media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        self._names[name] = hashed
        self._files[PREFIX + hashed.encode()] = _File(content, media_type)

    def url(self, name: str) -> str:
        """The path of a file by its plain name (`css/hsp.css`). Raises KeyError for a file that is not there."""
        return f"{PREFIX.decode()}{self._names[name]}"

    async def answer(self, raw_path: bytes, scope: Scope, receive: Receive, send: Send) -> bool:
        """Serve the file if there is one; False leaves the request to the caller."""
        file = self._files.get(raw_path)
        if file is None or scope["method"] not in {"GET", "HEAD"}:
            return False
        response = Response(file.content, media_type=file.media_type)
        response.headers["cache-control"] = _IMMUTABLE
        response.headers["x-content-type-options"] = "nosniff"
        response.headers["content-security-policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        if scope["method"] == "HEAD":
            response.body = b""
        await response(scope, receive, send)
        return True
