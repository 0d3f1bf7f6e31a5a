"""Whether a text for the shell is complete: quotes, blocks and here-documents, without asking a shell."""

from __future__ import annotations

import re
from functools import cache

from ..editing import Completeness, indent_after

__all__ = ["check"]

_OPEN = {"if": "fi", "while": "done", "until": "done", "for": "done", "select": "done", "case": "esac", "{": "}"}
_CLOSE = frozenset(_OPEN.values())
_THEN_COMMAND = frozenset(["then", "do", "else", "elif", "!", "time"])
_TOKEN = r"""
      (?P<blank>[ \t\r]+ | \\\r?\n(?!\Z))
    | (?P<continued>\\(?:\r?\n)?\Z)
    | (?P<comment>(?<![^\s;&|()])\#[^\n]*)
    | (?P<newline>\n)
    | (?P<arithmetic>\$?\(\((?:[^()]|\([^()]*\))*\)\))
    | (?P<quoted>\$'(?:\\.|[^'\\])*' | '[^']*' | \\.)
    | (?P<torn>\$?')
    | (?P<opener>\$\(|\$\{|\(|"|`)
    | (?P<closer>\))
    | (?P<here><<-?[ \t]*(?P<end>(?:\\.|'[^'\n]*'|"[^"\n]*"|[^\s;&|()<>'"\\])+))
    | (?P<redirect>[<>]+[&|]?)
    | (?P<joins>\|\||&&|\|&?)
    | (?P<separates>;;?&?|&)
    | (?P<function>function[ \t]+[^\s;&|(){}]+(?:[ \t]*\([ \t]*\))?)
    | (?P<word>[^\s'"`$;&|()<>\\]+|\$)
    """
_IN_QUOTES = r'(?P<plain>(?:\\.|[^"\\$`])+|\$(?![({])|\\\Z)|(?P<opener>\$\(|\$\{|`)|(?P<closer>")'
_IN_BRACES = r"""
      (?P<plain>(?:\\.|'[^']*'|[^}"\\$`'])+|\$(?![({])|\\\Z|')|(?P<opener>\$\(|\$\{|"|`)|(?P<closer>\})
    """
_CLOSERS = {"$(": ")", "(": ")", "${": "${", '"': '"', "`": "`"}
_OPENING = r"(?:\b(?:then|do|else|in)|[{(])\Z"


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """When first used: every kernel loads this module, and few ask."""
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


def check(code: str) -> Completeness:
    """Incomplete with something open, invalid with an end that has no begin."""
    reader = _Reader(code)
    try:
        reader.read()
    except ValueError:
        return Completeness("invalid")
    if reader.complete():
        return Completeness("complete")
    return Completeness("incomplete", "" if reader.in_text() else indent_after(code, _OPENING))


class _Reader:
    """Reads once through the text.

    Attributes:
        open: what is open, by what would close it.
    """

    def __init__(self, code: str) -> None:
        self._code = code
        self._place = 0
        self.open: list[str] = []
        self._here: list[tuple[str, bool]] = []
        self._command = True  # whether a command may begin here
        self._goes_on = False  # whether the last token asks for more
        self._torn = False

    def complete(self) -> bool:
        return not (self.open or self._here or self._goes_on or self._torn)

    def in_text(self) -> bool:
        """Whether the end is in a quote or a here-document, whose blanks count."""
        return bool(self._torn or self._here or (self.open and self.open[-1] in ('"', "${")))

    def read(self) -> None:
        while self._place < len(self._code) and not self._torn:
            top = self.open[-1] if self.open else ""
            inner = {'"': _IN_QUOTES, "${": _IN_BRACES}.get(top)
            match = _compiled(inner or _TOKEN).match(self._code, self._place)
            if match is None:
                raise ValueError
            self._place = match.end()
            if inner is not None:
                self._in_text(match)
            else:
                self._token(match, top)

    def _in_text(self, match: re.Match[str]) -> None:
        if match["closer"]:
            self.open.pop()
            self._command = False
        elif match["opener"]:
            self._opener(match["opener"])

    def _token(self, match: re.Match[str], top: str) -> None:
        kind, text = match.lastgroup, match.group()
        if kind in ("blank", "comment"):
            return
        if kind == "newline":
            self._command = True
            self._read_here()
            return
        self._goes_on = kind in ("joins", "continued")
        if kind == "torn":
            self._torn = True
        elif kind == "here":
            self._here.append((re.sub(r"['\"\\]", "", match["end"]), text.startswith("<<-")))
        elif kind == "opener":
            self._opener(text)
        elif kind == "closer":
            self._closer(top)
        elif kind in ("joins", "separates", "function"):
            self._command = True
        elif kind == "word":
            self._word(match, top)
        elif kind != "redirect":
            self._command = False

    def _opener(self, text: str) -> None:
        if text == "`" and "`" in self.open:
            if self.open[-1] != "`":
                raise ValueError
            self.open.pop()
            self._command = False
            return
        self.open.append(_CLOSERS[text])
        self._command = text in ("(", "$(", "`")

    def _closer(self, top: str) -> None:
        if top == ")":
            self.open.pop()
        elif top != "esac":  # there it ends a pattern
            raise ValueError
        self._command = True

    def _word(self, match: re.Match[str], top: str) -> None:
        text = match.group()
        whole = not re.match(r"""['"`$\\]""", self._code[match.end() : match.end() + 1])
        begins = not re.match(r"""[^\s;&|()<>`]""", self._code[max(0, match.start() - 1) : match.start()])
        if not (whole and begins and (self._command or (text == "in" and top == "esac"))):
            self._command = False
        elif text in _OPEN:
            self.open.append(_OPEN[text])
            self._command = text in ("if", "while", "until", "{")
        elif text in _CLOSE:
            if top != text:
                raise ValueError
            self.open.pop()
            self._command = True
        else:
            self._command = text in _THEN_COMMAND or text == "in"

    def _read_here(self) -> None:
        """Bodies of here-documents follow the line that names them."""
        while self._here:
            end, tabs = self._here[0]
            while True:
                if self._place >= len(self._code):
                    return
                stop = self._code.find("\n", self._place)
                stop = len(self._code) if stop < 0 else stop
                line = self._code[self._place : stop].rstrip("\r")
                self._place = min(stop + 1, len(self._code))
                if (line.lstrip("\t") if tabs else line) == end:
                    break
            self._here.pop(0)
