"""The `name=values` words of a sweep line.

===========================  =========================================================================================
`a=20:50:31`                 31 values from 20 to 50, both included
`a=20:50:0.5s`               steps of 0.5 from 20 to 50 (50 included when a step hits it); `a=20:50:(h)s` for a variable
`a=20:50`                    with `--sample` only: anything from 20 to 50
`a=linspace(0, 1, 5)`        also logspace, geomspace and arange, as in numpy, exact in decimals
`b=10,16`  `m=fast,exact`    a list: numbers, texts, True, False, None, or expressions such as `2*pi`
`a=EXPRESSION`               any Python expression, over the user's variables, that gives a sequence or one value
`v[m/s]=...`                 with a unit
===========================  =========================================================================================

Parts of a range may be expressions too: `a=low:high:n`. In a list, a word alone (`fast`) is a text and never a
variable, so that a cell does not change its meaning with what the notebook happens to hold; where such a variable has
a number or a text, the list is refused as ambiguous. Variables go into brackets: `a=[low, high]`.
"""

from __future__ import annotations

import ast
import builtins
import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ..wire import CellOptionError
from .listing import listed
from .ranges import Values
from .snippets import expression, is_single, literal, outer_names, short, split_outside
from .spans import Number, counted, from_call, interval, stepped

__all__ = ["Word", "parse_values", "parse_word"]

_WORD = re.compile(r"\s*([^=\[\]\s]*)\s*(?:\[([^\]]*)\])?\s*=(?!=)(.*)", re.DOTALL)
_STEP = re.compile(r"([-+]?[\d._]+(?:[eE][-+]?\d+)?|\(.+\))\s*s", re.DOTALL)
_PLAIN = re.compile(r"[\w.@/-]+")
_MAKERS = {
    "linspace": ("num", "endpoint"),
    "logspace": ("num", "endpoint", "base"),
    "geomspace": ("num", "endpoint"),
    "arange": (),
}
"""Functions that are computed exactly, with their named arguments."""
_RANGE_HINT = "Write {0}=20:50:31 for 31 values, or {0}=20:50:0.5s for steps of 0.5."


class Word(NamedTuple):
    """A parameter as it stands on the line."""

    name: str
    unit: str
    text: str


def parse_word(word: str) -> Word:
    """Take `name[unit]=values` apart.

    Raises:
        CellOptionError: it is not of this form, or the name could not be a variable's.
    """
    match = _WORD.fullmatch(word)
    if not match:
        raise CellOptionError(
            f"{word[:80]!r} is no parameter",
            hint="Write name=values without blanks, or in quotes, such as a=20:50:31 or b=10,16.",
        )
    name, unit, text = unicodedata.normalize("NFKC", match[1]), (match[2] or "").strip(), match[3].strip()
    if not name.isidentifier():
        raise CellOptionError(
            f"{match[1][:80]!r} cannot be a parameter's name",
            hint="Use letters, digits and _, and a letter first; a unit goes into brackets: v[m/s]=1,2.",
        )
    if not text:
        raise CellOptionError(f"{name} has no values", hint=_RANGE_HINT.format(name))
    return Word(name, unit, text)


def parse_values(name: str, text: str, namespace: Mapping[str, Any], *, sampled: bool = False) -> Values:
    """The values in the text after `name=`.

    Args:
        name: the parameter, for messages.
        text: see the module.
        namespace: the user's variables.
        sampled: whether a sample is drawn from the range, so that it needs no count.

    Raises:
        CellOptionError: the text cannot be read or computed, or there are no values.
    """
    try:
        return _Reader(name, namespace, sampled).read(text)
    except CellOptionError as error:
        if error.message.startswith(f"{name}="):
            raise
        raise CellOptionError(f"{name}={short(text)}: {error.message}", hint=error.hint) from error


class _Reader:
    """Reads one parameter's text."""

    def __init__(self, name: str, namespace: Mapping[str, Any], sampled: bool) -> None:
        self._name, self._namespace, self._sampled = name, namespace, sampled

    def read(self, text: str) -> Values:
        items = split_outside(text, ",")
        if len(items) > 1:
            return self._list(items)
        parts = split_outside(text, ":")
        if len(parts) > 1:
            return self._range(parts)
        found, value = literal(text)
        if found:
            return listed([value])
        return self._maker(text) or self._sequence(text)

    def _list(self, items: list[str]) -> Values:
        if not items[-1]:
            items.pop()  # a comma at the end, as in Python
        if not all(items):
            raise CellOptionError("an empty place between two commas", hint="Write an empty text as [''].")
        values = [self._item(item) for item in items]
        for item, value in zip(items, values, strict=True):
            # beside numbers, `1O` and `n-1` are more likely a slip than a text
            slip = value is item and not item.isidentifier() and not literal(item)[0]
            if slip and any(isinstance(other, (int, float, complex)) for other in values):
                raise CellOptionError(
                    f"{short(item)} is no number", hint=f"Write \"{self._name}=[1, '{short(item)}']\" for a text."
                )
        return listed(values)

    def _item(self, text: str) -> Any:
        found, value = literal(text)
        if found:
            return value
        if text.isidentifier():
            if isinstance(self._namespace.get(text), (str, int, float, complex, np.generic)):
                name = self._name
                hint = f"Write \"{name}=['{text}', ...]\" for texts, or {name}=[{text},...] for variables."
                raise CellOptionError(f"{text} could be the text or your variable", hint=hint)
            return text
        if len(split_outside(text, ":")) > 1:
            raise CellOptionError(
                f"a list cannot hold the range {short(text)}", hint="Write [*range(3), 10], or a numpy array."
            )
        names = outer_names(text)
        if names is not None and all(self._known(name) for name in names):
            value = self._evaluate(text)
            if not is_single(value):
                raise CellOptionError(f"{short(text)} in a list is a sequence itself", hint="Write [*first, *second].")
            return value
        if _PLAIN.fullmatch(text):
            return text
        unknown = next((name for name in names or () if not self._known(name)), None)
        what = f"there is no variable {unknown}" if unknown else "it is no Python expression"
        raise CellOptionError(f"{short(text)}: {what}", hint=f"Write a text in quotes: \"{self._name}=['...', ...]\".")

    def _range(self, parts: list[str]) -> Values:
        hint = _RANGE_HINT.format(self._name)
        if len(parts) > 3 or not all(parts):
            raise CellOptionError("a range has a first value, a last one and a count or step", hint=hint)
        first, last = (self._number(part) for part in parts[:2])
        if len(parts) == 2:
            if self._sampled:
                return interval(first, last)
            raise CellOptionError("a range needs a count or a step", hint=hint)
        step = _STEP.fullmatch(parts[2])
        if step:
            return stepped(first, last, self._number(step[1]), inclusive=True)
        count = self._number(parts[2])
        if count.value.denominator != 1:
            raise CellOptionError(
                f"{parts[2]} values cannot be",
                hint=f"The third number is a count; write {self._name}={parts[0]}:{parts[1]}:{parts[2]}s for a step.",
            )
        if count.value == 1 and first.value != last.value:
            raise CellOptionError(
                "one value cannot be both the first and the last",
                hint=f"Write {self._name}={parts[0]} for one value, or {self._name}={':'.join(parts)}s for steps of 1.",
            )
        return counted(first, last, int(count.value))

    def _number(self, text: str) -> Number:
        found, value = literal(text)
        value = value if found else self._evaluate(text)
        if isinstance(value, (str, bytes)):
            raise CellOptionError(f"{short(text)} is a text, and the end of a range is a number")
        return Number.of(text if found else value)  # a literal counts as it is written

    def _known(self, name: str) -> bool:
        return name in self._namespace or name in _BASICS or hasattr(builtins, name)

    def _evaluate(self, text: str) -> Any:
        names = outer_names(text)
        if names is None:
            cut = any(text.count(left) > text.count(right) for left, right in ("()", "[]", "{}"))
            hint = "Write it without blanks, or all of it in quotes." if cut else _RANGE_HINT.format(self._name)
            raise CellOptionError("it cannot be read as Python", hint=hint)
        unknown = [name for name in names if not self._known(name)]
        if unknown == [text]:
            raise CellOptionError(
                f"there is no variable {text}", hint=f"Write {self._name}={text}, with a comma for the text alone."
            )
        scope = {**_BASICS, **self._namespace}
        try:
            return eval(compile(text, f"<{self._name}>", "eval"), scope)
        except Exception as error:
            raise CellOptionError(f"{type(error).__name__}: {error}") from error

    def _sequence(self, text: str) -> Values:
        value = self._evaluate(text)
        if is_single(value):
            if value is None or callable(value):
                raise CellOptionError(f"it is {short(repr(value))}", hint="Give a list, an array, or a number.")
            return listed([value.item() if isinstance(value, np.ndarray) else value])
        if isinstance(value, (Mapping, set, frozenset)):
            raise CellOptionError(f"a {type(value).__name__} has no order", hint=f"Write sorted({short(text)}).")
        if hasattr(value, "columns"):
            raise CellOptionError("it is a table", hint="Name one of its columns, or run its rows with --frame.")
        return listed(value)

    def _maker(self, text: str) -> Values | None:
        """linspace(...) and its like, unless the user has a function of this name that is not numpy's.

        What has further arguments (`*ends`, `dtype=...`) is left to numpy itself.
        """
        tree = expression(text)
        call = tree.body if tree else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _MAKERS):
            return None
        maker = call.func.id
        if self._namespace.get(maker, getattr(np, maker)) is not getattr(np, maker):
            return None
        starred = any(isinstance(node, ast.Starred) for node in call.args)
        if starred or len(call.args) > 3 or not all(word.arg in _MAKERS[maker] for word in call.keywords):
            return None
        arguments = [self._number(ast.get_source_segment(text, node) or "") for node in call.args]
        options = {word.arg or "": ast.get_source_segment(text, word.value) or "" for word in call.keywords}
        if "num" in options and len(arguments) == 2:
            arguments.append(self._number(options.pop("num")))
        base = float(self._number(options.pop("base")).value) if "base" in options else 10.0
        endpoint = bool(self._evaluate(options.pop("endpoint"))) if "endpoint" in options else True
        return from_call(maker, arguments, endpoint=endpoint, base=base)


_BASICS: dict[str, Any] = {"pi": math.pi, **{maker: getattr(np, maker) for maker in _MAKERS}}
"""What an expression has besides the user's variables and Python's own functions."""
