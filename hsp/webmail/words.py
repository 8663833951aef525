"""Sentences of the private pages, in fixed tables: an address or a form chooses one, it never brings its own."""

from hsp.webmail.format import plural

_NOTICES: dict[str, tuple[str, str]] = {
    "deleted": ("Deleted", "Deleted {n}"),
    "gone": ("Deleted for ever", "Deleted {n} for ever"),
    "moved": ("Moved", "Moved {n}"),
    "seen": ("Marked as read", "Marked {n} as read"),
    "unseen": ("Marked as unread", "Marked {n} as unread"),
    "flag": ("Flagged", "Flagged {n}"),
    "unflag": ("Flag removed", "Flag removed from {n}"),
    "nothing_chosen": ("Select mail first, then choose what to do with it", ""),
    "saved": ("Draft saved", ""),
    "draft_discarded": ("Draft discarded", ""),
    "discarded": ("Discarded", ""),
    "undone": ("Not sent. The mail is in Drafts", ""),
    "too_late": ("Too late to undo: the mail is on its way", ""),
    "sent": ("Sent", ""),
    "ended": ("Session ended", ""),
    "others_ended": ("All other sessions ended", ""),
    "session_gone": ("That session had already ended", ""),
}

# Error keys: a title and a sentence. What happened, what was kept, what to do.
ERRORS: dict[str, tuple[str, str]] = {
    "login_rejected": (
        "Your mail server no longer accepts your password",
        "It may have been changed. Log out, then log in with the new one.",
    ),
    "upstream_away": ("We couldn't reach your mail server", "Nothing was changed. Try again in a moment."),
    "upstream_busy": (
        "Your mail server is busy",
        "It has as many connections as it allows. Nothing was changed. Try again in a moment.",
    ),
    "upstream_nonsense": (
        "Your mail server answered something we don't understand",
        "Nothing was lost. Try again, and tell your administrator if it happens again.",
    ),
    "over_quota": ("Your mailbox is full", "Delete some mail and empty Trash, then try again."),
    "folder_gone": ("There is no such folder", "It may have been renamed or deleted. Choose another one."),
    "message_gone": ("There is no such mail", "It may have been moved or deleted."),
    "too_large": ("That is too large", "Take out an attachment, or send it in parts."),
    "not_allowed": ("Your mail server didn't allow that", "The folder may be read-only. Nothing was changed."),
    "bad_draft": ("This mail can't be sent yet", "Something in it needs a look."),
    "too_complex": ("This mail can't be shown", "It is put together in an unusual way. You can still download it."),
    "database_away": ("We can't reach our own storage", "Your mail is safe. Try again in a moment."),
    "no_image": ("There is no picture here", "It could not be fetched, or it is no picture."),
}

DRAFT_PROBLEMS: dict[str, str] = {
    "bad_address": "is not an email address",
    "no_recipient": "Add at least one recipient.",
    "too_many_recipients": "That is more recipients than one mail may have.",
    "too_long": "This is too long. Please shorten it.",
    "too_large": "This is more than one mail may carry. Take out an attachment.",
}

# Outbox states: icon, word, tone, sentence, actions as (verb, label, dangerous).
OUTBOX: dict[str, tuple[str, str, str, str, tuple[tuple[str, str, bool], ...]]] = {
    "queued": (
        "clock",
        "Waiting",
        "info",
        "It will be sent in a moment. You can still undo.",
        (("undo", "Undo", False),),
    ),
    "sending": ("sent", "Sending", "info", "On its way to your mail server.", ()),
    "sent": ("check", "Sent", "success", "Accepted by your mail server.", (("discard", "Hide", False),)),
    "unknown": (
        "alert",
        "Unclear",
        "warning",
        "The connection broke after the mail was handed over. It may have arrived, so it is not sent again by itself.",
        (("retry", "Send again", False), ("discard", "Discard", True)),
    ),
    "failed": (
        "alert",
        "Not sent",
        "danger",
        "Your mail server didn't take this mail.",
        (("retry", "Try again", False), ("edit", "Edit", False), ("discard", "Discard", True)),
    ),
    "waiting": (
        "clock",
        "Waiting for you",
        "warning",
        "It was not sent when you left. It is sent now that you are back.",
        (("retry", "Send now", False), ("undo", "Undo", False)),
    ),
    "cancelled": (
        "undo",
        "Not sent",
        "",
        "You called this mail back.",
        (("retry", "Send", False), ("edit", "Edit", False), ("discard", "Discard", True)),
    ),
}

EMPTY: dict[str, tuple[str, str]] = {
    "inbox": ("inbox", "Your inbox is empty."),
    "drafts": ("drafts", "No drafts. What you save while writing is kept here."),
    "sent": ("sent", "Nothing sent yet."),
    "trash": ("trash", "Trash is empty."),
    "junk": ("junk", "No junk. Lovely."),
    "archive": ("archive", "Nothing archived yet."),
}


def notice(key: str, number: str) -> str:
    """The sentence for `notice` and `n` of an address; empty for a key that is not in the table."""
    one, many = _NOTICES.get(key, ("", ""))
    count = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    return many.replace("{n}", plural(count, "mail", "mails")) if count > 1 and many else one


def draft_problem(problem: str) -> str:
    """The sentence for one problem of a form field."""
    key, _, detail = problem.partition(": ")
    text = DRAFT_PROBLEMS.get(key, "Please check this.")
    return f"“{detail}” {text}." if detail else text
