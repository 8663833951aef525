"""Cleans one heavy document in a process of its own: HTML on standard input, JSON of `Cleaned` on standard output.

Promise: memory and processor time are limited before the first byte is read. Run by path, never imported by the
gateway: the packages above are stood in for, so that starting it costs nh3 and tinycss2 and nothing else.
"""

from __future__ import annotations

import json
import resource
import sys
import types
from pathlib import Path

MEMORY = 1024 * 2**20
SECONDS = 4
MAX_ANSWER = 12 * 2**20


def _stand_in_for_packages() -> None:
    folder = Path(__file__).resolve().parent
    for name, path in (("hsp", folder.parent.parent), ("hsp.mail", folder.parent), ("hsp.mail.content", folder)):
        package = types.ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package


def main() -> int:
    """Clean one document from standard input within hard limits; the exit status."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _stand_in_for_packages()
    from hsp.mail.content.cleaner import clean

    html = sys.stdin.buffer.read().decode("utf-8", "replace")
    cleaned = clean(html, accept=lambda result: len(result) <= MAX_ANSWER)
    fields = [cleaned.fragment, cleaned.sheet, cleaned.mark, cleaned.references, cleaned.coloured]
    answer = json.dumps(fields).encode()
    if len(answer) > MAX_ANSWER:
        return 1
    sys.stdout.buffer.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
