"""Messages as bytes, for tests of what is shown of them."""

from email.message import EmailMessage

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060000000050001a5f645"
    "400000000049454e44ae426082"
)


def letter(subject: str = "Hello", text: str = "Hello there.\n", **headers: str) -> EmailMessage:
    """A plain message; headers by name with underscores for dashes."""
    message = EmailMessage()
    defaults = {"From": "Priya Raman <priya@example.org>", "To": "Me <me@demo.test>", "Subject": subject}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in {**defaults, "Date": "Mon, 23 Nov 2026 07:42:11 +0000", **given}.items():
        message[name] = value
    message.set_content(text)
    return message


def html_letter(html: str, **headers: str) -> EmailMessage:
    """A message with a plain and an HTML version."""
    message = letter(**headers)
    message.add_alternative(html, subtype="html")
    return message
