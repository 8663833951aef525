"""Cleaning within limits of time and memory (SC-12, SC-30).

The HTML standard lets 70 KB of markup become gigabytes (formatting elements are opened again in every block) and deep
nesting take minutes, and a running nh3 cannot be stopped. So a document that by sound bounds cannot do either is
cleaned here, and any other in a child process with limits of its own.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from hsp.mail.content.cleaner import Cleaned, GrownError, clean

MAX_CHARACTERS: Final = 768 * 1024
MAX_TAGS: Final = 15_000
"""Nesting costs the square of its depth, which is at most the number of tags: 15,000 take half a second."""

MAX_REOPENED: Final = 1_500_000
"""Tags times formatting tags bounds the elements a parser can make; each takes about 250 bytes."""

MAX_ENTITIES: Final = 50_000
WALL_SECONDS: Final = 10.0

_FORMATTING: Final = re.compile(
    r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?![A-Za-z0-9-])", re.IGNORECASE
)
_CHILD: Final = str(Path(__file__).with_name("child.py"))


class CleaningFailedError(Exception):
    """The document was not cleaned within its limits."""


def is_modest(html: str) -> bool:
    """Whether parsing this text cannot cost much, however it is written."""
    tags = html.count("<")
    if len(html) > MAX_CHARACTERS or tags > MAX_TAGS or html.count("&") > MAX_ENTITIES:
        return False
    return tags * sum(1 for _ in _FORMATTING.finditer(html)) <= MAX_REOPENED


def clean_limited(html: str) -> Cleaned:
    """Clean a document of any kind in bounded time and memory; raises `CleaningFailedError`."""
    try:
        if is_modest(html):
            return clean(html, accept=is_modest)
    except GrownError:
        return _in_child(html)
    except Exception as error:  # fails closed: the caller shows plain text
        raise CleaningFailedError from error
    except BaseException as error:
        # pyo3 raises PanicException from BaseException; cancellation and the end of the process must pass.
        if type(error).__name__ != "PanicException":
            raise
        raise CleaningFailedError from error
    return _in_child(html)


def _in_child(html: str) -> Cleaned:
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter and file; the mail goes to standard input
            [sys.executable, "-I", _CHILD],
            input=html.encode("utf-8", "replace"),
            capture_output=True,
            timeout=WALL_SECONDS,
            check=True,
            env={},
        )
        fragment, sheet, mark, references, coloured = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:  # fails closed: the caller shows plain text
        raise CleaningFailedError from error
    return Cleaned(fragment, sheet, mark, tuple((kind, address) for kind, address in references), coloured)
