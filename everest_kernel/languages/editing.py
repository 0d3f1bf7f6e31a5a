"""What an editor needs to know of a language: its words, and whether a text is complete. No program is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

__all__ = ["Completeness", "Completion", "Editing", "Word", "never_sure"]


@dataclass(frozen=True)
class Completeness:
    """The content of a Jupyter is_complete_reply.

    Attributes:
        status: `complete`, `incomplete`, `invalid`, or `unknown`.
        indent: of the next line, when incomplete.
    """

    status: str
    indent: str = ""


@dataclass(frozen=True)
class Word:
    """A word that a language knows.

    Attributes:
        kind: `keyword`, `function`, `constant`, or `type`.
        usage: how it is written, such as `evalf(expr, digits)`; may be empty.
        help: one sentence; may be empty.
    """

    kind: str
    usage: str = ""
    help: str = ""


@dataclass(frozen=True)
class Completion:
    """Words that could stand at a place of a text, which they would replace from `start` on."""

    start: int
    matches: tuple[str, ...]


def never_sure(code: str) -> Completeness:
    """For a language of which it cannot be told whether a text is complete: an empty last line ends it."""
    return Completeness("complete" if code.endswith("\n\n") or not code.strip() else "unknown")


@dataclass(frozen=True)
class Editing:
    """What an editor needs.

    Attributes:
        lexer: Pygments' name for the language.
        table: name of the table of words, a JSON file in the folder `words`; empty for none.
        check: tells whether a text is complete.
        name: what a name of the language looks like, as a regular expression.
    """

    lexer: str = "text"
    table: str = ""
    check: Callable[[str], Completeness] = never_sure
    name: str = r"[A-Za-z_][A-Za-z0-9_]*"

    @cached_property
    def words(self) -> Mapping[str, Word]:
        """The words of the table."""
        if not self.table:
            return {}
        text = (files(__package__) / "words" / f"{self.table}.json").read_text("utf-8")
        return {name: Word(*fields) for name, fields in json.loads(text).items()}

    def complete(self, code: str, cursor: int, also: tuple[str, ...] = ()) -> Completion:
        """Words that begin like the one before the cursor: names of the text, those in `also`, and the language's.

        Args:
            code: the text, without its magic line.
            cursor: position in characters.
            also: more names, such as those of values that the cell takes.
        """
        before = re.search(rf"(?:{self.name})\Z", code[:cursor])
        prefix = before.group() if before else ""
        if not prefix:
            return Completion(cursor, ())
        start = cursor - len(prefix)
        around = re.findall(self.name, code[:start] + " " + code[cursor:])
        own = sorted({*around, *also} - {prefix})
        known = [*own, *sorted(set(self.words) - set(own))]
        return Completion(start, tuple(word for word in known if word.startswith(prefix)))

    def word_at(self, code: str, cursor: int) -> str:
        """The name in which or behind which the cursor stands; empty when there is none."""
        for match in re.finditer(self.name, code):
            if match.start() <= cursor <= match.end():
                return match.group()
        return ""
