"""Whether an Octave text is complete: brackets, blocks and comments, without asking Octave."""

from __future__ import annotations

import re

from ..editing import Completeness, indent_after

__all__ = ["check"]

_TOKEN = re.compile(
    r"""
      (?P<blockcomment>^[ \t]*[%\#]\{[ \t]*$)
    | (?P<comment>[%\#][^\n]*)
    | (?P<unended>\.\.\.[^\n]*\n?\Z) | (?P<continued>\.\.\.[^\n]*)
    | (?P<number>(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?[ij]?)
    | (?P<transpose>(?<=[\w)\]}'.])'+)
    | (?P<text>"(?:\\.|""|[^"\\\n])*" | '(?:''|[^'\n])*')
    | (?P<torn>["'])
    | (?P<name>(?<!\.)\b[A-Za-z_]\w*)
    | (?P<open>[(\[{]) | (?P<close>[)\]}])
    """,
    re.VERBOSE | re.MULTILINE,
)
_BLOCK_COMMENT = re.compile(r"^[ \t]*(?:(?P<open>[%#]\{)|[%#]\})[ \t]*$", re.MULTILINE)
_CLOSERS = {
    "do": ("until",),
    "for": ("end", "endfor"),
    "function": ("end", "endfunction"),
    "if": ("end", "endif"),
    "parfor": ("end", "endparfor"),
    "switch": ("end", "endswitch"),
    "try": ("end", "end_try_catch"),
    "unwind_protect": ("end", "end_unwind_protect"),
    "while": ("end", "endwhile"),
}
_ENDS = frozenset(word for words in _CLOSERS.values() for word in words)
_BRACKETS = {")": "(", "]": "[", "}": "{"}
_OPENING = (
    r"\A(?:for|function|if|parfor|switch|try|unwind_protect|while|do|else|elseif|case|otherwise|catch"
    r"|unwind_protect_cleanup)\b(?!.*\bend\w*\s*;?\Z)|[(\[{]\Z"
)


def check(code: str) -> Completeness:
    """Incomplete with an open block, bracket or comment, or a line that goes on; invalid with a wrong end."""
    code = code.replace("\r\n", "\n")
    open_: list[str] = []
    place = 0
    while match := _TOKEN.search(code, place):
        place = match.end()
        kind = match.lastgroup
        if kind == "blockcomment":
            place = _after_comment(code, match.start())
            if place < 0:
                return Completeness("incomplete")
        elif kind == "unended":
            return Completeness("incomplete", indent_after(code, _OPENING))
        elif kind == "torn" or not _taken(kind, match.group(), open_):
            return Completeness("invalid")
    return Completeness("incomplete", indent_after(code, _OPENING)) if open_ else Completeness("complete")


def _taken(kind: str | None, text: str, open_: list[str]) -> bool:
    """Take a token; False when it cannot stand there."""
    top = open_[-1] if open_ else ""
    if kind == "open" or (kind == "name" and text in _CLOSERS and top not in _BRACKETS.values()):
        open_.append(text)
    elif kind == "close":
        return bool(open_) and open_.pop() == _BRACKETS[text]
    elif kind == "name" and text in _ENDS and top not in _BRACKETS.values():  # in brackets it is an index
        return bool(open_) and text in _CLOSERS[open_.pop()]
    return True


def _after_comment(code: str, start: int) -> int:
    """Where a block comment ends, which may hold others; -1 when it does not."""
    depth = 0
    for match in _BLOCK_COMMENT.finditer(code, start):
        depth += 1 if match["open"] else -1
        if depth == 0:
            return match.end()
    return -1
