"""What the process logs, as an operator has it, and the one answer every kind of bad input must get."""

import io
import logging
from collections.abc import Iterator

import pytest
import structlog

from hsp.foundation import logs
from tests.support.gateway import Reply

DEFECT = "The mistake is ours"


class LogLines:
    """Everything written since the test began."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        access = logs.access_log()
        if access is not None:
            access.flush()
        return self.stream.getvalue()

    def about(self, request_id: str) -> list[str]:
        """The lines that carry a request's id."""
        return [line for line in self.text.splitlines() if request_id in line]


@pytest.fixture
def log_lines() -> Iterator[LogLines]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    lines = LogLines()
    logs.configure("info", json=False, stream=lines.stream)
    yield lines
    if (access := logs.access_log()) is not None:
        access.flush()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def assert_clear(reply: Reply, lines: LogLines, status: int, sentence: str) -> None:
    """The status, a sentence of ours in the page, its request id in page and log, and no defect anywhere."""
    assert reply.status == status, (reply.status, reply.text[:2000])
    assert sentence in reply.text
    assert DEFECT not in reply.text
    request_id = reply["x-request-id"]
    assert request_id
    about = lines.about(request_id)
    assert about, "no log line carries the request's id"
    assert any(f"status={status}" in line for line in about), about
    assert not any("defect" in line for line in about), about
