"""Mail as the rest of the gateway sees it: prove a login, get a mailbox, forget a session."""

from __future__ import annotations

from collections import OrderedDict

from hsp.foundation.clock import Clock
from hsp.foundation.sql import Database
from hsp.mail.access import Shared
from hsp.mail.ids import Ids
from hsp.mail.mailbox import Mailbox
from hsp.mail.pool import Pool
from hsp.mail.routes import Domains, Principal
from hsp.mail.rows import RowCache
from hsp.protocols.credentials import Credential

__all__ = ["MailService"]


class MailService:
    """One per worker process. `cached_bytes` bounds the rows kept in memory."""

    def __init__(
        self, database: Database, pool: Pool, clock: Clock, domains: Domains, *, cached_bytes: int = 64 * 2**20
    ) -> None:
        self.pool = pool
        self.domains = domains
        self.ids = Ids(database)
        rows = RowCache(cached_bytes)
        self._shared = Shared(self.ids, pool, domains, clock, rows, OrderedDict(), OrderedDict())

    async def verify_login(self, account: str, password: str) -> Credential:
        """The credential of `account`, proved by a login of its own; the connection stays warm for the first page.

        Raises LoginRejected, UpstreamAway, UpstreamBusy.
        """
        route = self.domains.route(account)
        credential = Credential("password", route.username_of(account), password)
        await self.pool.log_in(route, account, credential)
        return credential

    def mailbox(self, principal: Principal) -> Mailbox:
        return Mailbox(self._shared, principal)

    async def forget(self, account: str, session_uuid: str) -> None:
        """The session ended: close the connections of its credential unless another session still uses it."""
        await self.pool.forget(account, session_uuid)
