"""The HSP engine: pages in a public and a private zone, special requests, the session key in links.

Promises:
- A private page is served only to a request that opened its session with key and twin, however the address is spelt.
- Whatever is wrong with a credential, the answer is the same, and tells nothing about the page.
- Nothing changes state unless the request proves that it comes from a page of ours.
"""

from hsp.zones.declarations import (
    CredentialKind,
    Declaration,
    DeclarationError,
    Pages,
    Permission,
    Zone,
)
from hsp.zones.forms import BadInput, BodyTooLarge, Fields, Upload
from hsp.zones.messages import Message
from hsp.zones.origin import origin_of
from hsp.zones.request import PageRequest, UndeclaredUse
from hsp.zones.service import Service, ServiceConfig
from hsp.zones.special import Authenticator, LoginAttempt, LoginOutcome
from hsp.zones.static import StaticFiles
from hsp.zones.templates import TemplateError, Templates

__all__ = [
    "Authenticator",
    "BadInput",
    "BodyTooLarge",
    "CredentialKind",
    "Declaration",
    "DeclarationError",
    "Fields",
    "LoginAttempt",
    "LoginOutcome",
    "Message",
    "PageRequest",
    "Pages",
    "Permission",
    "Service",
    "ServiceConfig",
    "StaticFiles",
    "TemplateError",
    "Templates",
    "UndeclaredUse",
    "Upload",
    "Zone",
    "origin_of",
]
