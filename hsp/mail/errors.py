"""What can go wrong with mail, in terms a page can put into words.

    MailError
     +-- LoginRejected       the upstream does not accept the password or token
     +-- UpstreamAway        no connection, or it broke and could not be made again
     +-- UpstreamBusy        too many connections, or told to come back later
     +-- UpstreamNonsense    an answer that is not the protocol
     +-- OverQuota           the mailbox is full
     +-- FolderGone          no such folder (or another user's: the same)
     +-- MessageGone         no such message (or another user's: the same)
     +-- TooLarge            more than a limit allows
     +-- NotAllowed          the upstream or a rule of ours refuses
     +-- BadDraft            the fields of a mail to be sent are not usable

`key` is stable: pages turn it into words, logs and tests name it. The text of the exception is for the log only.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BadDraft",
    "FolderGone",
    "LoginRejected",
    "MailError",
    "MessageGone",
    "NotAllowed",
    "OverQuota",
    "TooLarge",
    "UpstreamAway",
    "UpstreamBusy",
    "UpstreamNonsense",
]


class MailError(Exception):
    """Base of the tree. `retry_after`: seconds after which another try makes sense, 0 when unknown."""

    key: ClassVar[str] = "mail_error"

    def __init__(self, detail: str = "", *, retry_after: float = 0.0) -> None:
        super().__init__(detail or self.key)
        self.detail = detail
        self.retry_after = retry_after


class LoginRejected(MailError):
    """The upstream does not accept the password or token."""

    key = "login_rejected"


class UpstreamAway(MailError):
    """No connection, or it broke and could not be made again."""

    key = "upstream_away"


class UpstreamBusy(MailError):
    """Too many connections, or told to come back later."""

    key = "upstream_busy"


class UpstreamNonsense(MailError):
    """An answer that is not the protocol."""

    key = "upstream_nonsense"


class OverQuota(MailError):
    """The mailbox is full."""

    key = "over_quota"


class FolderGone(MailError):
    """No such folder, or another user's: the same."""

    key = "folder_gone"


class MessageGone(MailError):
    """No such message, or another user's: the same."""

    key = "message_gone"


class TooLarge(MailError):
    """More than a limit allows."""

    key = "too_large"


class NotAllowed(MailError):
    """The upstream or a rule of ours refuses."""

    key = "not_allowed"


class BadDraft(MailError):
    """`problems`: pairs of field name and problem key, e.g. ``("to", "bad_address")``."""

    key = "bad_draft"

    def __init__(self, problems: tuple[tuple[str, str], ...]) -> None:
        super().__init__(", ".join(f"{field}: {problem}" for field, problem in problems))
        self.problems = problems
