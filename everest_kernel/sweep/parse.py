"""The `name=values` words of a sweep line.

===========================  =========================================================================================
`a=20:50:31`                 31 values from 20 to 50, both included
`a=20:50:0.5s`               steps of 0.5 from 20 to 50 (50 included when a step hits it)
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
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..wire import CellOptionError
from .ranges import Powers, Steps, Values, listed

__all__ = ["Word", "parse_values", "parse_word", "split_outside"]

_WORD = re.compile(r"\s*([^=\[\]\s]*)\s*(?:\[([^\]]*)\])?\s*=(?!=)(.*)", re.DOTALL)
_STEP = re.compile(r"\s*([-+]?[\d._]+(?:[eE][-+]?\d+)?)\s*s\s*")
_PLAIN = re.compile(r"[\w.@/+-]+")
_LITERALS = {"True": True, "False": False, "None": None}
_MAKERS = ("linspace", "logspace", "geomspace", "arange")
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
            f"{word[:80]!r} is no parameter", hint="Write name=values, such as a=20:50:31 or b=10,16."
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
        raise CellOptionError(f"{name}={_short(text)}: {error.message}", hint=error.hint) from error


def split_outside(text: str, mark: str) -> list[str]:
    """Split at a mark that stands outside brackets and quotes; the parts are stripped."""
    parts, depth, quote, start, index = [], 0, "", 0, 0
    while index < len(text):
        letter = text[index]
        if quote:
            index += letter == "\\"  # what is escaped does not end the text
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == mark and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
        index += 1
    return [*parts, text[start:].strip()]


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
        found, value = _literal(text)
        if found:
            return listed([value])
        return self._maker(text) or self._sequence(text)

    def _list(self, items: list[str]) -> Values:
        if not items[-1]:
            items.pop()  # a comma at the end, as in Python
        if not all(items):
            raise CellOptionError("an empty place between two commas", hint="Write an empty text as [''].")
        return listed([self._item(item) for item in items])

    def _item(self, text: str) -> Any:
        found, value = _literal(text)
        if found:
            return value
        if text.isidentifier():
            if isinstance(self._namespace.get(text), (str, int, float, complex, np.generic)):
                raise CellOptionError(
                    f"{text} could be the text or your variable",
                    hint=f"Write \"{self._name}=['{text}', ...]\" for texts, or {self._name}=[{text},...] for variables.",
                )
            return text
        if len(split_outside(text, ":")) > 1:
            raise CellOptionError(
                f"a list cannot hold the range {_short(text)}", hint="Write [*range(3), 10], or a numpy array."
            )
        names = _names(text)
        if names is not None and all(self._known(name) for name in names):
            value = self._evaluate(text)
            if np.ndim(value) and not isinstance(value, str):
                raise CellOptionError(f"{_short(text)} in a list is a sequence itself", hint="Write [*first, *second].")
            return value
        if _PLAIN.fullmatch(text):
            return text
        unknown = next((name for name in names or () if not self._known(name)), None)
        what = f"there is no variable {unknown}" if unknown else "it is no Python expression"
        raise CellOptionError(f"{_short(text)}: {what}", hint=f"Write a text in quotes: \"{self._name}=['...', ...]\".")

    def _range(self, parts: list[str]) -> Values:
        hint = _RANGE_HINT.format(self._name)
        if len(parts) > 3 or not all(parts):
            raise CellOptionError("a range has a first value, a last one and a count or step", hint=hint)
        first, last = (self._number(part) for part in parts[:2])
        if len(parts) == 2:
            if self._sampled:
                return _interval(first, last)
            raise CellOptionError("a range needs a count or a step", hint=hint)
        step = _STEP.fullmatch(parts[2])
        if step:
            return _stepped(first, last, self._number(step[1]), inclusive=True)
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
        return _counted(first, last, int(count.value))

    def _number(self, text: str) -> _Number:
        found, value = _literal(text)
        if not found:
            value = self._evaluate(text)
        return _Number.of(text if found else value)

    def _known(self, name: str) -> bool:
        return name in self._namespace or name in _BASICS or hasattr(builtins, name)

    def _evaluate(self, text: str) -> Any:
        names = _names(text)
        if names is None:
            raise CellOptionError("it cannot be read as Python", hint=_RANGE_HINT.format(self._name))
        unknown = [name for name in names if not self._known(name)]
        if unknown == [text]:
            raise CellOptionError(
                f"there is no variable {text}", hint=f"Write \"{self._name}='{text}'\" for the text alone."
            )
        scope = {**_BASICS, **self._namespace}
        try:
            return eval(compile(text, f"<{self._name}>", "eval"), scope)
        except Exception as error:
            raise CellOptionError(f"{type(error).__name__}: {error}") from error

    def _sequence(self, text: str) -> Values:
        value = self._evaluate(text)
        if isinstance(value, (str, bytes)) or (np.ndim(value) == 0 and not isinstance(value, Iterable)):
            if value is None or callable(value):
                raise CellOptionError(f"it is {_short(repr(value))}", hint="Give a list, an array, or a number.")
            return listed([value])
        if isinstance(value, (Mapping, set, frozenset)):
            raise CellOptionError(f"a {type(value).__name__} has no order", hint=f"Write sorted({_short(text)}).")
        if hasattr(value, "columns"):
            raise CellOptionError("it is a table", hint="Name one of its columns, or run its rows with --frame.")
        return listed(value)

    def _maker(self, text: str) -> Values | None:
        """linspace(...) and its like, unless the user has a function of this name that is not numpy's."""
        tree = _tree(text)
        call = tree.body if tree else None
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _MAKERS):
            return None
        maker = call.func.id
        if self._namespace.get(maker, getattr(np, maker)) is not getattr(np, maker):
            return None
        arguments = [self._number(ast.get_source_segment(text, node) or "") for node in call.args]
        options = {word.arg or "": ast.get_source_segment(text, word.value) or "" for word in call.keywords}
        return self._made(maker, arguments, options)

    def _made(self, maker: str, arguments: list[_Number], options: dict[str, str]) -> Values:
        if maker == "arange":
            if options or not 1 <= len(arguments) <= 3:
                raise CellOptionError("arange takes a first value, an end, which is left out, and a step")
            whole = _Number(Fraction(1), True)
            first, last = arguments[:2] if len(arguments) > 1 else (whole._replace(value=Fraction(0)), arguments[0])
            return _stepped(first, last, arguments[2] if len(arguments) > 2 else whole, inclusive=False)
        usage = f"write {maker}(first, last, count)"
        if "num" in options:
            arguments = [*arguments, self._number(options.pop("num"))]
        base = self._number(options.pop("base")) if maker == "logspace" and "base" in options else None
        endpoint = bool(self._evaluate(options.pop("endpoint"))) if "endpoint" in options else True
        if len(arguments) != 3 or options or arguments[2].value.denominator != 1:
            raise CellOptionError(usage)
        first, last, count = arguments[0], arguments[1], int(arguments[2].value)
        if maker == "geomspace":
            return _geometric(first, last, count, endpoint)
        exponents = _counted(first._replace(whole=False), last, count, endpoint)
        return exponents if maker == "linspace" else _powers(exponents, float(base.value) if base else 10.0)


class _Number(NamedTuple):
    """An exact number, and whether it is written as a whole one."""

    value: Fraction
    whole: bool

    @staticmethod
    def of(source: Any) -> _Number:
        """From a literal's text, or a value: a float counts as the shortest decimal that means it."""
        if isinstance(source, np.generic):
            source = source.item()
        if isinstance(source, bool) or not isinstance(source, (str, int, float, Fraction, Decimal)):
            raise CellOptionError(f"{_short(str(source))} is not a number")
        if isinstance(source, (int, Fraction)):
            return _Number(Fraction(source), isinstance(source, int))
        text = source if isinstance(source, str) else str(source)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise CellOptionError(f"{_short(text)} is not a number") from None
        if not number.is_finite() or abs(number.adjusted()) > 400 or len(text) > 400:
            raise CellOptionError(f"{_short(text)} cannot be an end or step of a range")
        return _Number(
            Fraction(number), isinstance(source, str) and re.fullmatch(r"[-+]?[\d_]+", text.strip()) is not None
        )


def _counted(first: _Number, last: _Number, count: int, endpoint: bool = True) -> Steps:
    if count < 1:
        raise CellOptionError(f"there are no values: the count is {count}")
    gaps = count - 1 if endpoint else count
    step = (last.value - first.value) / gaps if gaps else Fraction(0)
    if count > 1 and step == 0:
        raise CellOptionError(f"{count:,} values between two ends that are equal", hint="One value is written alone.")
    whole = first.whole and last.whole and step.denominator == 1
    return Steps(first.value, step, count, whole)


def _stepped(first: _Number, last: _Number, step: _Number, *, inclusive: bool) -> Steps:
    if step.value == 0:
        raise CellOptionError("a step of 0 gets nowhere")
    steps = (last.value - first.value) / step.value
    count = math.floor(steps) + 1 if inclusive else math.ceil(steps)
    if count < 1:
        wrong = steps < 0
        hint = "The step leads away from the end: change its sign." if wrong else None
        raise CellOptionError("there are no values", hint=hint)
    return Steps(first.value, step.value, count, first.whole and step.whole)


def _interval(first: _Number, last: _Number) -> Steps:
    if first.whole and last.whole:
        sign = 1 if last.value >= first.value else -1
        return Steps(first.value, Fraction(sign), abs(int(last.value - first.value)) + 1, True)
    if first.value == last.value:
        raise CellOptionError("the ends are equal", hint="One value is written alone.")
    return Steps(first.value, last.value - first.value, 2, False)


def _powers(exponents: Steps, base: float) -> Powers:
    if not base > 0:
        raise CellOptionError(f"the base is {base:g}, and must be positive")
    try:
        base ** float(exponents.first), base ** float(exponents.last)
    except OverflowError:
        raise CellOptionError("numbers beyond the range of floats") from None
    return Powers(exponents, base)


def _geometric(first: _Number, last: _Number, count: int, endpoint: bool) -> Powers:
    low, high = float(first.value), float(last.value)
    if not low * math.copysign(1.0, high) > 0 or high == 0:
        raise CellOptionError("geomspace needs two ends of the same sign, and none of them 0")
    ratio = _Number(Fraction(math.log10(high / low)), False)
    exponents = _counted(_Number(Fraction(0), False), ratio, count, endpoint)
    return Powers(exponents, 10.0, low, high if endpoint and count > 1 else None)


def _literal(text: str) -> tuple[bool, Any]:
    """Whether a text is a literal, and its value."""
    if text in _LITERALS:
        return True, _LITERALS[text]
    for kind in (int, float):
        try:
            return True, kind(text)
        except ValueError:
            continue
    if text[:1] in "'\"" or text[:2] in ("b'", 'b"', "r'", 'r"'):
        try:
            return True, ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return False, None
    return False, None


def _tree(text: str) -> ast.Expression | None:
    try:
        return ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _names(text: str) -> list[str] | None:
    """The variables that an expression reads from outside, or None when it is no expression."""
    tree = _tree(text)
    if tree is None:
        return None
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return [node.id for node in names if node.id not in bound]


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:79] + "…"


_BASICS: dict[str, Any] = {"pi": math.pi, **{maker: getattr(np, maker) for maker in _MAKERS}}
"""What an expression has besides the user's variables and Python's own functions."""
