"""The context tree: every setting typed, ranged and documented, read from TOML and the environment."""

from hsp.config.loading import load_settings
from hsp.config.problems import ConfigError, Problem
from hsp.config.routing import Domain, Upstream
from hsp.config.server import Database, Log, Redis, Server
from hsp.config.settings import Settings
from hsp.config.webmail import HostNameResolver, Listener, Webmail

__all__ = [
    "ConfigError",
    "Database",
    "Domain",
    "HostNameResolver",
    "Listener",
    "Log",
    "Problem",
    "Redis",
    "Server",
    "Settings",
    "Upstream",
    "Webmail",
    "load_settings",
]
