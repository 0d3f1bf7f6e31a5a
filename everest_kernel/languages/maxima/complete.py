"""Whether a text of Maxima is complete."""

from __future__ import annotations

import re

from ..balance import weigh
from ..editing import Completeness
from .statements import split

__all__ = ["check_complete"]

_SKIPPED = re.compile(r'(?P<comment>/\*(?:.|\n)*?\*/|\\.)|"(?:\\.|[^"\\])*"', re.DOTALL)


def check_complete(code: str) -> Completeness:
    """Complete when all brackets are closed and the last statement has its end, or could have it."""
    statements = split(code)
    for statement in statements:
        if statement.open:
            return Completeness("incomplete")
        if statement.lisp:
            continue
        balance = weigh(statement.text, _SKIPPED, re.compile(r"(?!)"), {")": "(", "]": "[", "}": "{"})
        last = statement is statements[-1] and not code.rstrip().endswith((";", "$"))
        if balance.wrong or (balance.open and not last):
            return Completeness("invalid")
        if balance.open:
            return Completeness("incomplete", "  " * len(balance.open))
        if last and re.search(
            r"(?:[-+*/^:=<>,#]|\b(?:then|else|do|and|or|not|if|for|while|thru|from|step|in)) *;\Z", balance.bare
        ):
            return Completeness("incomplete")
    return Completeness("complete")
