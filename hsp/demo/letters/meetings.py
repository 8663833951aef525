"""Invitations, answers and cancellations (RFC 5546, RFC 6047)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hsp.demo.letters.letter import BOB, Sketch

_ZONE = """BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:DAYLIGHT
DTSTART:19810329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
END:VTIMEZONE
"""


def event(method: str, when: datetime, start: timedelta, uid: str, title: str, *lines: str) -> str:
    """An iCalendar object of one event; `start` counts from `when`, the day the letter was sent, at full hours."""
    begins = (when + start).replace(minute=0, second=0, microsecond=0)
    shown = begins.strftime("%Y%m%dT%H%M%S")
    ends = (begins + timedelta(hours=1)).strftime("%Y%m%dT%H%M%S")
    body = "\n".join(lines)
    text = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Tidewater Instruments//Appointments//EN
METHOD:{method}
{_ZONE}BEGIN:VEVENT
UID:{uid}@tidewater.example
DTSTAMP:{when.strftime("%Y%m%dT%H%M%SZ")}
DTSTART;TZID=Europe/London:{shown}
DTEND;TZID=Europe/London:{ends}
SUMMARY:{title}
{body}
END:VEVENT
END:VCALENDAR
"""
    return text.replace("\n", "\r\n")


def _invitation(
    age: float,
    sender: str,
    subject: str,
    text: str,
    method: str,
    start: timedelta,
    uid: str,
    lines: Sequence[str],
    flags: str = "",
) -> Sketch:
    def content(when: datetime) -> bytes:
        calendar = event(method, when, start, uid, subject.partition(": ")[2] or subject, *lines)
        return _mixed(text, calendar, method)

    return Sketch(age, sender, subject, content=content, flags=flags)


def _mixed(text: str, calendar: str, method: str) -> bytes:
    """What calendar programs send: the text, the invitation as its alternative, and again as a file."""
    body = text.replace("\n", "\r\n")
    return f"""MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="outer-tide"\r
\r
--outer-tide\r
Content-Type: multipart/alternative; boundary="inner-tide"\r
\r
--inner-tide\r
Content-Type: text/plain; charset=utf-8\r
\r
{body}\r
--inner-tide\r
Content-Type: text/calendar; charset=utf-8; method={method}\r
Content-Transfer-Encoding: 8bit\r
\r
{calendar}\r
--inner-tide--\r
\r
--outer-tide\r
Content-Type: application/ics; name="invite.ics"\r
Content-Disposition: attachment; filename="invite.ics"\r
Content-Transfer-Encoding: 8bit\r
\r
{calendar}\r
--outer-tide--\r
""".encode()


_GUESTS = (
    "ORGANIZER;CN=Bob Fennimore:mailto:bob@demo.test",
    "ATTENDEE;CN=Alice Marlowe;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:alice@demo.test",
)
_INES = (
    "ORGANIZER;CN=Ines Calder:mailto:ines@tidewater.example",
    "ATTENDEE;CN=Alice Marlowe;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:alice@demo.test",
    "ATTENDEE;CN=Tomasz Wren;PARTSTAT=ACCEPTED:mailto:tomasz@tidewater.example",
)
INES = "Ines Calder <ines@tidewater.example>"


def letters() -> list[Sketch]:
    """Invitations and what became of them."""
    return [
        _invitation(
            0.35,
            BOB,
            "Invitation: Kraken footnote, final decision",
            "Twenty minutes about page 77. I bring the footnote, you bring judgement.\n",
            "REQUEST",
            timedelta(days=2, hours=1),
            "kraken-77",
            (*_GUESTS, "LOCATION:Workshop\\, second bench", "SEQUENCE:0", "STATUS:CONFIRMED"),
            "F",
        ),
        _invitation(
            2.1,
            INES,
            "Invitation: Stocktaking, every Monday",
            "Every Monday until we know what we own.\n",
            "REQUEST",
            timedelta(days=5),
            "stock-weekly",
            (*_INES, "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=8", "LOCATION:Stores", "SEQUENCE:0"),
        ),
        _invitation(
            1.3,
            INES,
            "Updated: Stocktaking, every Monday",
            "An hour later, because of the pigeons.\n",
            "REQUEST",
            timedelta(days=5, hours=1),
            "stock-weekly",
            (*_INES, "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=8", "LOCATION:Stores", "SEQUENCE:1"),
        ),
        _invitation(
            8.8,
            "Harbour Office <office@port-ellery.example>",
            "Cancelled: Regatta planning, third attempt",
            "Cancelled: the fog has not read the minutes.\n",
            "CANCEL",
            timedelta(days=1),
            "regatta-3",
            (
                "ORGANIZER:mailto:office@port-ellery.example",
                "ATTENDEE:mailto:alice@demo.test",
                "SEQUENCE:2",
                "STATUS:CANCELLED",
            ),
            "S",
        ),
        _invitation(
            4.2,
            "Odile Brandt <odile@millbrook-optics.example>",
            "Accepted: Visit to the grinding room",
            "I shall be there, with cotton wool.\n",
            "REPLY",
            timedelta(days=6),
            "grinding-visit",
            (
                "ORGANIZER:mailto:alice@demo.test",
                "ATTENDEE;CN=Odile Brandt;PARTSTAT=ACCEPTED:mailto:odile@millbrook-optics.example",
            ),
            "S",
        ),
        _invitation(
            0.6,
            "Planning Department <model@planning.port-ellery.example>",
            "Invitation: The harbour model is shown to the public",
            "The public has been informed. Please bring the optimist.\nJoin from afar:"
            " https://meet.planning.port-ellery.example/j/550101\n",
            "REQUEST",
            timedelta(days=9),
            "harbour-model",
            (
                "ORGANIZER:mailto:model@planning.port-ellery.example",
                "ATTENDEE;RSVP=TRUE:mailto:alice@demo.test",
                "LOCATION:Town Hall\\, room with the crooked door",
                "URL:https://meet.planning.port-ellery.example/j/550101",
                "BEGIN:VALARM",
                "ACTION:DISPLAY",
                "DESCRIPTION:Model",
                "TRIGGER:-PT30M",
                "END:VALARM",
            ),
        ),
        _all_day(),
    ]


def _all_day() -> Sketch:
    def raw(when: datetime) -> bytes:
        day = (when + timedelta(days=20)).strftime("%Y%m%d")
        calendar = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Marlowe//Kitchen//EN\r\nMETHOD:PUBLISH\r\nBEGIN:VEVENT\r\n"
            f"UID:mum-70@marlowe.example\r\nDTSTAMP:{when:%Y%m%dT%H%M%SZ}\r\nDTSTART;VALUE=DATE:{day}\r\n"
            "SUMMARY:Mum is seventy\r\nDESCRIPTION:Cake with a moving hand\\, one tuba (muted)\r\nEND:VEVENT\r\n"
            "END:VCALENDAR\r\n"
        )
        return (
            b"MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8; method=PUBLISH\r\n\r\n"
            + calendar.encode()
        )

    invitation: Callable[[datetime], bytes] = raw
    return Sketch(
        3.6, "Maya Marlowe <maya@marlowe.example>", "Mum is seventy (whole day)", content=invitation, flags="SF"
    )
