"""What an editor needs to know of a language: its words, and whether a text is complete. No program is asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from operator import itemgetter

__all__ = ["Completeness", "Completion", "Editing", "Word", "indent_after", "never_sure"]


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
        kind: `keyword`, `function`, `constant`, `variable`, `type`, `command`, or another word for what it is.
        usage: how it is written, such as `evalf(expr, digits)`; may be empty.
        help: one sentence; may be empty.
    """

    kind: str
    usage: str = ""
    help: str = ""


@dataclass(frozen=True)
class Completion:
    """Words that could stand at a place of a text, which they would replace from `start` on.

    Attributes:
        start: where the word before the cursor begins.
        matches: the words.
        kinds: of each: that of the table, or `name` for one that the text or the notebook has.
    """

    start: int
    matches: tuple[str, ...]
    kinds: tuple[str, ...] = ()


def never_sure(code: str) -> Completeness:
    """For a language of which it cannot be told whether a text is complete: an empty last line ends it."""
    return Completeness("complete" if code.endswith("\n\n") or not code.strip() else "unknown")


def indent_after(code: str, opening: str) -> str:
    """The indent of the line that follows a text: that of its last line, two deeper when a block opens there.

    Args:
        code: the text.
        opening: regular expression that is found in a line, without its indent, behind which a block begins.
    """
    last = next((line for line in reversed(code.split("\n")) if line.strip()), "")
    indent = last[: len(last) - len(last.lstrip())]
    return f"{indent}  " if re.search(opening, last.strip()) else indent


@dataclass(frozen=True)
class Editing:
    """What an editor needs.

    Attributes:
        lexer: Pygments' name for the language; with `python`, the kernel's own completion serves.
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
        """The words of the table, read when first asked for."""
        return _table(self.table) if self.table else {}

    def word(self, name: str) -> Word | None:
        """What is known of a name; also when it is written in other letters than in the table, as Windows' are."""
        found = self.words.get(name)
        return found if found is not None or not self.table else _folded(self.table).get(name.lower())

    def complete(self, code: str, cursor: int, also: tuple[str, ...] = ()) -> Completion:
        """Words that begin like the one before the cursor: names of the text, those in `also`, and the language's.

        Args:
            code: the text, without its magic line.
            cursor: position in characters.
            also: more names, such as those of values that the cell takes.
        """
        cursor = max(0, min(cursor, len(code)))
        start, prefix = cursor, ""
        for match in self._names_of_line(code, cursor, cursor):
            if match.end() == cursor:
                start, prefix = match.start(), match.group()
        if not prefix:
            return Completion(cursor, ())
        around = [match.group() for match in re.finditer(self.name, code[:start] + " " + code[cursor:])]
        own = sorted({name for name in (*around, *also) if name.startswith(prefix)} - {prefix})
        words = dict.fromkeys(own, "name") | {name: word.kind for name, word in self._words_with(prefix)}
        return Completion(start, tuple(words), tuple(words.values()))

    def _words_with(self, prefix: str) -> list[tuple[str, Word]]:
        """Words of the table that begin so, in order; in the prefix's letters where small ones and capitals are one."""
        found = [item for item in self.words.items() if item[0].startswith(prefix)]
        if not found and self.table in _ANY_CASE:
            folded = prefix.lower()
            found = [
                (name.upper() if prefix.isupper() else prefix + name[len(prefix) :], word)
                for name, word in self.words.items()
                if name.lower().startswith(folded)
            ]
        return sorted(found, key=itemgetter(0))

    def word_at(self, code: str, cursor: int) -> str:
        """The name in which or behind which the cursor stands; empty when there is none."""
        cursor = max(0, min(cursor, len(code)))
        end = code.find("\n", cursor)
        for match in self._names_of_line(code, cursor, len(code) if end < 0 else end):
            if match.start() <= cursor <= match.end():
                return match.group()
        return ""

    def _names_of_line(self, code: str, cursor: int, end: int) -> list[re.Match[str]]:
        """Names from the begin of the cursor's line on: one pass, however long the line is."""
        begin = code.rfind("\n", 0, cursor) + 1
        return list(re.compile(self.name).finditer(code, begin, end))


@cache
def _table(name: str) -> dict[str, Word]:
    text = (files(__package__) / "words" / f"{name}.json").read_text("utf-8")
    return {word: Word(*fields) for word, fields in json.loads(text).items()}


@cache
def _folded(name: str) -> dict[str, Word]:
    return {word.lower(): entry for word, entry in _table(name).items()} if name in _ANY_CASE else {}


_ANY_CASE = frozenset(["cmd", "powershell"])
"""Tables of languages that do not tell capital letters from small ones."""
