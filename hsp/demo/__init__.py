"""The demonstration: embedded servers, a mailbox worth looking at, and the gateway in front of them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["run"]


def run(port: int | None = None, data_dir: Path | None = None) -> int:
    """Runs the demonstration until TERM or INT and returns the exit status.

    `port` None means 8800, or a free one when that is taken; 0 means any. What is to be kept goes into `data_dir`, or,
    without one, into a folder that is removed at the end.
    """
    # The children import this package too; what only the parent needs would slow each of them down.
    from hsp.demo.runner import run as run_demo

    return run_demo(port, data_dir)
