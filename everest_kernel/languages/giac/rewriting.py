"""A cell's statements as Giac is given them."""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

from ...wire import CellError, ConfigurationError
from ..algebra import MAPLE_KEYWORDS, Statement, Token
from .literals import text_literal

__all__ = ["rewrite", "shows_nothing"]

_PRINTING = {"print": "everest_print", "printf": "everest_printf", "sprintf": "everest_sprintf"}
"""Functions of ours that take a list: Giac's own write the variable's name before its value, on standard error."""
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_LOOPS = ("for", "while", "do", "pour", "tantque", "repeat", "repeter")


def rewrite(statement: Statement, encoding: str, *, maple: bool) -> str:
    """The statement's text as Giac is given it, its lines as they were.

    Comments are blanks, strings are such as Giac's reader leaves alone, and functions that print are ours. Maple's
    `Matrix` is Giac's `matrix`.

    Raises:
        CellError: a semicolon is missing.
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
            texts[place : place + len(run)] = [_string(run, encoding), *[""] * (len(run) - 1)]
        if token.kind not in ("blank", "comment"):
            meaningful.append(place)
    for place, following in pairwise(meaningful):
        if maple:
            _check_ended(tokens[place], tokens[following], "" if "proc" in texts else "close")
        if maple and tokens[place].text == "Matrix" and tokens[following].text == "(":
            texts[place] = "matrix"
        elif tokens[place].kind == "word" and tokens[place].text in _PRINTING and tokens[following].text == "(":
            end = _matching(statement, following)
            texts[place] = _PRINTING[texts[place]]
            texts[following], texts[end] = "([", "])"
    return "".join(texts)


def _check_ended(token: Token, following: Token, also: str) -> None:
    """Two operands in two lines lack a semicolon between them: Giac would multiply them.

    A bracket ends an operand unless it may be that of a procedure's parameters.

    Raises:
        CellError: so it is.
    """
    if token.line != following.line and _is_operand(token, also) and _is_operand(following):
        problem = f"a semicolon is missing at the end of line {token.line}, before {following.text!r}"
        raise CellError(problem, hint="Nothing was sent.")


def _is_operand(token: Token, also: str = "") -> bool:
    return token.kind in ("number", "string", "quoted", also) or (
        token.kind == "word" and token.text not in MAPLE_KEYWORDS
    )


def _string(run: list[Token], encoding: str) -> str:
    """An expression for a string: of several literals side by side, whose neighbouring marks are one in the text."""
    value = '"'.join(_ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), token.text[1:-1]) for token in run)
    return _literal(value, encoding) + "\n" * sum(token.text.count("\n") for token in run)


def _literal(value: str, encoding: str) -> str:
    try:
        return text_literal(value, encoding)
    except UnicodeEncodeError as error:
        wrong = value[error.start : error.end]
        raise ConfigurationError(
            f"{wrong!r} does not exist in the encoding {encoding} of the route",
            hint="Leave the character out, or give the route another encoding.",
        ) from error


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
