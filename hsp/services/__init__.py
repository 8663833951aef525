"""How the gateway meets the network: listeners, TLS, HTTP limits, client addresses."""

from hsp.services.bodies import BodyTooLarge, declared_length, limit_body, read_rest
from hsp.services.forwarded import ClientAddress
from hsp.services.limits import HttpLimits
from hsp.services.listeners import BoundListener, ListenerError, bind, tls_context
from hsp.services.server import GatewayServer, serve

__all__ = [
    "BodyTooLarge",
    "BoundListener",
    "ClientAddress",
    "GatewayServer",
    "HttpLimits",
    "ListenerError",
    "bind",
    "declared_length",
    "limit_body",
    "read_rest",
    "serve",
    "tls_context",
]
