"""A cell's statements as Giac is given them."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

from ..algebra import Statement, Token
from .literals import text_literal

__all__ = ["rewrite", "shows_nothing"]

_PRINTING = {"print": "everest_print", "printf": "everest_printf", "sprintf": "everest_sprintf"}
"""Functions of ours that take a list: Giac's own write the variable's name before its value, on standard error."""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_LOOPS = ("for", "while", "do", "pour", "tantque", "repeat", "repeter")


def rewrite(statement: Statement) -> str:
    """The statement's text as Giac is given it, its lines as they were.

    Comments are blanks, strings are such as Giac's reader leaves alone, and functions that print are ours.
    """
    tokens = list(statement.tokens)
    texts = [token.text for token in tokens]
    meaningful = []
    for place, token in enumerate(tokens):
        if token.kind == "comment":
            texts[place] = "".join("\n" if c == "\n" else " " for c in token.text)
        elif token.kind == "string" and place and tokens[place - 1].kind == "string":
            continue  # taken together with the one before
        elif token.kind == "string":
            run = list(takewhile(lambda token: token.kind == "string", tokens[place:]))
            texts[place : place + len(run)] = [_string(run), *[""] * (len(run) - 1)]
        if token.kind not in ("blank", "comment"):
            meaningful.append(place)
    for place, following in pairwise(meaningful):
        if tokens[place].kind == "word" and tokens[place].text in _PRINTING and tokens[following].text == "(":
            end = _matching(statement, following)
            texts[place] = _PRINTING[texts[place]]
            texts[following], texts[end] = "([", "])"
    return "".join(texts)


def _string(run: list[Token]) -> str:
    """An expression for a string: of several literals side by side, whose neighbouring marks are one in the text."""
    value = '"'.join(_ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), token.text[1:-1]) for token in run)
    return text_literal(value) + "\n" * sum(token.text.count("\n") for token in run)


def _matching(statement: Statement, opening: int) -> int:
    """The place of the token that closes a bracket."""
    depth = 0
    for place, token in enumerate(statement.tokens[opening:], opening):
        depth += (token.kind == "open") - (token.kind == "close")
        if not depth:
            return place
    raise AssertionError("the splitter has matched all brackets")


def shows_nothing(statement: Statement) -> bool:
    """Whether the statement's value is not what it is run for."""
    words = statement.words
    return words[0] in _LOOPS or (words[0] in ("print", "printf") and words[1:2] == ["("] and words[-1] == ")")
