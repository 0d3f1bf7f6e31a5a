"""Whether brackets, texts and comments of a program are closed."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Balance", "weigh"]


@dataclass(frozen=True)
class Balance:
    """What a program's text leaves open.

    Attributes:
        wrong: whether something is closed that was not opened, or not in its order.
        open: what must still be closed, the innermost last.
        unfinished: whether it ends within a text or a comment.
        bare: the program with a blank for each comment and a `""` for each text.
    """

    wrong: bool
    open: tuple[str, ...]
    unfinished: bool
    bare: str


def weigh(
    code: str, skipped: re.Pattern[str], begun: re.Pattern[str], pairs: dict[str, str], words: str = ""
) -> Balance:
    """Look through a program.

    Args:
        code: its text.
        skipped: comments, in a group `comment`, and texts.
        begun: how a comment or a text begins; looked for where none ends.
        pairs: what closes what, by the closing word or character.
        words: what a word looks like, where pairs of words are among the pairs.
    """
    word = re.compile(words or r"[^\W\d]\w*")
    openers = set(pairs.values())
    opened: list[str] = []
    bare: list[str] = []
    at = 0
    while at < len(code):
        match = skipped.match(code, at)
        if match and match.end() > at:
            bare.append(" " if match.groupdict().get("comment") is not None else '""')
            at = match.end()
            continue
        if begun.match(code, at):
            return Balance(False, tuple(opened), True, "".join(bare))
        match = word.match(code, at)
        token = match.group() if match else code[at]
        at += len(token)
        bare.append(token)
        if token in openers:
            opened.append(token)
        elif token in pairs and (not opened or opened.pop() != pairs[token]):
            return Balance(True, (), False, "".join(bare))
    return Balance(False, tuple(opened), False, "".join(bare))
