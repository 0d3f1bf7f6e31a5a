"""Ranges from their ends: exact numbers in, values out."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from ..wire import CellOptionError
from .ranges import Powers, Steps, Values
from .snippets import short

__all__ = ["Number", "counted", "from_call", "geometric", "interval", "powers", "stepped"]


class Number(NamedTuple):
    """An exact number, and whether it is written as a whole one."""

    value: Fraction
    whole: bool

    @staticmethod
    def of(source: Any) -> Number:
        """From a literal's text, or a value: a float counts as the shortest decimal that means it."""
        if isinstance(source, np.generic):
            source = source.item()
        if isinstance(source, bool) or not isinstance(source, (str, int, float, Fraction, Decimal)):
            raise CellOptionError(f"{short(str(source))} is not a number")
        if isinstance(source, (int, Fraction)):
            return Number(_bounded(Fraction(source)), isinstance(source, int))
        text = source if isinstance(source, str) else str(source)
        try:
            number = Decimal(text)
        except InvalidOperation:
            raise CellOptionError(f"{short(text)} is not a number") from None
        if not number.is_finite() or abs(number.adjusted()) > 400 or len(text) > 400:
            raise CellOptionError(f"{short(text)} cannot be an end or step of a range")
        whole = isinstance(source, str) and re.fullmatch(r"[-+]?[\d_]+", text.strip()) is not None
        return Number(_bounded(Fraction(number)), whole)


def from_call(maker: str, arguments: Sequence[Number], *, endpoint: bool = True, base: float = 10.0) -> Values:
    """What numpy's function of this name gives, exactly rounded.

    Args:
        maker: `linspace`, `logspace`, `geomspace` or `arange`.
        arguments: those without a name.
        endpoint: whether the last value is one of them.
        base: of logspace.

    Raises:
        CellOptionError: wrong arguments, or no values.
    """
    if maker == "arange":
        if not 1 <= len(arguments) <= 3:
            raise CellOptionError("arange takes a first value, an end, which is left out, and a step")
        first, last = arguments[:2] if len(arguments) > 1 else (Number(Fraction(0), True), arguments[0])
        step = arguments[2] if len(arguments) > 2 else Number(Fraction(1), True)
        return stepped(first, last, step, inclusive=False)
    if len(arguments) != 3 or arguments[2].value.denominator != 1:
        raise CellOptionError(f"{maker} takes a first value, a last one and a count")
    first, last, count = arguments[0], arguments[1], int(arguments[2].value)
    if maker == "geomspace":
        return geometric(first, last, count, endpoint)
    steps = counted(first._replace(whole=False), last, count, endpoint)
    return steps if maker == "linspace" else powers(steps, base)


def counted(first: Number, last: Number, count: int, endpoint: bool = True) -> Steps:
    """So many values in equal steps; ints where the ends are written as ints and the step is whole."""
    if count < 1:
        raise CellOptionError(f"there are no values: the count is {count}")
    gaps = count - 1 if endpoint else count
    step = (last.value - first.value) / gaps if gaps else Fraction(0)
    if count > 1 and step == 0:
        raise CellOptionError(f"{count:,} values between two ends that are equal", hint="One value is written alone.")
    whole = first.whole and last.whole and step.denominator == 1
    return Steps(first.value, step, count, whole)


def stepped(first: Number, last: Number, step: Number, *, inclusive: bool) -> Steps:
    """Steps up to an end, which is one of them if a step hits it and `inclusive` is true."""
    if step.value == 0:
        raise CellOptionError("a step of 0 gets nowhere")
    steps = (last.value - first.value) / step.value
    count = math.floor(steps) + 1 if inclusive else math.ceil(steps)
    if count < 1:
        wrong = steps < 0
        hint = "The step leads away from the end: change its sign." if wrong else None
        raise CellOptionError("there are no values", hint=hint)
    return Steps(first.value, step.value, count, first.whole and step.whole)


def interval(first: Number, last: Number) -> Steps:
    """What a sample is drawn from: all ints between two ints, else everything between the ends."""
    if first.whole and last.whole:
        sign = 1 if last.value >= first.value else -1
        return Steps(first.value, Fraction(sign), abs(int(last.value - first.value)) + 1, True)
    if first.value == last.value:
        raise CellOptionError("the ends are equal", hint="One value is written alone.")
    return Steps(first.value, last.value - first.value, 2, False)


def powers(exponents: Steps, base: float) -> Powers:
    """Powers of a base for exponents in equal steps."""
    if not base > 0:
        raise CellOptionError(f"the base is {base:g}, and must be positive")
    try:
        base ** float(exponents.first), base ** float(exponents.last)
    except OverflowError:
        raise CellOptionError("numbers beyond the range of floats") from None
    return Powers(exponents, base)


def geometric(first: Number, last: Number, count: int, endpoint: bool) -> Powers:
    """Values in equal ratios between two ends, which are exact."""
    low, high = float(first.value), float(last.value)
    if not (low < 0 > high or low > 0 < high):
        raise CellOptionError("geomspace needs two ends of the same sign, and none of them 0")
    quotient = high / low
    # the logarithm of a quotient is the more exact one, as long as it is a float
    exponent = math.log10(quotient) if 0 < quotient < math.inf else math.log10(abs(high)) - math.log10(abs(low))
    ratio = Number(Fraction(exponent), False)
    exponents = counted(Number(Fraction(0), False), ratio, count, endpoint)
    return Powers(exponents, 10.0, low, high if endpoint and count > 1 else None)


def _bounded(number: Fraction) -> Fraction:
    if abs(number) > Fraction(sys.float_info.max):
        raise CellOptionError("numbers beyond the range of floats")
    return number
