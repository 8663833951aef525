"""The WEBMAIL context with its listeners and virtual hosts; names, ranges and defaults as documented for Axigen's."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hsp.config.context import Context
from hsp.config.kinds import ConfigPath, HostName, Kilobytes, Seconds, Switch, Text, Words, is_host

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]:/]+)):(?P<port>\d{1,5})")


def split_address(value: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[v6]:port`. Raises ValueError for anything else."""
    match = _ADDRESS.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise ValueError("must be address:port such as 127.0.0.1:8000 or [::1]:8000, or unix:/path")
    host = match["six"] or match["host"]
    if match["six"]:
        ipaddress.IPv6Address(host)
    elif not is_host(host):
        raise ValueError("must name a host or an IP address before the port")
    return host, int(match["port"])


def _listener_address(value: str) -> str:
    if value.startswith("unix:"):
        if not value.startswith("unix:/"):
            raise ValueError("a Unix socket needs an absolute path: unix:/run/hsp/webmail.sock")
        return value
    split_address(value)
    return value


class Listener(Context):
    """LISTENER: one address the service accepts connections on."""

    address: Annotated[Text, AfterValidator(_listener_address), Words("address:port or unix:/path")] = Field(
        "127.0.0.1:8000", description="Where to listen; port 0 lets the system choose a free one."
    )
    enable: Switch = Field(True, description="Whether this listener is opened.")
    idle_timeout: Seconds = Field(
        300, ge=0, le=86400, description="Time without traffic after which a connection is closed; 0 = never."
    )
    max_connections: int = Field(
        1000, ge=1, le=2048, description="Most connections open at once; a further one is answered with 503."
    )
    ssl_enable: Switch = Field(False, description="Whether TLS is spoken from the first byte.")
    certificate_file: ConfigPath | None = Field(
        None,
        alias="certFile",
        description="PEM file with the certificate chain, and the private key unless privateKeyFile names it.",
    )
    private_key_file: ConfigPath | None = Field(
        None, description="PEM file with the private key, when it is not in certFile."
    )
    allowed_versions: tuple[Literal["tls1_2", "tls1_3"], ...] = Field(
        ("tls1_2", "tls1_3"),
        description="TLS versions offered; older ones are broken and cannot be allowed.",
    )
    cipher_suite: Text = Field(
        "", description="OpenSSL cipher list for TLS 1.2; empty means the library's own secure choice."
    )

    @property
    def unix_path(self) -> str | None:
        """Path of the Unix socket, or None for a TCP listener."""
        return self.address.removeprefix("unix:") if self.address.startswith("unix:") else None

    @property
    def is_loopback(self) -> bool:
        """True when only this machine can connect over TCP."""
        return self.unix_path is None and is_loopback(split_address(self.address)[0])


def is_loopback(host: str) -> bool:
    """True when the name or address can only mean this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class HostNameResolver(Context):
    """A virtual host: requests for `host` and its sub-domains are rendered from their own template folder."""

    host: HostName = Field(description="Host name; its sub-domains are meant as well.")
    domain: Text = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", description="Name of the template folder below the template root."
    )


class Webmail(Context):
    """WEBMAIL: the service that browsers use."""

    max_errors: int = Field(
        20, ge=0, le=100, description="Wrong requests a session may make before it is ended; 0 = unlimited."
    )
    max_auth_errors: int = Field(5, ge=0, le=100, description="Failed logins one login page may make; 0 = unlimited.")
    path: ConfigPath | None = Field(
        None, description="Folder of the templates; unset means the ones that come with the gateway."
    )
    session_idle_timeout: Seconds = Field(
        900, ge=0, le=604800, description="A session ends after this time without a request; 0 = unlimited."
    )
    session_activity_timeout: Seconds = Field(
        216000, ge=0, le=604800, description="A session ends at this age, used or not; 0 = unlimited."
    )
    allow_keep_alive: Switch = Field(
        True, description="Whether a browser may send several requests over one connection."
    )
    allow_large_incoming_data: Switch = Field(
        False,
        description="A request above a limit is, with no, answered and cut off; with yes, read to its end first.",
    )
    http_headers_max_size: Kilobytes = Field(
        64, ge=16, le=10240, description="Most bytes in the request line and headers of one request (431 above)."
    )
    http_headers_max_count: int = Field(
        100, ge=16, le=1000, description="Most header lines in one request (431 above)."
    )
    http_url_max_size: Kilobytes = Field(8, ge=1, le=64, description="Longest address in a request line (414 above).")
    http_headers_timeout: Seconds = Field(
        20, ge=1, le=300, description="Longest time a client may take to send its headers (408 above)."
    )
    http_body_max_size: Kilobytes = Field(
        64, ge=16, le=163840, description="Largest request body, except uploads (413 above)."
    )
    upload_max_size: Kilobytes = Field(
        25600,
        ge=16,
        le=1048576,
        description="Largest body of an upload: attachments, and compose, draft and event forms (413 above).",
    )
    http_server_header_enable: Switch = Field(
        False, description="Whether answers carry a Server header; it names the product without a version."
    )
    http_hsts_header_value: Text = Field(
        "", description="Literal value of Strict-Transport-Security on TLS answers; empty means none is sent."
    )
    show_domain_list: Switch = Field(
        False, description="Whether the login page offers the configured domains in a list."
    )
    allow_disable_cookie: Switch = Field(
        False,
        description="Whether a login may ask for a session without cookie (weaker; needs the address bar kept secret).",
    )
    allow_get_login: Switch = Field(
        False,
        description="Whether programs may log in by GET (puts passwords into logs); never from a typed address.",
    )
    send_mail_delay: Seconds = Field(
        10, ge=0, le=30, description="How long a sent message waits so that it can be taken back; 0 = not at all."
    )
    page_size: int = Field(50, ge=10, le=200, description="Messages per page of the mail list.")
    remote_images: Switch = Field(
        True, description="Whether readers may ask for remote images, which the gateway then fetches for them."
    )
    listeners: tuple[Listener, ...] = Field((Listener(),), description="Addresses to accept connections on.")
    host_name_resolvers: tuple[HostNameResolver, ...] = Field((), description="Virtual hosts.")
