"""Mail: a pool of kept connections, a mailbox as verbs, messages as safe content, and an outbox that sends once."""

from hsp.mail.addresses import parse_address, parse_addresses
from hsp.mail.answering import Prefill, forward, reply
from hsp.mail.compose import Attached, Composed, ComposeLimits, Draft, compose
from hsp.mail.errors import (
    BadDraft,
    FolderGone,
    LoginRejected,
    MailError,
    MessageGone,
    NotAllowed,
    OverQuota,
    TooLarge,
    UpstreamAway,
    UpstreamBusy,
    UpstreamNonsense,
)
from hsp.mail.folders import Folder
from hsp.mail.mailbox import Deleted, Mailbox
from hsp.mail.outbox import Outbox, OutboxItem, OutboxLimits
from hsp.mail.pool import Pool, PoolLimits
from hsp.mail.reading import MailPage, OpenedMail
from hsp.mail.routes import Domains, DomainTable, MailRoute, Principal
from hsp.mail.rows import MailRow
from hsp.mail.service import MailService

__all__ = [
    "Attached",
    "BadDraft",
    "ComposeLimits",
    "Composed",
    "Deleted",
    "DomainTable",
    "Domains",
    "Draft",
    "Folder",
    "FolderGone",
    "LoginRejected",
    "MailError",
    "MailPage",
    "MailRoute",
    "MailRow",
    "MailService",
    "Mailbox",
    "MessageGone",
    "NotAllowed",
    "OpenedMail",
    "Outbox",
    "OutboxItem",
    "OutboxLimits",
    "OverQuota",
    "Pool",
    "PoolLimits",
    "Prefill",
    "Principal",
    "TooLarge",
    "UpstreamAway",
    "UpstreamBusy",
    "UpstreamNonsense",
    "compose",
    "forward",
    "parse_address",
    "parse_addresses",
    "reply",
]
