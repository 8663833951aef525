"""What one message may cost. Beyond these a part is offered as a download; nothing here ends in an error page."""

from __future__ import annotations

from typing import Final

MAX_TEXT_BYTES: Final = 4 * 2**20
"""Largest text or HTML part shown in the page, in bytes after transfer decoding."""

MAX_RAW_BYTES: Final = 64 * 2**20
"""Largest message whose structure is read here when the server's own is unusable."""

MAX_DEPTH: Final = 32
"""Deepest nesting of MIME parts that is followed."""

MAX_PARTS: Final = 1000
"""Most MIME parts of one message that are listed."""

MAX_HEADER_CHARACTERS: Final = 64 * 1024
"""Longest header field that is decoded; the rest is cut."""

MAX_FILE_NAME_BYTES: Final = 180
"""Longest file name offered for a download, in UTF-8 (file systems stop at 255, with room for a browser's suffix)."""


class TooComplex(Exception):
    """A part or message exceeds a limit of this module; offer it as a download."""
