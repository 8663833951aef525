"""The fixed table of messages that a public page may show.

Promise: a public page never echoes a text from its address; `m` is an index into this table (CVE-2023-40355).
"""

from enum import IntEnum


class Message(IntEnum):
    """Numbers 1 to 7 are those of the reference (hsp-webmail.md, section 5); the rest are ours."""

    BAD_CREDENTIALS = 1
    SESSION_ENDED = 2
    LOGGED_OUT = 3
    CAPTCHA_NEEDED = 4
    TOO_MANY_SESSIONS = 5
    SERVER_AWAY = 6
    PASSWORD_EXPIRED = 7
    TOO_MANY_ATTEMPTS = 8
    FORM_EXPIRED = 9
    UPSTREAM_BUSY = 10
    INPUT_KEPT = 11
    COOKIES_NEEDED = 12
    NO_COOKIELESS = 13


TEXTS: dict[Message, str] = {
    Message.BAD_CREDENTIALS: "That address and password don't match. Check both and try again.",
    Message.SESSION_ENDED: "Please log in to continue.",
    Message.LOGGED_OUT: "You are logged out.",
    Message.CAPTCHA_NEEDED: "Please confirm that you are not a robot.",
    Message.TOO_MANY_SESSIONS: "You are logged in at too many places. End a session elsewhere, then try again.",
    Message.SERVER_AWAY: "We couldn't reach your mail server. Try again in a moment.",
    Message.PASSWORD_EXPIRED: "Your password has expired.",
    Message.TOO_MANY_ATTEMPTS: "Too many attempts. Wait a little, then try again.",
    Message.FORM_EXPIRED: "This login form was no longer valid. Please try again.",
    Message.UPSTREAM_BUSY: "Your mail server is busy. Try again in a moment.",
    Message.INPUT_KEPT: "Your session had ended. What you entered is kept: log in to continue with it.",
    Message.COOKIES_NEEDED: "Logging in needs cookies. Allow them for this site and try again.",
    Message.NO_COOKIELESS: "Sessions without cookies are switched off here.",
}


def text(number: str | None) -> str:
    """The message for the value of `m`; empty for anything that is no index into the table."""
    if number is None or not number.isascii() or not number.isdigit() or len(number) > 2:
        return ""
    try:
        return TEXTS[Message(int(number))]
    except ValueError:
        return ""
