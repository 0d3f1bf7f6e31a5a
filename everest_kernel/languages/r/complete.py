"""Whether a text of R is complete."""

from __future__ import annotations

import re

from ..balance import weigh
from ..editing import Completeness

__all__ = ["check_complete"]

_SKIPPED = re.compile(
    r"""
    (?P<comment>\#[^\n]*)
    | [rR](?P<quote>["'])(?P<dashes>-*)(?:\((?:.|\n)*?\)|\[(?:.|\n)*?\]|\{(?:.|\n)*?\})(?P=dashes)(?P=quote)
    | "(?:\\.|\\\n|[^"\\])*" | '(?:\\.|\\\n|[^'\\])*' | `[^`\n]*`
    """,
    re.VERBOSE,
)
_BEGUN = re.compile(r"[rR][\"']-*[(\[{]|[\"'`]")
_GOES_ON = re.compile(
    r"(?:[-+*/^~&|<>=!,:$@?]|%[^%\s]*%|\b(?:else|repeat|function|in)|\b(?:if|while|for|function)\s*\([^()]*\))\s*\Z"
)


def check_complete(code: str) -> Completeness:
    """Whether R would run the text, wait for more of it, or complain."""
    balance = weigh(code, _SKIPPED, _BEGUN, {")": "(", "]": "[", "}": "{"}, words=r"[\w.]+")
    if balance.wrong:
        return Completeness("invalid")
    if balance.open:
        return Completeness("incomplete", "  " * len(balance.open))
    return Completeness("incomplete" if balance.unfinished or _GOES_ON.search(balance.bare) else "complete")
