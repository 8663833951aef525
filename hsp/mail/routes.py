"""Which upstreams serve an account, and what we may do there without its owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from hsp.mail.errors import LoginRejected
from hsp.protocols.credentials import Credential
from hsp.protocols.imap import Endpoint
from hsp.protocols.smtp import SmtpEndpoint

__all__ = ["Background", "DomainTable", "Domains", "MailRoute", "Principal"]

Background = Literal["none", "relay"]


OUTBOX_HOLDER = "outbox "
"""How the uuid of a principal begins that is no session but a mail on its way, which outlives its writer's logout."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: the account, what its upstreams are shown, and the session on whose behalf."""

    account: str
    credential: Credential
    session_uuid: str


@dataclass(frozen=True, slots=True)
class MailRoute:
    """The upstreams of one domain.

    `username` says what they want to hear: the whole address or the part before the @. `background` is how mail is sent
    when the owner is not there: not at all, or through `relay`, which knows us by other means than the owner's
    credential. `connections_per_account` is for one worker process.
    """

    imap: Endpoint
    smtp: SmtpEndpoint
    username: Literal["address", "local"] = "address"
    background: Background = "none"
    relay: SmtpEndpoint | None = None
    connections_per_account: int = 8

    def username_of(self, account: str) -> str:
        return account if self.username == "address" else account.rpartition("@")[0]


class Domains(Protocol):
    """Where the mail of an account lives."""

    def route(self, account: str) -> MailRoute:
        """The route of `account`; raises LoginRejected when its domain is none of ours."""


class DomainTable:
    """Routes by domain name, with ``*`` for every other domain."""

    def __init__(self, routes: Mapping[str, MailRoute]) -> None:
        self._routes = dict(routes)

    def route(self, account: str) -> MailRoute:
        """The route of `account`. Raises LoginRejected when its domain is none of ours."""
        domain = account.rpartition("@")[2].lower()
        route = self._routes.get(domain) or self._routes.get("*")
        if route is None:
            # The same answer as a wrong password: nobody learns which domains are served here.
            raise LoginRejected(f"no route for domain {domain!r}")
        return route
