"""HSP gateway: a webmail session gateway in front of any IMAP and SMTP server."""

__version__ = "0.1.0"
