"""A corpus of messages that are odd in every way the wild knows; each with a name, all deterministic.

Bytes, not objects: no library would write most of these.
"""

from base64 import b64encode


def _message(*lines: bytes, body: bytes = b"Hello.\r\n") -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


_BASIC = (b"From: a@example.org", b"To: b@example.org", b"Date: Mon, 6 Jul 2026 10:00:00 +0200")


def _multipart(kind: bytes, *parts: bytes, boundary: bytes = b"=_b", headers: tuple[bytes, ...] = _BASIC) -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + boundary + b"--\r\n"
    content_type = b"Content-Type: multipart/" + kind + b'; boundary="' + boundary + b'"'
    return _message(*headers, b"MIME-Version: 1.0", content_type, body=body)


def _part(content_type: bytes, body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"Content-Type: " + content_type, *headers]) + b"\r\n\r\n" + body


def _nested(depth: int) -> bytes:
    inner = _part(b"text/plain", b"the bottom")
    for level in range(depth):
        boundary = b"=_%d" % level
        body = b"--" + boundary + b"\r\n" + inner + b"\r\n--" + boundary + b"--\r\n"
        inner = _part(b'multipart/mixed; boundary="' + boundary + b'"', body)
    return b"\r\n".join([*_BASIC, b"Subject: deep", b"MIME-Version: 1.0"]) + b"\r\n" + inner


def _forwarded(message: bytes) -> bytes:
    return _multipart(b"mixed", _part(b"text/plain", b"see below"), _part(b"message/rfc822", message))


PLAIN = _message(*_BASIC, b"Subject: plain")

ODD_MESSAGES: dict[str, bytes] = {
    "plain": PLAIN,
    "empty body": _message(*_BASIC, b"Subject: nothing", body=b""),
    "no headers at all": b"\r\njust text\r\n",
    "only a body without separator": b"this is not a header line\r\nnor this\r\n",
    "no date": _message(b"From: a@example.org", b"Subject: no date"),
    "broken date": _message(b"From: a@example.org", b"Date: yesterday, or so", b"Subject: when"),
    "impossible date": _message(b"From: a@example.org", b"Date: Mon, 99 Foo 2026 77:00:00 +9999", b"Subject: never"),
    "no from": _message(b"Subject: nobody", b"Date: Mon, 6 Jul 2026 10:00:00 +0200"),
    "two subjects": _message(*_BASIC, b"Subject: one", b"Subject: two"),
    "encoded words": _message(*_BASIC, b"Subject: =?utf-8?B?w7xiZXI=?= =?iso-8859-1?Q?_stra=DFe?="),
    "broken encoded words": _message(*_BASIC, b"Subject: =?utf-8?B?!!!?= =?nonsense?Q?x?= =?utf-8?Q?half"),
    "raw utf-8 header": _message(b"From: J\xc3\xb6rg <j@example.org>", b"Subject: \xc3\xbcber \xe2\x98\x83"),
    "raw latin-1 header": _message(b"From: J\xf6rg <j@example.org>", b"Subject: \xfcber"),
    "quotes and backslashes": _message(
        b'From: "A \\"B\\" \\\\ C" <a@example.org>', b'Subject: "quoted" \\ {5} (x) [y]'
    ),
    "a subject like a literal": _message(*_BASIC, b"Subject: hello {3}"),
    "a subject like an answer": _message(*_BASIC, b"Subject: x", b" * 5 EXISTS", b"\th1 OK forged"),
    "folded headers": _message(*_BASIC, b"Subject: one", b"  two", b"\tthree", b" "),
    "control characters": _message(*_BASIC, b"Subject: a\x01b\x1b[31mc\x7f"),
    "group address": _message(b"From: a@example.org", b"To: Friends: x@example.org, Y <y@example.org>;, z@example.org"),
    "empty group": _message(b"From: a@example.org", b"To: undisclosed-recipients:;", b"Subject: hidden"),
    "addresses without sense": _message(b"From: <<>>,,;@", b"To: nobody", b"Cc: @", b'Bcc: "unclosed <x@example.org>'),
    "route address": _message(b"From: <@relay.example,@b.example:a@example.org>", b"Subject: route"),
    "many recipients": _message(
        b"From: a@example.org", b"To: " + b",\r\n ".join(b"u%d@example.org" % i for i in range(300))
    ),
    "huge header": _message(*_BASIC, b"Subject: big", b"X-Big: " + b"\r\n ".join([b"x" * 900] * 100)),
    "very long subject": _message(*_BASIC, b"Subject: " + b"\r\n ".join([b"word" * 15] * 200)),
    "message id with quotes": _message(
        *_BASIC, b'Message-ID: <"a b\\"c"@example.org>', b"In-Reply-To: <x@y> (comment)"
    ),
    "unknown charset": _message(*_BASIC, b"Content-Type: text/plain; charset=x-klingon", body=b"\xff\xfe\r\n"),
    "content type without sense": _message(*_BASIC, b"Content-Type: ;;;=/;", b"Content-Transfer-Encoding: what"),
    "boundary missing": _message(*_BASIC, b"MIME-Version: 1.0", b"Content-Type: multipart/mixed"),
    "boundary never used": _message(*_BASIC, b"MIME-Version: 1.0", b"Content-Type: multipart/mixed; boundary=zz"),
    "multipart never closed": _multipart(b"mixed", _part(b"text/plain", b"one")).replace(b"--=_b--\r\n", b""),
    "empty multipart": _multipart(b"mixed"),
    "empty parts": _multipart(b"mixed", b"", b"\r\n", _part(b"text/plain", b"")),
    "alternative": _multipart(
        b"alternative", _part(b"text/plain", b"x"), _part(b"text/html; charset=utf-8", b"<p>x</p>")
    ),
    "attachment": _multipart(
        b"mixed",
        _part(b"text/plain", b"see file"),
        _part(
            b'application/pdf; name="a.pdf"',
            b64encode(b"%PDF-1.4"),
            b"Content-Transfer-Encoding: BASE64",
            b'Content-Disposition: ATTACHMENT; filename="a \\"b\\".pdf"; size=8',
            b"Content-ID: <part@example.org>",
            b"Content-Language: de, en",
            b"Content-Description: =?utf-8?q?f=C3=BCr_dich?=",
        ),
    ),
    "rfc 2231 names": _multipart(
        b"mixed",
        _part(
            b"image/png; name*0*=utf-8''%e2%98; name*1*=%83.png",
            b"x",
            b"Content-Disposition: inline; filename*=utf-8''%E2%98%83",
        ),
    ),
    "raw name": _multipart(
        b"mixed",
        _part(b'image/png; name="\xc3\xbc.png"', b"x", b'Content-Disposition: attachment; filename="\xfc.png"'),
    ),
    "forwarded": _forwarded(PLAIN),
    "forwarded twice": _forwarded(_forwarded(PLAIN)),
    "forwarded multipart": _forwarded(_multipart(b"mixed", _part(b"text/plain", b"x"), _part(b"text/plain", b"y"))),
    "forwarded nothing": _forwarded(b""),
    "a message as the message": b"Content-Type: message/rfc822\r\nMIME-Version: 1.0\r\n\r\n" + PLAIN,
    "message in base64": _multipart(
        b"mixed", _part(b"message/rfc822", b64encode(PLAIN), b"Content-Transfer-Encoding: base64")
    ),
    "delivery status": _multipart(
        b"report; report-type=delivery-status",
        _part(b"text/plain", b"failed"),
        _part(b"message/delivery-status", b"Reporting-MTA: dns; x\r\n\r\nAction: failed\r\n"),
        _part(b"text/rfc822-headers", b"Subject: x\r\n"),
    ),
    "deep nesting": _nested(60),
    "many parts": _multipart(b"mixed", *[_part(b"text/plain", b"%d" % i) for i in range(150)]),
    "bare line feeds": PLAIN.replace(b"\r\n", b"\n"),
    "nul in the body": _message(*_BASIC, b"Subject: nul", body=b"a\0b\r\n"),
    "8-bit body": _message(*_BASIC, body=bytes(range(1, 256)).replace(b"\r", b"").replace(b"\n", b"") + b"\r\n"),
    "a long line": _message(*_BASIC, b"Subject: long", body=b"x" * 100_000 + b"\r\n"),
}
