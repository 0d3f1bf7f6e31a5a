"""Whether a text of Julia is complete."""

from __future__ import annotations

import re

from ..editing import Completeness

__all__ = ["check_complete", "ends_quietly"]

_TOKEN = re.compile(
    r"""
    (?P<comment>\#(?!=)[^\n]*) | (?P<block>\#=)
    | (?P<text>\"\"\"(?:\\.|[^\\])*?\"\"\"|"(?!"")(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`)
    | (?P<open_text>"|`) | (?P<char>(?<![\w)\]}'.])'(?:\\[^']+|\\'|[^'\\])')
    | (?P<symbol>(?<![\w)\]}:]):[^\W\d]\w*)
    | (?P<word>(?:abstract|primitive)\s+type\b|[^\W\d]\w*!?) | (?P<space>\s+) | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPENERS = frozenset("begin function if for while let try struct module baremodule macro quote do".split())  # noqa: SIM905
_PAIRS = {")": "(", "]": "[", "}": "{"}
_GOES_ON = re.compile(r"(?:[-+*/^\\%&|<>=,~:?]|\b(?:in|isa|where|return))\s*\Z")


def check_complete(code: str) -> Completeness:
    """Whether Julia would run the text, wait for more of it, or complain."""
    status, depth, bare = _weigh(code)
    if status == "closed" and _GOES_ON.search(bare) and not bare.rstrip().endswith("return"):
        return Completeness("incomplete")
    if status == "open":
        return Completeness("incomplete", "    " * depth)
    return Completeness("invalid" if status == "wrong" else "complete")


def ends_quietly(code: str) -> bool:
    """Whether the last statement is followed by `;`."""
    return _weigh(code)[2].rstrip().endswith(";")


def _weigh(code: str) -> tuple[str, int, str]:
    """`closed`, `open` or `wrong`, how much is open, and the program without comments and texts."""
    opened: list[str] = []
    bare: list[str] = []
    at = 0
    while at < len(code):
        match = _TOKEN.match(code, at)
        assert match is not None  # any character is a token
        kind, token, at = str(match.lastgroup), match.group(), match.end()
        if kind == "block":
            at = _block_end(code, match.start())
            if not at:
                return "open", len(opened), "".join(bare)
        elif kind == "open_text":
            return "open", len(opened), "".join(bare)
        elif kind in ("text", "char", "symbol"):
            bare.append('""')
        elif kind != "comment":
            bare.append(token)
            if not _take(token, kind, opened):
                return "wrong", 0, "".join(bare)
    return "open" if opened else "closed", len(opened), "".join(bare)


def _take(token: str, kind: str, opened: list[str]) -> bool:
    """Open or close something; false when it was not open."""
    within = opened[-1] if opened else ""
    if token in _PAIRS.values():
        opened.append(token)
    elif token in _PAIRS:
        return bool(opened) and opened.pop() == _PAIRS[token]
    elif kind == "word" and within not in _PAIRS.values():  # within brackets, `end` is the last index
        if token in _OPENERS or len(token.split()) == 2:  # abstract type, primitive type
            opened.append(token)
        elif token == "end":
            return bool(opened) and bool(opened.pop())
    return True


def _block_end(code: str, at: int) -> int:
    """The place behind a comment, which may hold others; 0 when it has no end."""
    depth = 0
    for match in re.finditer(r"#=|=#", code[at:]):
        depth += 1 if match.group() == "#=" else -1
        if not depth:
            return at + match.end()
    return 0
