"""Keeps children from outliving their parent.

Promise: a process that called `hold` ends when the process that started it ends, however that happened. Two ties hold
it: the kernel's parent-death signal (Linux), and standard input, a pipe whose other end only the parent has. The parent
may have died before the first tie was made, so the parent's number is compared after it.

Run as a module it does the same for a program that is not ours: `python -m hsp.demo.leash PARENT FOLDER PROGRAM ...`
starts PROGRAM, ends it with the parent, and removes FOLDER, which nobody is left to remove, when the parent died.
"""

from __future__ import annotations

import ctypes
import os
import selectors
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 3


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Asks the kernel for a signal at the parent's death; elsewhere than on Linux only the pipe holds (fails open)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


def hold(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Ties this process to `parent`, which must be its parent still; exits at once when it is gone already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which orders the end
    die_with_parent(number)
    if os.getppid() != parent:
        os._exit(0)


def _wait(ended: int) -> None:
    """Waits for the parent's death or for a signal: TERM, or the program's own end."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        selector.select()


def _end(child: subprocess.Popen[bytes]) -> int:
    if child.poll() is None:
        child.terminate()
    try:
        return child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


def main(arguments: list[str]) -> int:
    """Run a command that ends when its parent does; the command's exit status."""
    parent, folder, *command = arguments
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    hold(int(parent), signal.SIGTERM)  # not KILL: somebody has to end the program and to tidy up
    # This process has one thread, so code between fork and exec is safe here.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)  # noqa: PLW1509, S603  # one thread, own command
    _wait(ended)
    status = _end(child)
    if os.getppid() != int(parent):
        shutil.rmtree(Path(folder), ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
