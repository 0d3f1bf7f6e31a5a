"""The tokens of a C++ text, as far as its pieces and its end must be told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..editing import Completeness

__all__ = ["ScanError", "Token", "check_complete", "depths", "scan"]

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t\r\n\f\v]+ | \\\r?\n)
    | (?P<comment>//(?:[^\n\\]|\\\r?\n|\\.)* | /\*.*?\*/)
    | (?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
    | (?P<string>(?:u8|[uUL])?"(?:[^"\\\n]|\\\r?\n|\\.)*" | (?:u8|[uUL])?'(?:[^'\\\n]|\\.)+')
    | (?P<number>\.?\d(?:[eEpP][+-]|'\w|[\w.])*)
    | (?P<name>[^\W\d]\w*)
    | (?P<mark_>::|->|<<|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"""(?:/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|\\\r?\n|//(?:[^\n\\]|\\\r?\n|\\.)*|[^\n])*""", re.DOTALL)
_KINDS = {"raw": "string", "mark_": "mark"}
_PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class Token:
    """A token: `name`, `number`, `string`, `directive` (a whole line of the preprocessor), or `mark`."""

    kind: str
    text: str
    start: int
    end: int


class ScanError(Exception):
    """The text ends too early (`unfinished`), or can have no good end because of what stands at `place`."""

    def __init__(self, unfinished: bool, place: int) -> None:
        super().__init__(f"{'unfinished' if unfinished else 'unbalanced'} at {place}")
        self.unfinished = unfinished
        self.place = place


def scan(code: str) -> list[Token]:
    """The tokens without comments.

    Raises:
        ScanError: a comment or a text in quotation marks has no end.
    """
    return list(_tokens(code))


def _tokens(code: str) -> Iterator[Token]:
    place, fresh = 0, True  # whether nothing but blanks and comments came on this line
    while place < len(code):
        match = _TOKEN.match(code, place)
        assert match is not None  # the last alternative takes anything
        kind, text = match.lastgroup or "", match.group()
        kind = next(k for k in ("blank", "comment", "raw", "string", "number", "name", "mark_") if match[k] is not None)
        if kind == "mark_" and text == "#" and fresh:
            line = _DIRECTIVE.match(code, place)
            assert line is not None
            yield Token("directive", line.group(), place, line.end())
            place, fresh = line.end(), False
            continue
        if kind == "mark_":
            _refuse_unfinished(code, place)
        if kind not in ("blank", "comment"):
            yield Token(_KINDS.get(kind, kind), text, place, match.end())
        fresh = "\n" in text if kind == "blank" else fresh and kind == "comment"
        fresh = fresh or (kind == "blank" and place == 0)
        place = match.end()


def _refuse_unfinished(code: str, place: int) -> None:
    if code.startswith("/*", place) or (re.match(r'"', code[place:]) and re.search(r"(?:u8|[uUL])?R\Z", code[:place])):
        raise ScanError(True, place)
    if code[place] in "\"'":
        raise ScanError(False, place)


def depths(tokens: list[Token]) -> list[int]:
    """How deep in brackets each token stands; a bracket counts as outside of what it encloses.

    Raises:
        ScanError: the brackets do not match.
    """
    found, open_ones = [], list[str]()
    for token in tokens:
        closes = _PAIRS.get(token.text) if token.kind == "mark" else None
        if closes and (not open_ones or open_ones.pop() != closes):
            raise ScanError(False, token.start)
        found.append(len(open_ones))
        if token.kind == "mark" and token.text in "([{":
            open_ones.append(token.text)
    if open_ones:
        raise ScanError(True, tokens[-1].end)
    return found


def check_complete(code: str) -> Completeness:
    """Whether a cell is complete: its brackets and comments are closed, and its last statement has its end."""
    try:
        tokens = scan(code)
        depths(tokens)
    except ScanError as error:
        return Completeness("incomplete", "    ") if error.unfinished else Completeness("invalid")
    if code.rstrip(" \t").endswith("\\"):
        return Completeness("incomplete")
    last = tokens[-1] if tokens else None
    ended = last is None or last.kind == "directive" or last.text in ";}:"
    return Completeness("complete" if ended or code.endswith("\n\n") else "incomplete")
