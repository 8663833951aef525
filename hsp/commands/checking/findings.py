"""What a check found out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

State = Literal["ok", "warning", "problem"]


@dataclass(slots=True)
class Finding:
    """The result of one step. `subject` is what was looked at, such as `upstream main`."""

    subject: str
    step: str
    state: State = "ok"
    message: str = ""
    milliseconds: float | None = None
    details: dict[str, object] = field(default_factory=dict)

    def fail(self, message: str) -> Finding:
        """The step failed, for this reason."""
        self.state, self.message = "problem", message
        return self

    def warn(self, message: str) -> Finding:
        """The step succeeded, but the operator should know."""
        self.state, self.message = "warning", message
        return self


@contextmanager
def timed(finding: Finding) -> Iterator[Finding]:
    """Note how long the step took, whatever came of it."""
    start = time.perf_counter()
    try:
        yield finding
    finally:
        finding.milliseconds = round((time.perf_counter() - start) * 1000, 1)
