"""The WEBMAIL service: one module per page, thin over the verbs of `hsp.mail` and `hsp.sessions`."""

from hsp.webmail import act, compose, mail, message, outbox, parts, sessions
from hsp.webmail.errors import on_error
from hsp.webmail.services import Webmail
from hsp.zones import Pages

__all__ = ["Webmail", "on_error", "pages"]

pages: Pages[Webmail] = Pages()
for _module in (mail, message, parts, act, compose, outbox, sessions):
    pages.include(_module.pages)
