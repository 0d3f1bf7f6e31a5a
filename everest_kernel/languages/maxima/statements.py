"""The statements of a Maxima cell, with their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Statement", "split"]

_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|\\.|/\*|[;$]|(?P<lisp>(?:\n|\A)[ \t]*:lisp\b[^\n]*)|[^"\\/;$\n]+|\n|.', re.DOTALL
)
_COMMENT = re.compile(r"/\*|\*/")


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        line: on which it begins.
        text: with its end, `;` or `$`; a line of Lisp without `:lisp`.
        shown: whether its value is displayed.
        lisp: whether it is a line of Lisp.
        open: what it lacks at its end: `text`, `comment`, or nothing.
    """

    line: int
    text: str
    shown: bool
    lisp: bool = False
    open: str = ""


def split(code: str) -> list[Statement]:
    """The statements. The last one need not have an end; its value is displayed then."""
    found: list[Statement] = []
    parts: list[str] = []
    line, begin, at = 1, 0, 0
    unfinished = ""
    while at < len(code):
        match = _TOKEN.match(code, at)
        assert match is not None  # any character is a token
        token = match.group()
        if token == "/*":
            end = _comment_end(code, at)
            unfinished = "" if end else "comment"
            token = code[at : end or len(code)]
            kept = token if parts else ""
        elif token == '"':
            unfinished, token = "text", code[at:]
            kept = token
        else:
            kept = token if parts or token.strip() else ""
        if match["lisp"] and not parts:
            found.append(_lisp(token, line))
        elif kept:
            begin = begin if parts else line + _blank_lines(token)
            parts.append(kept)
            if token in (";", "$"):
                found.append(Statement(begin, "".join(parts), token == ";"))
                parts = []
        if unfinished:
            return [*found, Statement(line, "".join(parts), True, open=unfinished)]
        line += token.count("\n")
        at += len(token)
    text = "".join(parts).rstrip()
    return [*found, Statement(begin, text + ";", True)] if text else found


def _blank_lines(token: str) -> int:
    return token[: len(token) - len(token.lstrip())].count("\n")


def _lisp(token: str, line: int) -> Statement:
    return Statement(line + _blank_lines(token), token.strip().removeprefix(":lisp"), False, lisp=True)


def _comment_end(code: str, at: int) -> int:
    """The place behind a comment, which may hold others; 0 when it has no end."""
    depth = 0
    for match in _COMMENT.finditer(code, at):
        depth += 1 if match.group() == "/*" else -1
        if not depth:
            return match.end()
    return 0
