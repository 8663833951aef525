"""All checks of a configuration, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from hsp.commands.checking.findings import Finding
from hsp.commands.checking.stores import check_database, check_key_ring, check_listeners, check_redis
from hsp.commands.checking.upstreams import check_upstream
from hsp.config import Settings
from hsp.protocols.credentials import Credential


async def check_all(settings: Settings, credential: Credential | None = None) -> list[Finding]:
    """Every finding; with a credential, logins are tried at the upstreams of its domain."""
    redis, database, *upstreams = await asyncio.gather(
        _one(check_redis(settings.server.redis)),
        _one(check_database(settings.server.database.url)),
        *(
            check_upstream(name, upstream, credential if name in _serving(settings, credential) else None)
            for name, upstream in settings.upstreams.items()
        ),
    )
    findings = [*_domains(settings), *check_listeners(settings), check_key_ring(settings), *redis, *database]
    return [*findings, *(finding for found in upstreams for finding in found)]


async def _one(finding: Awaitable[Finding]) -> list[Finding]:
    return [await finding]


def _serving(settings: Settings, credential: Credential | None) -> set[str]:
    """The names of the upstreams that serve a user."""
    if credential is None:
        return set()
    domain = settings.domain(credential.username.rpartition("@")[2])
    return {domain.imap, domain.smtp} if domain else set()


def _domains(settings: Settings) -> list[Finding]:
    finding = Finding("domains", "served")
    if not settings.domains:
        return [finding.fail("no domain is configured, so nobody can log in")]
    finding.message = ", ".join(domain.name for domain in settings.domains)
    return [finding]
