"""HTML files that a program wrote, as displays."""

from __future__ import annotations

import contextlib
import html
import re
from html.parser import HTMLParser

from ..wire import format_size
from .base import Display
from .decoding import decode_file

__all__ = ["show_page"]

MOST_LINES, WIDEST = 20, 100
_SEARCHED = 50_000  # characters; the parser takes long for some that are not HTML
_DECLARED = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?((?:windows-|cp|iso-?8859-|koi8-|gb|euc-)[\w-]{1,12})", re.I
)
_TALL, _LINE, _FRAME = 400, 22, 40  # pixels: of a page with more than text, of a line of text, of margins
_SILENT = ("script", "style", "template", "noscript")
_BREAKS = frozenset(
    ["address", "article", "br", "dd", "div", "dt", "hr", "li", "p", "pre", "section", "table", "tr"]
    + [f"h{level}" for level in range(1, 7)]
)
_DRAWS = re.compile(r"<(?:script|img|svg|canvas|iframe|video|object)\b", re.I)


def show_page(path: str, content: bytes, encoding: str) -> Display | None:
    """The page in a frame of its own, and its text without tags; None for what is no page.

    The frame is sandboxed: what a page of another machine has of scripts and styles reaches nothing of the notebook's.
    """
    declared = _DECLARED.search(content[:2048])
    text = decode_file(content, _known(declared[1].decode()) if declared else encoding)
    if text is None or "<" not in text:
        return None
    name = f"page {path}, {format_size(len(content))}"
    title, lines = _words(text)
    height = _TALL if _DRAWS.search(text) else min(_TALL, _FRAME + _LINE * max(2, len(lines)))
    style = f"width: 100%; height: {height}px; border: 1px solid #ccc; background: white; resize: vertical"
    source = text.replace("&", "&amp;").replace('"', "&quot;")
    frame = f'<iframe sandbox="allow-scripts allow-popups" style="{style}" srcdoc="{source}"></iframe>'
    caption = html.escape(f"{path}, {format_size(len(content))}{': ' * bool(title)}{title}")
    plain = "\n".join([f"<{name}>", *([title] if title else []), *_shortened(lines)])
    return Display({"text/plain": plain, "text/html": f"<div>{caption}</div>{frame}"})


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        return "cp1252"
    return encoding


def _words(text: str) -> tuple[str, list[str]]:
    """The title, and the lines of what a reader would see, as far as the beginning has them."""
    reader = _Reader()
    for tag in ("script", "style"):
        text = _without(text, tag)
    with contextlib.suppress(AssertionError):  # how it refuses a malformed declaration; what came before is kept
        reader.feed(text[:_SEARCHED])
    lines = (" ".join(line.split()) for line in "".join(reader.words).split("\n"))
    return " ".join("".join(reader.title).split())[:WIDEST], [line for line in lines if line]


def _without(text: str, tag: str) -> str:
    """The text without elements that may be far longer than what there is to read."""
    lower, kept, position = text.lower(), [], 0
    if len(lower) != len(text):
        return text  # a letter whose lower case is two; rare enough
    while (begin := lower.find(f"<{tag}", position)) >= 0:
        kept.append(text[position:begin])
        end = lower.find(f"</{tag}", begin)
        position = len(text) if end < 0 else end + len(tag) + 2
        kept.append("<br") if end >= 0 else None  # what remains of the end tag closes it
    return "".join([*kept, text[position:]])


class _Reader(HTMLParser):
    """Collects the words of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.words: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("title", *_SILENT):
            self._inside = tag
        elif tag in _BREAKS:
            self.words.append("\n")
        elif tag in ("td", "th"):
            self.words.append("  ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""
        elif tag in _BREAKS:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.words.append(data.replace("\n", " "))
        elif self._inside == "title":
            self.title.append(data)


def _shortened(lines: list[str]) -> list[str]:
    clean = ["".join(c for c in line if c.isprintable()) for line in lines[:MOST_LINES]]
    cut = [line if len(line) <= WIDEST else f"{line[: WIDEST - 1]}…" for line in clean]
    return [*cut, "…"] if len(lines) > MOST_LINES else cut
