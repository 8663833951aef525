"""The document that is shown in the frame, and the answer headers that fence it in.

The fence holds even if the cleaning failed: no script, no request but to ourselves, no form, an origin of its own.
"""

from __future__ import annotations

from typing import Final

BODY_CSP: Final = (
    "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

BODY_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": BODY_CSP,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",
    "Cache-Control": "private, no-store",
}
"""All headers of a body's answer. Images in it must not be sent with ``Cross-Origin-Resource-Policy: same-origin``: the
sandboxed frame has an origin of its own."""

FRAME_SANDBOX: Final = "allow-popups allow-popups-to-escape-sandbox"
"""Value of the ``sandbox`` attribute of the frame, the same as in `BODY_CSP`."""

_BASE: Final = """@layer hsp{
html{%(scheme)s;overflow-wrap:anywhere}
html,body{position:static!important;transform:none!important}
body{margin:0;padding:1rem;font:1rem/1.5 system-ui,sans-serif;min-height:0}
img,table,pre,video{max-width:100%%!important}
img:not([src])[alt]:not([alt=""]){border:1px dashed;opacity:.7;font-size:.8rem}
pre,.hsp-text{white-space:pre-wrap;overflow-wrap:anywhere}
.hsp-text{font-family:inherit}
blockquote{margin:.5rem 0;padding-inline-start:.75rem;border-inline-start:3px solid #8888;}
details>summary{cursor:pointer;opacity:.75}
a{overflow-wrap:anywhere}
}"""


def frame_document(fragment: str, *, sheet: str = "", coloured: bool = False) -> str:
    """A whole document around a clean fragment. A mail with colours of its own is shown on white, since its senders
    know no other; all others follow the reader's light or dark."""
    base = _BASE % {
        "scheme": "color-scheme:only light;background:#fff;color:#111" if coloured else "color-scheme:light dark"
    }
    styles = f"<style>{base}</style>" + (f"<style>{sheet}</style>" if sheet else "")
    return (
        '<!DOCTYPE html><html dir="auto"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f'<meta name="referrer" content="no-referrer"><title></title>{styles}</head>'
        f'<body dir="auto">{fragment}</body></html>'
    )
