"""Collects what was written for an account and puts it in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from hsp.demo.accounts import ALICE, BOB
from hsp.demo.letters import attached, bob, folders, lists, meetings, newsletters, odd, people, work, world
from hsp.demo.letters.letter import ALICE as ALICE_BY_NAME
from hsp.demo.letters.letter import BOB as BOB_BY_NAME
from hsp.demo.letters.letter import Letter, Sketch

_ALICES = (work, people, newsletters, meetings, world, attached, odd, lists, folders)


def sketches(account: str) -> list[Sketch]:
    """Everything written for `account`, oldest first; nothing for anybody else."""
    found: list[Sketch] = []
    if account == ALICE:
        found = [sketch for module in _ALICES for sketch in module.letters()]
    elif account == BOB:
        found = [
            replace(sketch, to=BOB_BY_NAME) if sketch.to == ALICE_BY_NAME and sketch.sender != BOB_BY_NAME else sketch
            for sketch in bob.letters()
        ]
    return sorted(found, key=lambda sketch: -sketch.age)


def seed(account: str, now: datetime) -> Iterator[Letter]:
    """The messages `account` begins with, oldest first, dated from `now`."""
    for sketch in sketches(account):
        yield sketch.post(now)
