"""The tokens of Maple's and Giac's languages: as much of them as tells where a statement ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["GIAC", "MAPLE", "MAPLE_IN_GIAC", "MAPLE_KEYWORDS", "Dialect", "Token", "scan"]


@dataclass(frozen=True)
class Dialect:
    """How the texts of a language are divided.

    Attributes:
        name: of the language, for messages.
        line_comments: what begins a comment that ends with its line.
        block_comments: how comments begin and end that can hold several lines; those of Maple nest.
        openers: words that open a block, with what a block is called that they open.
        closers: words that close a block, with the blocks that each can close.
        back_quotes: whether a name can stand in back quotes.
        colon_ends: whether a colon ends a statement wherever it stands; else only before a semicolon or a line's end.
    """

    name: str
    line_comments: tuple[str, ...]
    block_comments: tuple[tuple[str, str], ...]
    openers: dict[str, str]
    closers: dict[str, frozenset[str]]
    back_quotes: bool
    colon_ends: bool


MAPLE_KEYWORDS = frozenset(
    """
    and assuming break by catch description do done elif else end error export fi finally for from global if implies in
    intersect local minus mod module next not od option options or proc quit read return save static stop subset then to
    try union until use uses while xor
    """.split()  # noqa: SIM905
)
_ALL = frozenset({"proc", "if", "do"})
_OPEN = {"proc": "proc", "then": "if", "do": "do"}
_CLOSE = {"end": _ALL, "fi": frozenset({"if"}), "od": frozenset({"do"})}
_MAPLE_ALL = _ALL | {"module", "try", "use"}

MAPLE = Dialect(
    "Maple",
    ("#",),
    (("(*", "*)"),),
    {**_OPEN, "module": "module", "try": "try", "use": "use"},
    {**_CLOSE, "end": _MAPLE_ALL, "until": frozenset({"do"})},
    back_quotes=True,
    colon_ends=True,
)
MAPLE_IN_GIAC = Dialect(
    "Giac's Maple syntax",
    ("#", "//"),
    (("(*", "*)"), ("/*", "*/")),
    {**_OPEN, "try": "try"},
    {**_CLOSE, "end": _ALL | {"try"}},
    back_quotes=True,
    colon_ends=True,
)
GIAC = Dialect(
    "Giac",
    ("//",),
    (("/*", "*/"),),
    {
        **_OPEN,
        "begin": "begin",
        "repeat": "repeat",
        "alors": "if",
        "faire": "do",
        "fonction": "fonction",
        "repeter": "repeat",
    },
    {
        **_CLOSE,
        "end": _ALL | {"begin"},
        "end_proc": frozenset({"proc"}),
        "end_if": frozenset({"if"}),
        "end_for": frozenset({"do"}),
        "end_while": frozenset({"do"}),
        "until": frozenset({"repeat"}),
        "fsi": frozenset({"if"}),
        "fpour": frozenset({"do"}),
        "ftantque": frozenset({"do"}),
        "ffonction": frozenset({"fonction"}),
        "jusqua": frozenset({"repeat"}),
    },
    back_quotes=False,
    colon_ends=False,
)


@dataclass(frozen=True)
class Token:
    """A piece of a text.

    Attributes:
        kind: `word`, `string`, `quoted` (a name in back quotes), `number`, `comment`, `blank`, `open`, `close`,
            `semicolon`, `colon`, `other`; or `cut` for a string or comment that the text ends in.
        text: as it stands.
        start: its place.
        line: of its beginning, from 1.
    """

    kind: str
    text: str
    start: int
    line: int


_REST = (
    r"(?P<blank>\s+)"
    r"|(?P<number>\d+(?:\.(?!\.)\d*)?(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<other>:=|::|:-|\.\.|->)"
    r"|(?P<semicolon>;)|(?P<colon>:)"
    r"|(?P<rest>.)"
)


def scan(text: str, dialect: Dialect) -> Iterator[Token]:
    """The tokens of a text; put together they give it back."""
    pattern = _pattern(dialect)
    place, line = 0, 1
    while place < len(text):
        match = pattern.match(text, place)
        assert match is not None, "the pattern takes any character"
        kind, end = match.lastgroup or "", match.end()
        if kind == "block":
            end = _block_end(text, place, dialect)
            kind = "comment" if end else "cut"
            end = end or len(text)
        kind = {"rest": "other", "bad": "cut"}.get(kind, kind)
        yield Token(kind, text[place:end], place, line)
        line += text.count("\n", place, end)
        place = end


def _pattern(dialect: Dialect) -> re.Pattern[str]:
    parts = [rf"(?P<comment>(?:{'|'.join(map(re.escape, dialect.line_comments))})[^\n]*)"]
    parts.append(rf"(?P<block>{'|'.join(re.escape(begin) for begin, _ in dialect.block_comments)})")
    # a doubled quotation mark is two strings side by side, which ends nothing
    parts.append(r'(?P<string>"(?:\\.|[^"\\])*")|(?P<bad>"(?:\\.|[^"\\])*\\?\Z)')
    if dialect.back_quotes:
        parts.append(r"(?P<quoted>`(?:\\.|[^`\\])*`)")
    return re.compile("|".join([*parts, _REST]), re.DOTALL)


def _block_end(text: str, start: int, dialect: Dialect) -> int:
    """Where a comment ends; 0 when the text ends first."""
    begin, end = next(pair for pair in dialect.block_comments if text.startswith(pair[0], start))
    nests = begin == "(*"
    depth, place = 1, start + len(begin)
    for match in re.compile(f"{re.escape(begin)}|{re.escape(end)}").finditer(text, place):
        if match.start() < place:
            continue
        depth += -1 if match.group() == end else int(nests)
        if not depth:
            return match.end()
    return 0
