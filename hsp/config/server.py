"""The SERVER context: what holds for the whole node, whichever services it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from hsp.config.context import Context
from hsp.config.kinds import (
    ConfigPath,
    DomainName,
    HostName,
    PublicUrl,
    Seconds,
    Secret,
    Text,
    TrustedProxy,
    Unit,
    Words,
)


class Redis(Context):
    """Where sessions, counters and locks live."""

    url: Annotated[Text, Secret()] = Field(
        "redis://127.0.0.1:6379/0",
        pattern=r"^(redis|rediss|unix)://",
        description="Address of the Redis or Valkey server: redis://, rediss:// (TLS) or unix://.",
        repr=False,
    )
    namespace: Text = Field(
        "hsp",
        pattern=r"^[A-Za-z0-9_-]{1,32}$",
        description="First part of every key, so that several gateways can share one server.",
    )
    max_connections: int = Field(
        50, ge=1, le=10000, description="Most connections this process opens to Redis; further requests wait."
    )
    timeout: Annotated[float, Unit("seconds")] = Field(
        2.0, ge=0.1, le=60, description="Longest wait for one answer of Redis before the request is answered with 503."
    )


class Database(Context):
    """Where account settings and the outbox live."""

    url: Annotated[Text, Secret()] = Field(
        "",
        description="SQLAlchemy address of the database; empty means SQLite in the file hsp.sqlite3 below dataDir.",
        repr=False,
    )


class Log(Context):
    """How the gateway reports."""

    level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "info", description="The least important kind of line to write."
    )
    format: Literal["text", "json"] = Field(
        "text", description="Lines for people (text) or for a log collector (json)."
    )
    security_log: ConfigPath | None = Field(
        None, description="File for one line per security event, fit for fail2ban; unset means among the other lines."
    )


class Server(Context):
    """SERVER: names, addresses and stores of this node."""

    primary_domain: DomainName = Field(
        "", description="Domain added to a login name without one; empty means the user must type the whole address."
    )
    server_name: HostName = Field(
        "localhost", description="Name this server gives itself towards mail servers and in Message-ID headers."
    )
    data_dir: ConfigPath = Field(
        Path("/var/lib/hsp"),
        description="Folder of the key ring and the SQLite file; relative paths count from the configuration file.",
    )
    key_ring_file: Annotated[Path, Words("path")] = Field(
        Path("keys.jsonl"),
        description="File of the secret keys, readable by its owner only; relative paths count from dataDir.",
    )
    public_urls: tuple[PublicUrl, ...] = Field(
        (),
        description="Addresses under which browsers reach the gateway; links use the first, never the Host header.",
    )
    trusted_proxies: tuple[TrustedProxy, ...] = Field(
        (),
        description="Proxies whose forwarded headers count: addresses, networks, or unix (peers of Unix sockets).",
    )
    forwarded_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        "X-Forwarded-For",
        description="The header the trusted proxies write; the other is ignored, as a stranger may have written it.",
    )
    nodes: int = Field(
        1, ge=1, le=64, description="How many nodes share this configuration; upstream connections are divided by it."
    )
    shutdown_timeout: Seconds = Field(
        10, ge=0, le=600, description="How long running requests may take to finish when the server is told to stop."
    )
    redis: Redis = Field(Redis(), description="Session store.")
    database: Database = Field(Database(), description="Database.")
    log: Log = Field(Log(), description="Logging.")

    @model_validator(mode="after")
    def _place_files(self) -> Server:
        """Complete what depends on dataDir; the instance is not yet visible to anyone, so frozen is not broken."""
        object.__setattr__(self, "key_ring_file", self.data_dir / self.key_ring_file)
        if not self.database.url:
            url = f"sqlite+aiosqlite:///{self.data_dir / 'hsp.sqlite3'}"
            object.__setattr__(self, "database", Database(url=url))
        return self


__all__ = ["Database", "Log", "Redis", "Server"]
