"""A lexer for Pygments, by the name `everest`: the text of a `%%remote` or `%%sweep` cell in its own colours.

Pygments loads it, through an entry point, when somebody asks for that name: nbconvert, Sphinx, or a console. What it
needs of ours is imported when a text is read, so that looking for other lexers costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Keyword, Operator, Text
from pygments.util import ClassNotFound

__all__ = ["EverestLexer"]


class EverestLexer(Lexer):  # type: ignore[misc]  # Pygments has no types
    """A notebook's cell: Python as IPython takes it, and below `%%remote` and `%%sweep` the language of the route.

    Routes are those of the working directory's configuration.
    """

    name = "Everest"
    aliases = ["everest"]
    filenames: list[str] = []
    mimetypes: list[str] = []
    url = "https://pypi.org/project/everest-kernel/"

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Tokens with their places."""
        from .notebook.cell_text import language_of, locate, read_cell

        cell = locate(text)
        if cell is None:
            yield from _lexer("ipython3", "python").get_tokens_unprocessed(text)
            return
        magic = cell.magic_start
        language = language_of(read_cell(cell), Path.cwd())
        yield from _lexer("ipython3", "python").get_tokens_unprocessed(text[:magic])
        yield magic, Operator, "%%"
        yield magic + 2, Keyword, cell.magic
        yield cell.line_start, Text, text[cell.line_start : cell.body_start]
        lexer = _lexer(language.editing.lexer if language is not None else "text")
        for place, kind, value in lexer.get_tokens_unprocessed(cell.body):
            yield place + cell.body_start, kind, value


def _lexer(*names: str) -> Any:
    """The first lexer that exists; plain text when none does."""
    for name in names:
        try:
            return get_lexer_by_name(name)
        except ClassNotFound:
            continue
    return get_lexer_by_name("text")
