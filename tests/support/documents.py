"""The repository's Markdown pages, taken apart for the tests that hold them to the truth."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Document:
    """One Markdown page."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def fenced(self, kind: str) -> list[str]:
        """The fenced examples of one kind; "" gives those without a kind."""
        return [match["text"] for match in _FENCE.finditer(self.text) if match["kind"] == kind]

    @property
    def prose(self) -> str:
        """The page without its fenced examples."""
        return _FENCE.sub("", self.text)

    @property
    def inline(self) -> list[str]:
        """What stands between backticks in the prose."""
        return _INLINE.findall(self.prose)

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """The anchors of its headings, as code hosts make them."""
        kept = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(self.prose))
        return {heading.replace(" ", "-") for heading in kept}

    @property
    def commands(self) -> list[str]:
        """Shell commands of its examples and its prose, without comments and continuation."""
        lines = [line for kind in ("sh", "") for text in self.fenced(kind) for line in text.splitlines()]
        shown = [line.partition("  #")[0].partition("    ")[0].strip() for line in lines]
        return [line for line in (*shown, *self.inline) if line]


def documents() -> list[Document]:
    """Every page that belongs to the repository."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")]
    return [Document(path) for path in sorted(found)]
