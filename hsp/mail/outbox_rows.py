"""Outbox rows in SQL: sealed contents, and state changes that only one process can win.

Promise: what a row says is changed by single statements that name the state they start from, so of two processes (or a
process and its own ghost after a crash) exactly one goes on. Contents are sealed with account and row id as associated
data: a row copied to another account or id opens nowhere.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from hsp.foundation.sealing import KeyRing, pack
from hsp.foundation.sql import Database
from hsp.mail.tables import outbox
from hsp.protocols.smtp import Refused

__all__ = ["Details", "OutboxRows", "Outcome", "Row"]

_DETAILS, _OUTCOME, _MESSAGE = "outbox details", "outbox outcome", "outbox message"
_OFF_LOOP_FROM = 256 * 1024
_WITHOUT_MESSAGE = [column for column in outbox.c if column.name != "message"]


@dataclass(frozen=True, slots=True)
class Details:
    """What is needed to send and to show; `bcc` is the header field only the saved copy has."""

    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    bcc: str = ""
    answers: str = ""
    forwards: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the server said in the end: its text, and the recipients it refused."""

    text: str = ""
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One row; times are epoch seconds. `stage` is "" until content is about to be sent, then "content"."""

    id: str
    account: str
    form_key: str
    background: str
    state: str
    stage: str
    reason: str
    created: float
    send_at: float
    attempts: int
    lease_owner: str
    lease_until: float
    saved: bool
    details: Details
    outcome: Outcome = Outcome()


class OutboxRows:
    """The table of the outbox: every step a claim or a change of state in one statement."""

    def __init__(self, database: Database, ring: KeyRing) -> None:
        self._database = database
        self._ring = ring

    async def insert(self, row: Row, message: bytes) -> bool:
        """Write a new row, durably. False when a row of this account has the same form key."""
        values = {
            **{name: getattr(row, name) for name in _PLAIN},
            "details": self._seal(_DETAILS, row, json.dumps(asdict(row.details)).encode()),
            "outcome": b"",
            "message": await self._seal_message(row, message),
        }
        try:
            async with self._database.session() as session:
                await session.execute(sa.insert(outbox).values(values))
        except IntegrityError:
            return False
        return True

    async def by_form_key(self, account: str, form_key: str) -> Row | None:
        rows = await self._select(outbox.c.account == account, outbox.c.form_key == form_key)
        return rows[0] if rows else None

    async def get(self, account: str, row_id: str) -> Row | None:
        rows = await self._select(outbox.c.account == account, outbox.c.id == row_id)
        return rows[0] if rows else None

    async def of_account(self, account: str) -> list[Row]:
        return await self._select(outbox.c.account == account, outbox.c.state != "discarded")

    async def ids(self, *conditions: sa.ColumnElement[bool]) -> list[tuple[str, float]]:
        """Id and time to send of the rows that fulfil `conditions`, soonest first."""
        query = sa.select(outbox.c.id, outbox.c.send_at).where(*conditions).order_by(outbox.c.send_at).limit(1000)
        async with self._database.session(read_only=True) as session:
            return [(row.id, row.send_at) for row in await session.execute(query)]

    async def change(self, *conditions: sa.ColumnElement[bool], **values: object) -> list[Row]:
        """Change the rows that fulfil `conditions` in one statement; the rows as they are now."""
        statement = sa.update(outbox).where(*conditions).values(values).returning(*_WITHOUT_MESSAGE)
        async with self._database.session() as session:
            found = (await session.execute(statement)).mappings().all()
        return [self._row(mapping) for mapping in found]

    async def settle(self, row: Row, *, owner: str, outcome: Outcome, **values: object) -> bool:
        """Write what became of a row that `owner` holds; False when another process holds it by now."""
        sealed = self._seal(_OUTCOME, row, json.dumps(asdict(outcome)).encode())
        changed = await self.change(outbox.c.id == row.id, outbox.c.lease_owner == owner, outcome=sealed, **values)
        return bool(changed)

    async def message(self, row: Row) -> bytes:
        """The sealed content of a row, opened; empty when it is no longer kept."""
        query = sa.select(outbox.c.message).where(outbox.c.id == row.id)
        async with self._database.session(read_only=True) as session:
            blob = (await session.execute(query)).scalar_one()
        if not blob:
            return b""
        if len(blob) < _OFF_LOOP_FROM:
            return self._unseal(_MESSAGE, row.account, row.id, blob)
        return await asyncio.to_thread(self._unseal, _MESSAGE, row.account, row.id, blob)

    async def delete(self, *conditions: sa.ColumnElement[bool]) -> None:
        async with self._database.session() as session:
            await session.execute(sa.delete(outbox).where(*conditions))

    async def _select(self, *conditions: sa.ColumnElement[bool]) -> list[Row]:
        query = sa.select(*_WITHOUT_MESSAGE).where(*conditions).order_by(outbox.c.created.desc()).limit(500)
        async with self._database.session(read_only=True) as session:
            found: Sequence[Mapping[Any, Any]] = (await session.execute(query)).mappings().all()
        return [self._row(mapping) for mapping in found]

    def _row(self, mapping: Mapping[Any, Any]) -> Row:
        account, row_id = mapping["account"], mapping["id"]
        details = json.loads(self._unseal(_DETAILS, account, row_id, mapping["details"]))
        details["recipients"] = tuple(details["recipients"])
        row = Row(**{name: mapping[name] for name in _PLAIN}, details=Details(**details))
        if not mapping["outcome"]:
            return row
        outcome = json.loads(self._unseal(_OUTCOME, account, row_id, mapping["outcome"]))
        refused = tuple(Refused(**one) for one in outcome["refused"])
        return replace(row, outcome=Outcome(outcome["text"], refused))

    async def _seal_message(self, row: Row, message: bytes) -> bytes:
        if len(message) < _OFF_LOOP_FROM:
            return self._seal(_MESSAGE, row, message)
        return await asyncio.to_thread(self._seal, _MESSAGE, row, message)

    def _seal(self, purpose: str, row: Row, data: bytes) -> bytes:
        return self._ring.seal(purpose, data, aad=pack(row.account, row.id))

    def _unseal(self, purpose: str, account: str, row_id: str, blob: bytes) -> bytes:
        return self._ring.unseal(purpose, blob, aad=pack(account, row_id))


_PLAIN = tuple(name for name in Row.__dataclass_fields__ if name not in {"details", "outcome"})
