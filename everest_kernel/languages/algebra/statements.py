"""A cell's statements, each with its line; and what is wrong with a text that cannot be any."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...wire import CellError
from ..editing import Completeness
from .scanner import Dialect, Token, scan

__all__ = ["Statement", "check_complete", "split_statements"]

_MATCHING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        tokens: with blanks and comments between them, from the first that is neither, without what ends it.
        start: the place of its first character in the cell.
        line: of its first character, from 1.
        silent: whether its result is not to be shown.
        ended: whether it has its end; only the last may not.
    """

    tokens: tuple[Token, ...]
    start: int
    line: int
    silent: bool
    ended: bool = True

    @property
    def words(self) -> list[str]:
        """The tokens without blanks and comments."""
        return [token.text for token in self.tokens if token.kind not in ("blank", "comment")]

    @property
    def text(self) -> str:
        """The statement with blanks in place of comments; its lines stay lines."""
        return "".join(
            "".join("\n" if c == "\n" else " " for c in token.text) if token.kind == "comment" else token.text
            for token in self.tokens
        )


def split_statements(code: str, dialect: Dialect) -> list[Statement]:
    """The statements of a cell.

    Raises:
        CellError: brackets or blocks that do not match, for certain.
    """
    splitter = _Splitter(dialect)
    for token in scan(code, dialect):
        splitter.take(token)
    problem = splitter.problem or splitter.unfinished()
    if problem:
        raise CellError(problem, hint="Nothing was sent.")
    splitter.end_statement(silent=False, ended=False)
    return splitter.statements


def check_complete(code: str, dialect: Dialect) -> Completeness:
    """Whether a text can be run, or more lines are needed; an empty last line ends what lacks its semicolon."""
    splitter = _Splitter(dialect)
    for token in scan(code, dialect):
        splitter.take(token)
    if splitter.problem:
        return Completeness("invalid")
    if splitter.unfinished():
        return Completeness("incomplete", "  " * len(splitter.stack))
    if splitter.pending and not code.endswith("\n\n"):
        return Completeness("incomplete")
    return Completeness("complete")


@dataclass
class _Splitter:
    """Takes the tokens of a text one by one."""

    dialect: Dialect
    statements: list[Statement] = field(default_factory=list)
    stack: list[tuple[str, int]] = field(default_factory=list)
    problem: str = ""
    _tokens: list[Token] = field(default_factory=list)
    _previous: str = ""
    _alternative: bool = False
    _closed: bool = False
    _cut: Token | None = None
    _colon: bool = False

    @property
    def pending(self) -> bool:
        """Whether a statement has begun and not ended."""
        return bool(self._tokens)

    def unfinished(self) -> str:
        """What the text lacks; empty when nothing."""
        if self._cut is not None:
            what = "string" if self._cut.text.startswith('"') else "comment"
            return f"the {what} that begins in line {self._cut.line} has no end"
        if self.stack:
            opener, line = self.stack[-1]
            return f"the {opener!r} of line {line} is not closed"
        return ""

    def take(self, token: Token) -> None:
        """The next token."""
        if self.problem:
            return
        if self._colon:  # in Giac's own syntax a colon ends a statement before a semicolon or a line's end only
            self._colon = False
            if token.kind == "semicolon" or (token.kind == "blank" and "\n" in token.text):
                self._tokens.pop()
                self.end_statement(silent=True)
                if token.kind == "semicolon":
                    return
        if token.kind in ("blank", "comment"):
            if self._tokens:
                self._tokens.append(token)
            return
        if not self.stack and token.kind in ("semicolon", "colon"):
            self._end(token)
            return
        self._tokens.append(token)
        self._closed = self._closed and token.kind == "word"
        if token.kind == "cut":
            self._cut = token
        elif token.kind == "open":
            self.stack.append((token.text, token.line))
        elif token.kind == "close":
            self._close(token, frozenset({_opening(token.text)}))
        elif token.kind == "word":
            self._word(token)
        self._previous = token.text

    def _end(self, token: Token) -> None:
        if token.kind == "semicolon" or self.dialect.colon_ends:
            self.end_statement(silent=token.kind == "colon")
        else:
            self._tokens.append(token)
            self._colon = True

    def end_statement(self, *, silent: bool, ended: bool = True) -> None:
        """The tokens so far are a statement, if there are any."""
        if self._colon:
            self._tokens.pop()
            silent = ended = True
        while self._tokens and self._tokens[-1].kind in ("blank", "comment"):
            self._tokens.pop()
        if self._tokens:
            first = self._tokens[0]
            self.statements.append(Statement(tuple(self._tokens), first.start, first.line, silent, ended))
        self._tokens = []
        self._previous = ""
        self._closed = self._colon = False

    def _word(self, token: Token) -> None:
        word = token.text
        if self._closed:  # `end proc`, `end if`, ...
            self._closed = False
            if word in ("proc", "do", "if", "module", "try", "use"):
                return
        if self._previous == ":-":  # a module's member
            return
        if word in self.dialect.closers:
            self._close(token, self.dialect.closers[word])
            self._closed = word == "end"
        elif word in ("elif", "elsif"):
            self._alternative = True
        elif word in self.dialect.openers:
            if word == "then" and self._alternative:
                self._alternative = False
            else:
                self.stack.append((self.dialect.openers[word], token.line))

    def _close(self, token: Token, blocks: frozenset[str]) -> None:
        if not self.stack:
            self.problem = f"{token.text!r} in line {token.line} closes nothing"
            return
        opener, line = self.stack.pop()
        if opener not in blocks:
            self.problem = f"{token.text!r} in line {token.line} does not close the {opener!r} of line {line}"


def _opening(bracket: str) -> str:
    return next(opening for opening, closing in _MATCHING.items() if closing == bracket)
