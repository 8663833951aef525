"""What a figure says: a value, its target, and what stands behind it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `least` and `most` are the extremes of the rounds, `details` go into the JSON."""

    name: str
    value: float
    unit: str
    bound: Literal["at least", "at most"]
    target: float
    least: float
    most: float
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        return self.value >= self.target if self.bound == "at least" else self.value <= self.target

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        fields = ("name", "value", "unit", "bound", "target", "least", "most", "met", "details")
        return {name: getattr(self, name) for name in fields}

    def line(self) -> str:
        """For people."""
        spread = f"({_short(self.least)} to {_short(self.most)})" if self.least != self.most else ""
        goal = f"{self.bound} {_short(self.target)}"
        verdict = "met" if self.met else "MISSED"
        return f"{self.name:<44} {_short(self.value):>9} {self.unit:<6} {spread:<20} {goal:<15} {verdict}"


def ratio(
    name: str, bound: Literal["at least", "at most"], target: float, rounds: Sequence[tuple[float, float]]
) -> Figure:
    """The gateway's median over the floor's; extremes are those of single rounds. `rounds` are (floor, gateway)."""
    floors, gateways = [floor for floor, _ in rounds], [gateway for _, gateway in rounds]
    single = [gateway / floor for floor, gateway in rounds]
    details = {"floor": floors, "gateway": gateways, "floor_median": median(floors), "gateway_median": median(gateways)}
    return Figure(name, median(gateways) / median(floors), "x", bound, target, min(single), max(single), details)


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    information = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in information if line.startswith("model name")), "unknown")
    memory = Path("/proc/meminfo").read_text().split()
    return {
        "cores": os.cpu_count(),
        "processor": model,
        "memory_mb": int(memory[1]) // 1024,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "dovecot": _version("dovecot", "--version"),
        "redis": _version("redis-server", "--version"),
        "load_average": os.getloadavg(),
    }


def _version(program: str, flag: str) -> str:
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    return subprocess.run([found, flag], capture_output=True, text=True, check=False).stdout.strip() if found else ""


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}"
