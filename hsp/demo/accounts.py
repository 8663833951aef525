"""Who lives in the demonstration."""

from __future__ import annotations

from typing import Final

DOMAIN: Final = "demo.test"
PASSWORD: Final = "demo"  # noqa: S105  # the whole point of the demonstration is that everybody knows it
ALICE: Final = f"alice@{DOMAIN}"
BOB: Final = f"bob@{DOMAIN}"
ACCOUNTS: Final = (ALICE, BOB)
