"""Bytes of a message to something safe to look at: the one place where MIME, charsets, HTML and CSS are judged."""

from hsp.mail.content.attachments import Attachment, attachment_headers, safe_name, sniff
from hsp.mail.content.charset import decode_bytes, decode_text, decode_transfer
from hsp.mail.content.document import BODY_CSP, BODY_HEADERS, FRAME_SANDBOX, frame_document
from hsp.mail.content.header import clean_text, decode_header, decode_parameter
from hsp.mail.content.html import SafeHtml, html_to_text, safe_html
from hsp.mail.content.limits import TooComplex
from hsp.mail.content.raw import structure_from_raw
from hsp.mail.content.structure import Body, Plan, read_structure, walk
from hsp.mail.content.text import read_text, snippet, text_to_html, unflow

__all__ = [
    "BODY_CSP",
    "BODY_HEADERS",
    "FRAME_SANDBOX",
    "Attachment",
    "Body",
    "Plan",
    "SafeHtml",
    "TooComplex",
    "attachment_headers",
    "clean_text",
    "decode_bytes",
    "decode_header",
    "decode_parameter",
    "decode_text",
    "decode_transfer",
    "frame_document",
    "html_to_text",
    "read_structure",
    "read_text",
    "safe_html",
    "safe_name",
    "sniff",
    "snippet",
    "structure_from_raw",
    "text_to_html",
    "unflow",
    "walk",
]
