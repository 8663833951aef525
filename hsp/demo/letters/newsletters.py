"""HTML newsletters: remote pictures, tracking pixels, tables in tables.

All hosts are reserved names and answer nobody.
"""

from __future__ import annotations

from hsp.demo.letters.files import dial, seascape
from hsp.demo.letters.letter import File, Sketch

_PIXEL = '<img src="https://pixel.{host}/open.gif?reader=alice&amp;issue={issue}" width="1" height="1" alt="">'


def _page(host: str, issue: str, colour: str, title: str, *blocks: str) -> str:
    """The usual newsletter: a grey page, a table of 600 points, a banner from afar and a pixel at the end."""
    rows = "".join(
        f'<tr><td style="padding:16px 24px;font:16px/1.5 Georgia,serif">{block}</td></tr>' for block in blocks
    )
    return f"""<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>{title}</title>
<style>a {{ color: {colour} }} @media (max-width: 600px) {{ table {{ width: 100% !important }} }}
@import url("https://fonts.{host}/serif.css"); .hero {{ background: url(https://img.{host}/hero.jpg) }}</style></head>
<body style="margin:0;background:#eeeeee" bgcolor="#eeeeee">
<table width="100%" cellpadding="0" cellspacing="0"><tr><td align="center">
<table width="600" cellpadding="0" cellspacing="0" style="background:#ffffff">
<tr><td class="hero" style="background:{colour};color:#ffffff;padding:28px;font:bold 28px Georgia">{title}</td></tr>
<tr><td><img src="https://img.{host}/banner-{issue}.png" width="600" height="160" alt="Banner of this issue"></td></tr>
{rows}
<tr><td style="padding:16px 24px;font:12px Arial;color:#777777">You receive this because you once said yes.
<a href="https://www.{host}/unsubscribe?reader=alice">Unsubscribe</a></td></tr>
</table></td></tr></table>{_PIXEL.format(host=host, issue=issue)}</body></html>
"""


def _news(age: float, name: str, host: str, colour: str, subject: str, *blocks: str, flags: str = "S") -> Sketch:
    issue = f"{int(age * 10):04d}"
    plain = "This letter is nicer with pictures, but here are the words:\n\n" + "\n\n".join(blocks)
    for mark in ("<b>", "</b>", "<h2>", "</h2>", "<ul>", "</ul>", "</li>", "<br>", "<i>", "</i>"):
        plain = plain.replace(mark, "")
    return Sketch(
        age,
        f"{name} <news@{host}>",
        subject,
        plain.replace("<li>", " * "),
        html=_page(host, issue, colour, name, *blocks),
        flags=flags,
        headers=(
            f"List-Unsubscribe: <https://www.{host}/unsubscribe?reader=alice>, <mailto:leave@{host}>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            f"List-ID: {name} <news.{host}>",
            "Precedence: bulk",
        ),
    )


def letters() -> list[Sketch]:
    """HTML newsletters, with pictures that lie elsewhere."""
    return [
        _news(
            0.25,
            "The Brass Gazette",
            "brass-gazette.example",
            "#8a5a00",
            "Seven alloys you have been pronouncing wrong",
            "<h2>Seven alloys</h2>It is <b>tombac</b>, not tomback. The other six are worse.",
            "<h2>Reader's letter</h2>Mr. P. of Hull has polished the same door handle since 1974. He"
            " sends a reflection.",
            flags="",
        ),
        _news(
            7.2,
            "The Brass Gazette",
            "brass-gazette.example",
            "#8a5a00",
            "Verdigris: friend or colour?",
            "<h2>Verdigris</h2>Our chemist and our painter have been locked in the same room. We"
            " print what they shouted.",
            "<ul><li>Vinegar: no.</li><li>More vinegar: also no.</li><li>Time: yes, plenty.</li></ul>",
        ),
        _news(
            14.3,
            "The Brass Gazette",
            "brass-gazette.example",
            "#8a5a00",
            "The great screw debate, part nine",
            "<h2>Slotted or crossed?</h2>Part nine of nine. Part ten follows next week.",
            "A correction to part eight: the screw in the picture was a nail.",
        ),
        _news(
            1.1,
            "Tide & Time",
            "tide-and-time.example",
            "#123c69",
            "Spring tides, autumn sales",
            "<h2>30 % off the moon</h2>Our moon discs leave the shelf for less. Phases included.",
            "<b>Only until the next high water.</b><br>That is 06:42 in Port Ellery, 18:55 for late risers.",
        ),
        _news(
            11.4,
            "Tide & Time",
            "tide-and-time.example",
            "#123c69",
            "We have read your basket",
            "You left <b>one (1) barometer</b> in your basket. It fell a little when you went away.",
            "Come back and it may rise.",
        ),
        _news(
            2.3,
            "Harbour Weather Weekly",
            "harbour-weather.example",
            "#2b6777",
            "Wind, and then more of it",
            "<h2>The week</h2><ul><li>Monday: wind</li><li>Tuesday: the same wind</li><li>Wednesday:"
            " its brother</li></ul>",
            "<h2>Word of the week</h2><b>Williwaw</b>: a gust that has been saving itself.",
            flags="",
        ),
        _news(
            9.3,
            "Harbour Weather Weekly",
            "harbour-weather.example",
            "#2b6777",
            "Fog, presumably",
            "<h2>The week</h2>We could not see it, but by ear it was fog.",
            "Our thanks to the foghorn, who wrote most of this issue.",
        ),
        _news(
            4.7,
            "Museum of Small Mechanisms",
            "small-mechanisms.example",
            "#5b2a86",
            "New in the cabinet: a very tiny gear",
            "<h2>A gear</h2>It is the smallest we own. Visitors are asked not to breathe <i>in</i>.",
            "<h2>Opening hours</h2>When the door is open, and on Sundays.",
        ),
        _news(
            22.1,
            "Airline Miles & More Miles",
            "miles.example",
            "#b00020",
            "Alice, your 212 miles expire",
            "<h2>You have 212 miles</h2>That takes you to Leeds, or halfway round a lighthouse many times.",
            "Redeem them for a <b>mug</b> (14,000 miles).",
        ),
        _news(
            31.5,
            "Garden Letter",
            "garden-letter.example",
            "#3a7d44",
            "Beans: a confession",
            "<h2>Beans</h2>In March we told you to sow in rows. We have since met a bean.",
            "Sow where you like. They go where they like.",
        ),
        _inline(),
        _tracker_zoo(),
        _plain_html(),
        _dark(),
    ]


def _inline() -> Sketch:
    return Sketch(
        1.6,
        "Hotel Belvedere <stay@belvedere.example>",
        "Your room has a view, see below",
        "Dear guest,\n\nthis is the view from your room at nine in the morning and at six in the evening.\n",
        html="<p>Dear guest,</p><p>this is the view from your room at <b>nine in the morning</b></p>"
        '<p><img src="cid:morning@belvedere.example" alt="Sea in the morning" width="240"></p><p>and at six</p>'
        '<p><img src="cid:evening@belvedere.example" alt="Sea in the evening" width="240"></p>'
        "<p>The lighthouse is included in the price.</p>",
        files=(
            File("morning.png", "image/png", seascape(hour=9), "morning@belvedere.example"),
            File("evening.png", "image/png", seascape(hour=18), "evening@belvedere.example"),
        ),
        flags="F",
    )


def _tracker_zoo() -> Sketch:
    """Every way in which a letter asks the network for something when it is opened."""
    host = "zoo.example"
    return Sketch(
        6.4,
        f"The Attentive Shop <hello@{host}>",
        "We noticed that you noticed",
        "This letter only wanted to know whether you would open it.\n",
        html=f"""<html><head><link rel="stylesheet" href="https://css.{host}/a.css">
<link rel="dns-prefetch" href="//dns.{host}"><link rel="preload" as="image" href="https://pre.{host}/b.png">
<style>body {{ background-image: url('https://bg.{host}/c.png') }} @font-face {{ font-family: Spy;
src: url(https://font.{host}/d.woff) }} li {{ list-style-image: url(https://list.{host}/e.png) }}</style></head>
<body background="https://old.{host}/f.gif"><p style="font-family:Spy;border-image:url(https://border.{host}/g.png)">
Good day, Alice. It is 09:14 where you are, and you are <i>probably</i> wearing a scarf.</p>
<img src="https://img.{host}/h.gif" srcset="https://set.{host}/i.gif 2x" alt="A picture"><ul><li>One thing</li></ul>
<picture><source srcset="https://source.{host}/j.webp"><img src="//proto.{host}/k.png" alt=""></picture>
<video poster="https://poster.{host}/l.jpg" src="https://video.{host}/m.mp4" autoplay></video>
<audio src="https://audio.{host}/n.mp3" autoplay></audio><table background="http://table.{host}/o.gif"><tr>
<td background="http://cell.{host}/p.gif">A table</td></tr></table><object data="https://object.{host}/q.swf"></object>
<svg width="10" height="10"><image href="https://svg.{host}/r.png" width="10" height="10"/></svg>
<input type="image" src="https://input.{host}/s.png" alt="Go">{_PIXEL.format(host=host, issue="zoo")}</body></html>""",
        headers=(f"Disposition-Notification-To: <read@{host}>", f"Return-Receipt-To: read@{host}"),
    )


def _plain_html() -> Sketch:
    body = b"<p>This letter has <em>no</em> plain part. Our system was told that plain is for sails."
    body += b"</p><p>The Ropery</p>\r\n"
    return Sketch(
        18.9,
        "The Ropery <sales@ropery.example>",
        "Rope by the metre, mile or mood",
        content=lambda _: b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n" + body,
    )


def _dark() -> Sketch:
    return Sketch(
        3.2,
        "Night Sky Society <stars@night-sky.example>",
        "Tonight: everything above you",
        "Tonight: the usual stars, and one that is new. Look up at eleven.\n",
        html='<body style="background:#0b1026;color:#dfe6ff;font-family:Verdana"><h1 style="color:#ffd678">Tonight</h1>'
        "<p>The usual stars, and <b>one that is new</b>. Look up at eleven.</p>"
        '<p><img src="cid:dial@night-sky.example" alt="Dial showing eleven" width="120"></p>'
        '<p><img src="https://img.night-sky.example/chart.png" alt="Chart of the sky"></p></body>',
        files=(File("dial.png", "image/png", dial(120, 11 / 12), "dial@night-sky.example"),),
        flags="",
    )
