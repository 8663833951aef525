"""The kinds of value a setting may have: each refuses what it cannot mean, in words an operator understands."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, ValidationInfo


@dataclass(frozen=True, slots=True)
class Unit:
    """Marks a numeric setting with what it counts, for messages and documents."""

    name: str


@dataclass(frozen=True, slots=True)
class Words:
    """Marks a setting whose type has a plainer name than Python's."""

    text: str


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a setting that may carry a password: it is never shown."""


_SWITCH = {"yes": True, "on": True, "true": True, "1": True, "no": False, "off": False, "false": False, "0": False}
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?", re.IGNORECASE)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _switch(value: object) -> object:
    return _SWITCH.get(value.strip().lower(), value) if isinstance(value, str) else value


def _below_file(value: Path, info: ValidationInfo) -> Path:
    """Relative paths are meant from the configuration file, wherever the process was started."""
    base = (info.context or {}).get("base")
    return Path(base) / value if base is not None else value


def is_host(value: str) -> bool:
    """True for a host name (RFC 1123, underscore tolerated) or an IP address without brackets."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return _HOST.fullmatch(value) is not None and not re.fullmatch(r"[0-9.]+", value)
    return True


def _host(value: str) -> str:
    plain = value.removeprefix("[").removesuffix("]")
    if not is_host(plain):
        raise ValueError("must be a host name or an IP address, without scheme or port")
    return plain


def _domain_name(value: str) -> str:
    if value and (not is_host(value) or re.fullmatch(r"[0-9.:a-fA-F]*:.*|[0-9.]+", value)):
        raise ValueError("must be a domain name such as example.com")
    return value.lower().removesuffix(".")


def _url_problem(value: str) -> str:
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 - asking for the port is what makes urllib check it
    except ValueError as error:
        return f"must be a URL: {error}"
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_host(parts.hostname):
        return "must be a URL such as https://mail.example.com"
    if parts.username is not None or parts.query or parts.fragment:
        return "must have no user name, query or fragment"
    return ""


def _public_url(value: str) -> str:
    problem = _url_problem(value)
    if problem:
        raise ValueError(problem)
    return value.rstrip("/")


def _line(value: str) -> str:
    if _UNPRINTABLE.search(value):
        raise ValueError("must not contain control characters")
    return value


def _proxy(value: object) -> object:
    if value == "unix" or isinstance(value, Network):
        return value
    try:
        return ipaddress.ip_network(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("must be an address, a network such as 10.0.0.0/8 (host bits zero), or unix") from None


Switch = Annotated[bool, Field(strict=True), BeforeValidator(_switch), Words("yes or no")]
Seconds = Annotated[int, Unit("seconds")]
Kilobytes = Annotated[int, Unit("KB")]
Text = Annotated[str, AfterValidator(_line), Field(max_length=8192), Words("text")]
ConfigPath = Annotated[Path, AfterValidator(_below_file), Words("path")]
HostName = Annotated[str, AfterValidator(_host), Words("host name or address")]
DomainName = Annotated[str, AfterValidator(_domain_name), Words("domain name")]
PublicUrl = Annotated[str, AfterValidator(_public_url), Words("URL")]
TrustedProxy = Annotated[Network | Literal["unix"], PlainValidator(_proxy), Words("address, network or unix")]
