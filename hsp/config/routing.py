"""Domains and upstreams: whose mail lives on which server, and how that server is spoken to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from hsp.config.context import Context
from hsp.config.kinds import ConfigPath, HostName, Switch, Text, Unit, Words, is_host

Security = Literal["tls", "starttls", "none"]

USUAL_PORTS: dict[tuple[str, str], int] = {
    ("imap", "tls"): 993,
    ("imap", "starttls"): 143,
    ("imap", "none"): 143,
    ("smtp", "tls"): 465,
    ("smtp", "starttls"): 587,
    ("smtp", "none"): 587,
}


def _served_domain(value: str) -> str:
    if value != "*" and not is_host(value):
        raise ValueError("must be a domain name such as example.com, or * for all others")
    return value.lower().removesuffix(".")


class Upstream(Context):
    """UPSTREAM: one mail server the gateway stands in front of."""

    kind: Literal["imap", "smtp"] = Field("imap", description="The protocol the server speaks.")
    host: HostName = Field(description="Name or address of the server; with TLS its certificate must carry it.")
    port: int = Field(0, ge=0, le=65535, description="Port; 0 means the usual one (imap 993 or 143, smtp 465 or 587).")
    security: Security = Field(
        "tls", description="TLS from the first byte, STARTTLS (required, never optional), or none."
    )
    allow_plaintext_password: Switch = Field(
        False,
        description="Whether passwords may cross the network without TLS to a server that is not on this machine.",
    )
    ca_file: ConfigPath | None = Field(
        None, description="PEM file of the certificate authorities to believe; unset means the system's."
    )
    verify: Switch = Field(True, description="Whether the server must prove its name with a valid certificate.")
    connect_timeout: Annotated[float, Unit("seconds")] = Field(
        10, ge=0.1, le=300, description="Longest wait for a connection."
    )
    command_timeout: Annotated[float, Unit("seconds")] = Field(
        60, ge=0.1, le=3600, description="Longest wait for the answer to one command."
    )
    connections_per_account: int = Field(
        8,
        ge=1,
        le=64,
        description="Most connections for one account over all nodes; keep it below the server's own limit.",
    )
    username: Literal["address", "local"] = Field(
        "address", description="What the server wants as user name: the whole address or the part before the @."
    )

    @model_validator(mode="after")
    def _usual_port(self) -> Upstream:
        """Fill in the port before anyone sees the instance."""
        if not self.port:
            object.__setattr__(self, "port", USUAL_PORTS[self.kind, self.security])
        return self


class Domain(Context):
    """DOMAIN: whose accounts are served, and where their mail lives."""

    name: Annotated[Text, AfterValidator(_served_domain), Words("domain name or *")] = Field(
        description="The part after the @; * stands for every domain not named otherwise."
    )
    imap: Text = Field(description="Name of the upstream that holds the mail.")
    smtp: Text = Field(description="Name of the upstream that accepts mail for sending.")
    background: Literal["none", "relay"] = Field(
        "none",
        description="How mail leaves while its user is away: nothing, or an smtp upstream that relays.",
    )
    show_webmail_login: Switch = Field(True, description="Whether the login page's domain list shows this domain.")


__all__ = ["USUAL_PORTS", "Domain", "Security", "Upstream"]
