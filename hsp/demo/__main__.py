"""`python -m hsp.demo [--port N] [--data-dir FOLDER]`: the demonstration without the rest of the command line."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hsp.demo import run


def main(arguments: list[str]) -> int:
    """The demonstration as a program of its own; its exit status."""
    parser = argparse.ArgumentParser(prog="run demo", description="A working webmail with embedded servers.")
    parser.add_argument(
        "--port", type=int, help="port on 127.0.0.1; 0 takes any free one (default: 8800, or a free one)"
    )
    parser.add_argument("--data-dir", type=Path, help="folder for what is to be kept (default: a temporary one)")
    options = parser.parse_args(arguments)
    return run(options.port, options.data_dir)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
