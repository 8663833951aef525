"""Attachments made by code, small and genuine: a reader of the kind opens each of them."""

from __future__ import annotations

import io
import math
import struct
import wave
import zipfile
import zlib
from collections.abc import Callable

Colour = tuple[int, int, int]


def png(width: int, height: int, paint: Callable[[int, int], Colour]) -> bytes:
    """A true-colour PNG whose pixel at (x, y) is `paint(x, y)`."""
    rows = b"".join(b"\0" + bytes(value for x in range(width) for value in paint(x, y)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def seascape(width: int = 240, height: int = 120, hour: int = 18) -> bytes:
    """A PNG of sea and sky with a lighthouse; `hour` moves the sun."""
    sun = (width * (hour % 24) // 24, height // 3)
    tower = width * 3 // 4

    def paint(x: int, y: int) -> Colour:
        if abs(x - tower) < 5 and height // 4 < y < height * 3 // 4:
            return (200, 40, 40) if (y // 8) % 2 else (245, 245, 240)
        if (x - sun[0]) ** 2 + (y - sun[1]) ** 2 < (height // 8) ** 2:
            return (255, 214, 120)
        if y < height * 2 // 3:
            return (90 + y, 130 + y // 2, 200)
        wave_light = int(20 * math.sin(x / 7 + y / 3))
        return (20, 70 + wave_light, 120 + wave_light)

    return png(width, height, paint)


def dial(size: int = 120, hand: float = 0.2) -> bytes:
    """A PNG of a tide dial; `hand` is the part of a turn its hand has made."""
    middle, radius = size / 2, size / 2 - 4
    tip = (middle + radius * 0.8 * math.sin(math.tau * hand), middle - radius * 0.8 * math.cos(math.tau * hand))

    def paint(x: int, y: int) -> Colour:
        distance = math.hypot(x - middle, y - middle)
        along = ((x - middle) * (tip[0] - middle) + (y - middle) * (tip[1] - middle)) / (radius * 0.8)
        across = abs((x - middle) * (tip[1] - middle) - (y - middle) * (tip[0] - middle)) / (radius * 0.8)
        if distance > radius:
            return (255, 255, 255)
        if distance > radius - 4:
            return (120, 90, 40)
        return (20, 40, 90) if across < 2 and 0 < along < radius * 0.8 else (250, 246, 230)

    return png(size, size, paint)


_DC_COUNTS = bytes([0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0])
_DC_CODES = {0: "00", 1: "010", 2: "011", 3: "100", 4: "101", 5: "110", 6: "1110", 7: "11110", 8: "111110"}


def jpeg(columns: int, rows: int, shade: Callable[[int, int], int]) -> bytes:
    """A grey baseline JPEG of flat 8 x 8 blocks, each with its `shade` (0 to 255): a photograph seen from afar."""
    bits, last = "", 0
    for row in range(rows):
        for column in range(columns):
            level = (shade(column, row) - 128) // 2
            step, last = level - last, level
            size = abs(step).bit_length()
            value = step if step >= 0 else step + (1 << size) - 1
            bits += _DC_CODES[size] + (format(value, f"0{size}b") if size else "") + "0"
    bits += "1" * (-len(bits) % 8)
    scan = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8)).replace(b"\xff", b"\xff\0")

    def segment(marker: int, data: bytes) -> bytes:
        return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data

    return b"".join(
        (
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0"),
            segment(0xDB, b"\0" + bytes([16]) * 64),
            segment(0xC0, struct.pack(">BHHBBBB", 8, rows * 8, columns * 8, 1, 1, 0x11, 0)),
            segment(0xC4, b"\0" + _DC_COUNTS + bytes(range(12))),
            segment(0xC4, b"\x10" + bytes([1]) + bytes(15) + b"\0"),
            segment(0xDA, b"\1\1\0\0\x3f\0"),
            scan,
            b"\xff\xd9",
        )
    )


def gif_pixel() -> bytes:
    """The transparent 1 x 1 GIF every tracker sends."""
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def pdf(title: str, *lines: str) -> bytes:
    """A one-page PDF with a heading and lines of text."""
    escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in (title, *lines)]
    shown = "".join(f"({line}) Tj 0 -22 Td " for line in escaped[1:])
    stream = f"BT /F1 20 Tf 72 760 Td ({escaped[0]}) Tj /F1 12 Tf 0 -36 Td {shown}ET".encode("latin-1", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
    ]
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def archive(**members: str | bytes) -> bytes:
    """A zip, the same each time; `_` in a name stands for a dot, `__` for a slash."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members.items():
            path = name.replace("__", "/").replace("_", ".")
            packed.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 12, 0, 0)), data)
    return out.getvalue()


def docx(*paragraphs: str) -> bytes:
    """The smallest word-processor document that opens."""
    names = "http://schemas.openxmlformats.org"
    office = f"{names}/officeDocument/2006/relationships/officeDocument"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    body = "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for path, text in (
            (
                "[Content_Types].xml",
                f'{head}<Types xmlns="{names}/package/2006/content-types">'
                '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
                f'<Override PartName="/word/document.xml" ContentType="{kind}"/></Types>',
            ),
            (
                "_rels/.rels",
                f'{head}<Relationships xmlns="{names}/package/2006/relationships">'
                f'<Relationship Id="r1" Type="{office}" Target="word/document.xml"/></Relationships>',
            ),
            (
                "word/document.xml",
                f'{head}<w:document xmlns:w="{names}/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>',
            ),
        ):
            packed.writestr(zipfile.ZipInfo(path, (2020, 1, 1, 12, 0, 0)), text)
    return out.getvalue()


def foghorn(seconds: float = 0.5) -> bytes:
    """A WAV of a low note."""
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(1)
        sound.setframerate(4000)
        sound.writeframes(
            bytes(int(128 + 90 * math.sin(at * math.tau * 110 / 4000)) for at in range(int(seconds * 4000)))
        )
    return out.getvalue()


def tnef(subject: str, name: str, data: bytes) -> bytes:
    """A winmail.dat with a subject and one file (MS-OXTNEF section 2.1.3)."""

    def attribute(level: int, number: int, value: bytes) -> bytes:
        return struct.pack("<BII", level, number, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)

    return b"".join(
        (
            struct.pack("<IH", 0x223E9F78, 1),
            attribute(1, 0x00089006, struct.pack("<I", 0x00010000)),
            attribute(1, 0x00069007, struct.pack("<II", 1252, 0)),
            attribute(1, 0x00018004, subject.encode("cp1252") + b"\0"),
            attribute(2, 0x00069002, struct.pack("<HIHHII", 1, 0xFFFFFFFF, 0, 0, 0, 0)[:14]),
            attribute(2, 0x0006800F, data),
            attribute(2, 0x00018010, name.encode("cp1252") + b"\0"),
        )
    )


def vcard(name: str, address: str, phone: str) -> bytes:
    """A business card (vCard 3.0)."""
    family, given = name.split(" ", 1)[::-1]
    lines = ("BEGIN:VCARD", "VERSION:3.0", f"N:{family};{given};;;", f"FN:{name}", f"EMAIL:{address}", f"TEL:{phone}")
    return "\r\n".join((*lines, "END:VCARD", "")).encode()
