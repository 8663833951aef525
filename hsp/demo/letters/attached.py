"""Attachments of many kinds, each a genuine file of its kind."""

from __future__ import annotations

from datetime import datetime

from hsp.demo.letters.files import archive, dial, docx, foghorn, gif_pixel, jpeg, pdf, seascape, tnef, vcard
from hsp.demo.letters.letter import File, Sketch

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


def letters() -> list[Sketch]:
    """Mails with files of many kinds."""
    return [*_office(), *_pictures(), *_trouble(), *_messages()]


def _office() -> list[Sketch]:
    table = "place;high water;low water\r\nPort Ellery;06:42;12:55\r\nCutter Point;06:51;13:04\r\n"
    return [
        Sketch(
            2.4,
            "Claims Desk <claims@steady-insurance.example>",
            "Your claim about the gull",
            "Dear Ms Marlowe,\n\nwe have noted that the gull was uninsured. The form is attached"
            " twice, once for reading and once"
            " for filling in.\n",
            files=(
                File(
                    "claim-form.pdf", "application/pdf", pdf("Claim form", "Name of gull:", "Was it provoked? (yes/no)")
                ),
                File("claim-form.docx", _DOCX, docx("Claim form", "Name of gull:", "Was it provoked?")),
            ),
            flags="F",
        ),
        Sketch(
            5.3,
            "Tide Tables <tables@hydrographic.example>",
            "Tide tables for your region",
            "The tables as a list of values, and an archive of the whole year.\n",
            files=(
                File("tides.csv", "text/csv", table.encode()),
                File(
                    "year.zip",
                    "application/zip",
                    archive(january_csv=table, february_csv=table, notes__readme_txt="Wind!\n"),
                ),
            ),
        ),
        Sketch(
            8.1,
            "Pia Sandoval <pia@sandoval-architects.example>",
            "Contact, calendar, and a note",
            "My card, our appointment, and what I wrote down.\n",
            files=(
                File(
                    "pia-sandoval.vcf",
                    "text/vcard",
                    vcard("Pia Sandoval", "pia@sandoval-architects.example", "+44 1632 960011"),
                ),
                File(
                    "site-visit.ics",
                    "text/calendar",
                    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID"
                    b":-//Sandoval//EN\r\nBEGIN:VEVENT\r\nUID:site@sandoval.example\r\n"
                    b"DTSTAMP:20240102T080000Z\r\nDTSTART:20240105T090000Z\r\nSUMMARY:Site visit\r\nEND:VEVENT\r\n"
                    b"END:VCALENDAR\r\n",
                ),
                File("notes.txt", "text/plain", b"Stairs: 112.\r\nLandings: 7.\r\nKnees: 2, disputed.\r\n"),
                File("plan.json", "application/json", b'{"stairs": 112, "landings": 7, "handrail": null}\n'),
            ),
        ),
        Sketch(
            26.0,
            "Registrar <registrar@port-ellery.example>",
            "Certificate (seven pages, of which one)",
            "Page one is attached. The other six are blank and stay here.\n",
            files=(File("Urkunde Größe №7 “final” (2).pdf", "application/pdf", pdf("Certificate", "This certifies.")),),
        ),
    ]


def _pictures() -> list[Sketch]:
    return [
        Sketch(
            4.1,
            "Photo Club <club@long-exposure.example>",
            "Your five pictures, framed",
            "The judges liked the third. So did the cat.\n",
            files=(
                *(File(f"frame-{hour:02d}.png", "image/png", seascape(200, 120, hour)) for hour in (6, 10, 14, 18)),
                File("fog.jpg", "image/jpeg", jpeg(30, 20, lambda x, y: 120 + (x * 7 + y * 13) % 60)),
            ),
        ),
        Sketch(
            10.8,
            "Foghorn Fan <fan@foghorn.example>",
            "Listen to this",
            "Recorded from the second landing.\n",
            files=(File("foghorn.wav", "audio/x-wav", foghorn()),),
        ),
        Sketch(
            20.0,
            "Drawing Office <drawings@tidewater.example>",
            "Logo, for the door",
            "Scales to any door.\n",
            files=(
                File(
                    "logo.svg",
                    "image/svg+xml",
                    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><circle cx="20"'
                    b' cy="20" r="18" fill="none"'
                    b' stroke="#123c69" stroke-width="3"/><path d="M6 24q7-8 14 0t14 0" fill="none" stroke="#8a5a00"'
                    b' stroke-width="3"/><script>document.title = "a picture should not run this"</script></svg>\n',
                ),
                File("dot.gif", "image/gif", gif_pixel()),
            ),
        ),
        Sketch(
            7.0,
            "Odile Brandt <odile@millbrook-optics.example>",
            "How the optimist sees your dial",
            "Shown in the line of the text, not as a file to be fetched.\n",
            files=(File("dial.png", "image/png", dial(140, 0.4), inline=True),),
        ),
    ]


def _trouble() -> list[Sketch]:
    """Files a careful gateway hands over as data and never opens by itself."""
    script = b"<html><script>document.write('A downloaded page must not run here')</script><h1>Invoice</h1></html>\n"
    return [
        Sketch(
            6.0,
            "Accounts <accounts@definitely-real.example>",
            "Invoice attached, please open at once",
            "Open the attachment. Do not think about it.\n",
            files=(
                File("invoice.html", "text/html", script),
                File("invoice.pdf.exe", "application/octet-stream", b"MZ\x90\0This is not a program.\r\n"),
                File("../../etc/passwd", "text/plain", b"This name tries to leave its folder.\n"),
            ),
        ),
        Sketch(
            16.9,
            "Outlook Person <person@old-office.example>",
            "Minutes, in a file only I can read",
            "The minutes are attached, in a way.\n",
            files=(
                File(
                    "winmail.dat", "application/ms-tnef", tnef("Minutes", "minutes.txt", b"1. Tea.\r\n2. More tea.\r\n")
                ),
            ),
            headers=("X-MS-Has-Attach: yes",),
        ),
        Sketch(
            24.2,
            "Empty Box <box@empty.example>",
            "Three files with nothing in them",
            "Nothing, nothing, and nothing without a name.\n",
            files=(
                File("nothing.txt", "text/plain", b""),
                File("nothing.pdf", "application/pdf", b""),
                File("", "application/octet-stream", b""),
            ),
        ),
        Sketch(
            32.7,
            "Key Server <keys@key-party.example>",
            "My key, as we discussed under the table",
            "Fingerprint: 55 41 49 4F, the rest is in the file.\n",
            files=(
                File(
                    "key.asc",
                    "application/pgp-keys",
                    b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nbm90IHJlYWxseSBhIGtleQ==\n-----END PGP"
                    b" PUBLIC KEY BLOCK-----\n",
                ),
            ),
        ),
    ]


def _messages() -> list[Sketch]:
    return [
        Sketch(
            11.6,
            "Ines Calder <ines@tidewater.example>",
            "Fwd: The complaint, and my answer",
            content=_forwarded,
            flags="S>",
        ),
        Sketch(34.1, "Digest Robot <digest@tide-list.example>", "tide-list digest, 3 messages", content=_digest),
    ]


def _forwarded(when: datetime) -> bytes:
    day = f"{when:%a, %d %b %Y} 09:00:00 +0000"
    return f"""MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="fwd"\r
\r
--fwd\r
Content-Type: text/plain; charset=utf-8\r
\r
The whole thing, as it came. The picture in it is of the door.\r
--fwd\r
Content-Type: message/rfc822\r
Content-Disposition: attachment; filename="complaint.eml"\r
\r
From: Mr. Bellweather <bellweather@cutter-point.example>\r
To: office@tidewater.example\r
Subject: =?utf-8?q?A_complaint_=E2=80=93_about_punctuality?=\r
Date: {day}\r
Message-ID: <complaint@cutter-point.example>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="in"\r
\r
--in\r
Content-Type: text/plain\r
\r
Your clock is always right. It is becoming a burden on my marriage.\r
--in\r
Content-Type: text/csv; name="lateness.csv"\r
Content-Disposition: attachment; filename="lateness.csv"\r
\r
day,minutes\r
Mon,0\r
Tue,0\r
--in--\r
--fwd--\r
""".encode()


def _digest(when: datetime) -> bytes:
    day = f"{when:%a, %d %b %Y} 07:30:00 +0000"
    topics = (
        ("How deep is deep?", "Deeper."),
        ("Re: How deep is deep?", "No, deeper."),
        ("Welcome, new members", "Hello!"),
    )
    parts = "".join(
        f"--dig\r\n\r\nFrom: Member {number} <member{number}@tide-list.example>\r\nSubject:"
        f" {subject}\r\nDate: {day}\r\n\r\n"
        f"{text}\r\n"
        for number, (subject, text) in enumerate(topics, 1)
    )
    head = 'MIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary="dig"\r\n\r\n'
    return f"{head}{parts}--dig--\r\n".encode()
