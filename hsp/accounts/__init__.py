"""Who may log in, and how often one may try."""

from hsp.accounts.guard import LoginGuard, Verdict
from hsp.accounts.names import normalise_account

__all__ = ["LoginGuard", "Verdict", "normalise_account"]
