"""The words of a magic's line with their places, also while it is being typed: nothing here raises."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["LineWord", "split_line", "split_sweep_line"]

_PARAMETER = re.compile(r"[^\W\d]\w*(?:\[[^\]]*\])?=(?!=)")


@dataclass(frozen=True)
class LineWord:
    """A word of the line: where it begins, as it is written, and what it means without quotes."""

    start: int
    raw: str
    text: str

    @property
    def parameter(self) -> str:
        """`NAME=VALUES` or `NAME[unit]=VALUES` with the quotes of its values; empty for another word."""
        text = self.raw if _PARAMETER.match(self.raw) else self.text
        return text if _PARAMETER.match(text) else ""


def split_line(line: str) -> list[LineWord]:
    """Words as a shell sees them; a quote that is not closed yet runs to the end."""
    words = []
    for match in re.finditer(r"""(?:\\.|'[^']*(?:'|\Z)|"(?:\\.|[^"\\])*(?:"|\\?\Z)|[^\s'"\\]|\\\Z)+""", line):
        words.append(LineWord(match.start(), match.group(), _unquoted(match.group())))
    return words


def split_sweep_line(line: str) -> tuple[list[LineWord], str]:
    r"""Words of a `%%sweep` line, and what is wrong at its end; empty when nothing is.

    As a shell sees them, but blanks inside brackets do not divide, and values are Python: `x=[1, 2]`, `x='it\'s'`.
    """
    words: list[LineWord] = []
    start, place, depth, quote = 0, 0, 0, ""
    while place < len(line):
        character = line[place]
        if character == "\\" and (quote != "'" or depth or _PARAMETER.match(line, start)):
            place += 2  # what is escaped neither ends a text nor divides
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(0, depth - 1)
        elif character.isspace() and not depth:
            words += _word(line[start:place], start)
            start = place + 1
        place += 1
    words += _word(line[start:], start)
    if quote:
        return words, f"a quote {quote} is not closed"
    if depth:
        return words, "a bracket is not closed"
    return words, "a backslash ends the line" if place > len(line) else ""


def _word(raw: str, start: int) -> list[LineWord]:
    return [LineWord(start, raw, _unquoted(raw))] if raw else []


def _unquoted(raw: str) -> str:
    def inner(match: re.Match[str]) -> str:
        escaped, single, double = match.groups()
        return escaped or single or re.sub(r'\\([\\"])', r"\1", double or "")

    return re.sub(r"""\\(.)|'([^']*)'?|"((?:\\.|[^"\\])*)"?""", inner, raw)
