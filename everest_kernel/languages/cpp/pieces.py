"""A cell without `main`, told apart: what must stand outside of a function, and what is to be run.

The text is not taken to pieces: each part is the whole text with everything else blanked, so that lines and columns in
the compiler's messages are those of the cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .names import KEYWORDS
from .scanner import ScanError, Token, depths, scan

__all__ = ["Pieces", "split"]

_CONTROL = frozenset(
    """
    if else for while do switch try catch return goto break continue throw case default new delete co_await co_return
    co_yield asm
    """.split()  # noqa: SIM905
)
_OUTSIDE = frozenset(
    "namespace template using typedef extern inline consteval concept export import".split()  # noqa: SIM905
)
_AFTER_PARAMETERS = frozenset(
    "const noexcept volatile override final & try throw requires -> [ __attribute__".split()  # noqa: SIM905
)
_CLASSES = ("struct", "class", "union", "enum")
_CONSTANT = frozenset(["const", "constexpr", "constinit"])
_BLANK = re.compile(r"[^\r\n]")


@dataclass(frozen=True)
class Pieces:
    """The parts of a cell.

    Attributes:
        head: the directives at the beginning.
        outside: what stands outside of functions.
        inside: what runs; empty when the cell has its own `main`.
        has_main: whether it has.
        wrong: the line at which its brackets do not match, as far as can be seen; 0 when they do. Such a cell is not
            told apart.
        stray: whether it is a closing one that is too many there.
    """

    head: str
    outside: str
    inside: str
    has_main: bool = False
    wrong: int = 0
    stray: bool = False


@dataclass(frozen=True)
class _Item:
    """A declaration, a statement or a directive, with the tokens at its own depth marked."""

    tokens: list[Token]
    depth: list[int]

    @property
    def first(self) -> str:
        return self.tokens[0].text

    def flat(self) -> list[Token]:
        """The tokens that stand in no brackets; an opening bracket stands for what it encloses."""
        return [t for t, d in zip(self.tokens, self.depth, strict=True) if d == 0 and t.text not in ")]}"]


def split(code: str) -> Pieces:
    """Tell a cell's parts apart."""
    try:
        tokens = scan(code)
        depth = depths(tokens)
    except ScanError as error:
        return _unfinished(code, error)
    items = _items(tokens, depth)
    head_end = _head_end(items)
    if any(_defines_main(item) for item in items):
        return Pieces(_only(code, [(0, head_end)]), _only(code, [(head_end, len(code))]), "", True)
    outside, inside = _sort(items)
    head = [place for place in outside if place[1] <= head_end]
    return Pieces(
        _only(code, head), _only(code, [place for place in outside if place[1] > head_end]), _only(code, inside)
    )


def _only(code: str, places: list[tuple[int, int]]) -> str:
    """The text with all else blanked; empty when nothing is left."""
    parts, at = [], 0
    for start, end in places:
        parts += [_BLANK.sub(" ", code[at:start]), code[start:end]]
        at = end
    return "".join(parts) if places else ""


def _unfinished(code: str, error: ScanError) -> Pieces:
    """Its `#include`s, and the rest as it is: the compiler finds what is wrong."""
    included = [m.span() for m in re.finditer(r"^[ \t]*#[ \t]*include[^\r\n]*", code, re.MULTILINE)]
    rest = code
    for start, end in included:
        rest = rest[:start] + " " * (end - start) + rest[end:]
    main = bool(re.search(r"^\s*(?:int|auto|void)\s+main\s*\(", code, re.MULTILINE))
    line = code.count("\n", 0, len(code.rstrip()) if error.unfinished else error.place) + 1
    if re.search(r"^[ \t]*#[ \t]*if", code, re.MULTILINE):
        line = 0  # its brackets may well match in what is compiled
    return Pieces(
        _only(code, included),
        rest if main else "",
        "" if main else rest,
        main,
        line,
        bool(line) and not error.unfinished,
    )


def _items(tokens: list[Token], depth: list[int]) -> list[_Item]:
    items, start = [], 0
    for i, token in enumerate(tokens):
        if depth[i] > 0:
            continue
        item = _Item(tokens[start : i + 1], depth[start : i + 1])
        alone = token.kind == "directive" and i == start
        if alone or (token.kind == "mark" and (token.text == ";" or (token.text == "}" and _ends(item)))):
            items.append(item)
            start = i + 1
    if start < len(tokens):
        items.append(_Item(tokens[start:], depth[start:]))
    return items


def _ends(item: _Item) -> bool:
    """Whether a closing brace ends the item, with no semicolon to follow."""
    if item.first == "{" or item.first in _CONTROL:
        return True
    words = [token.text for token in item.flat()]
    if "namespace" in words[:2] or (item.first == "extern" and words[-1] == "{" and len(words) == 3):
        return True
    return _is_function(item) or words[1:] == ["(", "{"]  # the latter: a macro that makes a loop


def _is_function(item: _Item) -> bool:
    """Whether it is the definition of a function; the item ends with the brace that may end it."""
    flat = item.flat()
    if item.first in _CONTROL or item.first == "{" or flat[-1].text != "{":
        return False
    words = [token.text for token in flat[:-1]]
    if words and words[0] == "template":
        words = _without_parameters(words)
    if "(" not in words:
        return False
    begin = words.index("(")
    before, after = words[:begin], words[begin + 1 :]
    if "operator" in before:
        after = after[1:] if before[-1] == "operator" else after  # the operator `()`
        before = before[: before.index("operator") + 1]
    if not _may_declare(item, before) or "=" in after:
        return False
    if after[:1] == [":"]:  # a constructor: initializers in braces are no body
        return after[-1] in ("(", "{")
    return not after or after[0] in _AFTER_PARAMETERS


def _may_declare(item: _Item, before: list[str]) -> bool:
    """Whether what stands before the first parenthesis can be the type and the name of a function."""
    if len(before) < 2 or {"=", "<<", "."} & set(before):
        return False
    if "[" in before:  # an attribute's, or none that a declaration has
        texts = [token.text for token in item.tokens]
        return texts[texts.index("[") + 1] == "["
    odd = [word for word in before if re.match(r"[\d\"']", word)]
    return all(word == '"C"' or "<" in before for word in odd)


def _without_parameters(words: list[str]) -> list[str]:
    """`template <...>` is left out."""
    deep = 0
    for i, word in enumerate(words):
        deep += (word == "<") - (word == ">")
        if word == ">" and deep == 0:
            rest = words[i + 1 :]
            return _without_parameters(rest) if rest[:1] == ["template"] else rest
    return words


def _defines_main(item: _Item) -> bool:
    if item.tokens[-1].text != "}" or not _is_function(item):
        return False
    words = [token.text for token in item.flat()]
    return words[words.index("(") - 1] == "main" and "::" not in words[: words.index("(")]


def _head_end(items: list[_Item]) -> int:
    """Where the last `#include` before anything else ends, outside of every `#if`."""
    end = conditions = 0
    for item in items:
        word = _directive(item)
        if not word:
            break
        conditions += (word in ("if", "ifdef", "ifndef")) - (word == "endif")
        if conditions == 0:
            end = item.tokens[-1].end
    return end


def _directive(item: _Item) -> str:
    if item.tokens[0].kind != "directive":
        return ""
    match = re.match(r"#\s*(\w*)", item.first)
    return (match[1] if match else "") or "null"


def _sort(items: list[_Item]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The places of what stands outside of functions, and of what runs."""
    outside, inside, pragmas = list[tuple[int, int]](), list[tuple[int, int]](), list[tuple[int, int]]()
    local = set[str]()
    for item in items:
        place = (item.tokens[0].start, item.tokens[-1].end)
        word = _directive(item)
        if word == "pragma" and "templet" not in item.first:
            pragmas.append(place)
            continue
        if word in ("include", "include_next", "import", "error", "warning", "line", "pragma", "null"):
            outside.append(place)
        elif word:
            outside.append(place)
            inside.append(place)
        else:
            goes_out = _is_outside(item, local)
            (outside if goes_out else inside).extend([*pragmas, place])  # a pragma belongs to what follows it
            pragmas = []
            if not goes_out:
                local |= {token.text for token in item.tokens if token.kind == "name"}
    return outside + pragmas, inside


def _is_outside(item: _Item, local: set[str]) -> bool:
    """Whether it must or may stand outside of a function."""
    flat = item.flat()
    words = [token.text for token in flat]
    if item.first in _OUTSIDE:
        return True
    if item.tokens[-1].text == "}" and _is_function(item):
        return True
    if item.first in _CLASSES:
        return ("{" in words and "=" not in words[: words.index("{")]) or words[2:] == [";"]
    return _is_constant(item, words, local)


def _is_constant(item: _Item, words: list[str], local: set[str]) -> bool:
    """A constant that depends on nothing that runs, so that functions can use it too."""
    if not _CONSTANT & set(words[:3]) or item.first in _CONTROL or ("=" not in words and "{" not in words):
        return False
    names = set[str]()
    previous = ""
    for token in item.tokens:
        if token.text == "(" and "constexpr" not in words and re.match(r"[\w>\]]", previous[-1:]):
            return False  # a call: it may do something, and when it does matters
        if token.kind == "name" and previous not in ("::", ".", "->") and token.text not in _CONSTANT:
            names.add(token.text)
        if token.text == "::" and previous:
            names.discard(previous)
        previous = token.text
    return not (names - KEYWORDS) & local
