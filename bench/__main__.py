"""`python -m bench [--quick] [--only NAME] [--json FILE]`: measure, print a table, exit 1 when a target is missed."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.figures import check, kill, list_page, memory, start
from bench.results import Figure, machine
from bench.world import World, world

_GROUPS: dict[str, Callable[[World], list[Figure]]] = {
    "check": check.measure,
    "memory": memory.measure,
    "list": list_page.measure,
    "kill": kill.measure,
    "start": start.measure,
}


def main(arguments: list[str]) -> int:
    """0 when every target is met, 1 when one is missed, 2 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="run bench", description="Figures of the gateway against their floors.")
    parser.add_argument("--quick", action="store_true", help="few and short rounds: shows that it works, proves little")
    parser.add_argument("--only", action="append", choices=_GROUPS, help="measure this group only (may be repeated)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured as JSON")
    options = parser.parse_args(arguments)
    facts = machine()
    print(_headline(facts), flush=True)
    figures: list[Figure] = []
    for name in options.only or _GROUPS:
        try:
            with world(quick=options.quick) as parts:
                found = _GROUPS[name](parts)
        except (RuntimeError, OSError, AssertionError) as error:
            print(f"bench: {name} could not be measured: {error}", file=sys.stderr)
            return 2
        for figure in found:
            print(figure.line(), flush=True)
        figures += found
    if options.json:
        _write(options.json, facts, figures, quick=options.quick)
    return 0 if all(figure.met for figure in figures) else 1


def _headline(facts: dict[str, object]) -> str:
    return (
        f"{facts['cores']} cores ({facts['processor']}), {facts['memory_mb']} MB, Python {facts['python']}, "
        f"Dovecot {str(facts['dovecot']).partition(' ')[0]}"
    )


def _write(path: Path, facts: dict[str, object], figures: list[Figure], *, quick: bool) -> None:
    told = {
        "measured": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "quick": quick,
        "machine": facts,
        "figures": [figure.as_json() for figure in figures],
    }
    path.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
