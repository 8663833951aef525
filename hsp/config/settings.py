"""The whole configuration tree."""

from __future__ import annotations

from pydantic import Field

from hsp.config.context import Context
from hsp.config.routing import Domain, Upstream
from hsp.config.server import Server
from hsp.config.webmail import Webmail


class Settings(Context):
    """Everything an operator decides; read once, never changed while running."""

    server: Server = Field(Server(), description="The node.")
    webmail: Webmail = Field(Webmail(), description="The WEBMAIL service.")
    domains: tuple[Domain, ...] = Field((), description="Whose accounts are served.")
    upstreams: dict[str, Upstream] = Field({}, description="The mail servers, by a name of your choice.")

    def domain(self, name: str) -> Domain | None:
        """The entry for a domain, else the one for `*`, else None (accounts of that domain are not served)."""
        entries = {entry.name: entry for entry in self.domains}
        return entries.get(name.lower()) or entries.get("*")
