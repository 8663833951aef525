"""Mailing lists, robots, bounces, reports and signatures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from hsp.demo.letters.letter import ALICE, Sketch, thread

_LIST = "tide-list <tide-list@lists.example>"
_LIST_HEADERS = (
    "List-Id: Everything that rises and falls <tide-list.lists.example>",
    "List-Post: <mailto:tide-list@lists.example>",
    "List-Unsubscribe: <mailto:tide-list-leave@lists.example>",
    "List-Archive: <https://lists.example/archives/tide-list>",
    "Precedence: list",
)


def letters() -> list[Sketch]:
    """Mailing lists, robots, reports and signed mail."""
    return [*_list_thread(), *_robots(), *_reports(), _signed()]


def _list_thread() -> list[Sketch]:
    posts = thread(
        "[tide-list] Does anybody own a left-handed sextant?",
        (8.0, "Barnaby Sole <barnaby@sole.example>", "I was given one and nothing is where it should be.\n\nBarnaby"),
        (7.9, "Wilma Keel <wilma@keel.example>", "Hold it in the other hand."),
        (7.8, "Barnaby Sole <barnaby@sole.example>", "I have only the one other hand and it is holding the boat."),
        (
            7.6,
            "Prof. U. Lag <lag@chronometry.example>",
            """There is no such thing as a left-handed sextant. There are, however,
left-handed horizons, as I show in my paper (in print since 1994).""",
        ),
        (7.5, "Wilma Keel <wilma@keel.example>", "We know about the paper, Ulrich."),
        (0.55, "Barnaby Sole <barnaby@sole.example>", "It was upside down. Thank you all, especially the boat."),
        flags=("S", "S", "S", "S", "S", ""),
    )
    return [_to_list(post) for post in posts]


def _to_list(post: Sketch) -> Sketch:
    return Sketch(
        post.age,
        post.sender,
        post.subject,
        post.text,
        to=_LIST,
        flags=post.flags,
        headers=_LIST_HEADERS,
        references=post.references,
    )


def _robots() -> list[Sketch]:
    robot = ("Auto-Submitted: auto-generated", "X-Auto-Response-Suppress: All")
    return [
        Sketch(
            0.2,
            "Build Robot <builds@forge.example>",
            "[moon-gear] Build 418 failed: I am a teapot",
            "Step 7 of 9: brewing\n\n  expected: moon\n  received: teapot\n\nhttps://forge.example/moon-gear/418\n",
            headers=robot,
            flags="",
        ),
        Sketch(
            0.22,
            "Build Robot <builds@forge.example>",
            "[moon-gear] Build 417 passed",
            "All 912 teeth engaged.\n",
            headers=robot,
        ),
        Sketch(
            3.7,
            "Forge <noreply@forge.example>",
            "[moon-gear] Kraken footnote is undocumented (#77)",
            "tomasz opened an issue:\n\nThe footnote on page 77 refers to itself.\n\n-- \nAnswer to"
            " this mail or look at it"
            " on the forge.\n",
            headers=(*robot, "List-ID: tidewater/moon-gear <moon-gear.forge.example>"),
        ),
        Sketch(
            5.7,
            "Parcel Tracking <track@snail-parcel.example>",
            "Your parcel is in Cutter Point",
            "Status: resting.\nExpected: when it has rested.\n\nNumber: SN-0042-7\n",
            headers=robot,
        ),
        Sketch(
            6.8,
            "Sign-in Watch <security@forge.example>",
            "New sign-in from a lighthouse",
            "Somebody signed in from a lighthouse at 04:12. If this was you, good morning.\n\nCode: 550 101\n",
            headers=robot,
        ),
        Sketch(
            16.0,
            "Tomasz Wren <tomasz@tidewater.example>",
            "Automatic reply: Denmark",
            "I am away until Monday, in Denmark, the real one.\n",
            headers=("Auto-Submitted: auto-replied", "Precedence: bulk"),
        ),
        Sketch(
            33.6,
            "Statement Service <noreply@estuary-bank.example>",
            "Your statement is ready",
            "Your statement is ready. We shall never ask for your password, and we hope that you never tell us.\n",
            headers=robot,
        ),
    ]


def _reports() -> list[Sketch]:
    return [
        Sketch(
            2.95,
            "Mail Delivery System <mailer-daemon@mx.nowhere.example>",
            "Undelivered Mail Returned to Sender",
            content=_bounce,
            headers=("Auto-Submitted: auto-replied",),
            flags="F",
        ),
        Sketch(14.0, "Odile Brandt <odile@millbrook-optics.example>", "Read: Six lenses", content=_receipt),
    ]


def _bounce(when: datetime) -> bytes:
    """A delivery status notification (RFC 3464)."""
    date = format_datetime(when)
    return _lines(f"""MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="dsn"

--dsn
Content-Type: text/plain; charset=us-ascii
Content-Description: Notification

I am sorry to have to tell you that your message did not arrive.

<krakn@deep-sea.example>: host mx.deep-sea.example said: 550 5.1.1 No such
    kraken here. Did you mean kraken?

--dsn
Content-Type: message/delivery-status
Content-Description: Delivery report

Reporting-MTA: dns; mx.nowhere.example
Arrival-Date: {date}

Final-Recipient: rfc822; krakn@deep-sea.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.deep-sea.example
Diagnostic-Code: smtp; 550 5.1.1 No such kraken here

--dsn
Content-Type: message/rfc822
Content-Description: Undelivered message

From: {ALICE}
To: krakn@deep-sea.example
Subject: About your footnote
Date: {date}
Message-ID: <footnote@demo.test>

Dear kraken, is page 77 correct?

--dsn--
""")


def _receipt(when: datetime) -> bytes:
    """A disposition notification (RFC 8098)."""
    return _lines("""MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="mdn"

--mdn
Content-Type: text/plain

Your message was displayed. Through a lens, naturally.
--mdn
Content-Type: message/disposition-notification

Reporting-UA: optics.example; Reader 2
Final-Recipient: rfc822; odile@millbrook-optics.example
Original-Message-ID: <six-lenses@demo.test>
Disposition: manual-action/MDN-sent-manually; displayed
--mdn--
""")


def _signed() -> Sketch:
    signed: Callable[[datetime], bytes] = lambda _: _lines("""MIME-Version: 1.0
Content-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"; boundary="sig"

--sig
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

This letter is signed, so that you know it was I who wrote =E2=80=9Chello=E2=80=9D.

--sig
Content-Type: application/pgp-signature; name="signature.asc"
Content-Description: OpenPGP digital signature

-----BEGIN PGP SIGNATURE-----

iHUEABYKAB0WIQTub3QgYSByZWFsIHNpZ25hdHVyZQ==
=TIDE
-----END PGP SIGNATURE-----
--sig--
""")  # noqa: E731  # a name for one letter's content, typed
    return Sketch(9.7, "Cipher Cy <cy@key-party.example>", "Hello, signed", content=signed)


def _lines(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()
