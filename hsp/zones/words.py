"""What the error page says for the engine's own refusals: a title and a sentence, what happened and what to do."""

from types import MappingProxyType

UNKNOWN = ("Something went wrong", "The mistake is ours and has been noted. Try again in a moment.")

WORDS = MappingProxyType(
    {
        "defect": UNKNOWN,
        "no_such_page": ("There is no such page", "The address may be mistyped, or the page may have moved."),
        "method_not_allowed": ("That doesn't work here", "This page can't be used in this way."),
        "login_by_post": ("Please use the login page", "Logging in by a link is switched off here."),
        "resume_by_post": ("Please use the button", "Go back and continue from the page you came from."),
        "foreign_request": (
            "This request came from somewhere else",
            "To protect your mail it was not carried out. Go to your mail and try again there.",
        ),
        "capability_refused": ("This picture is no longer available", "Open the message again to see it."),
        "unknown_action": ("We don't know that action", "The address may be mistyped."),
        "control_characters": (
            "That contains characters we can't accept",
            "Take out any invisible control characters and try again.",
        ),
        "invalid_utf8": ("That text is not readable", "It is not valid UTF-8. Please enter it again."),
        "too_many_fields": ("That form has too many fields", "Send less at once."),
        "broken_form": ("The form did not arrive whole", "Please try again."),
        "body_too_large": ("That is too large", "Make it smaller, or send it in parts."),
        "disk_full": ("The server has no room left", "Nothing was changed. Please try again later."),
        "store_away": (
            "We can't reach the session store",
            "Your mail is safe and nothing was changed. Try again in a few seconds.",
        ),
    }
)
