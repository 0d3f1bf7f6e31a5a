"""Parameter spaces and Everest's plan files: from one to the other."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from ..wire import CellOptionError, Plan
from ..wire.plans import MAX_TASKS
from .axes import Axis
from .condition import Condition
from .listing import Listed, listed
from .ranges import Steps, Values

__all__ = ["MOST_LISTED", "axes_of_plan", "plan_text"]

MOST_LISTED = 100_000
"""Values that a plan may list one by one for one parameter."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_DIGITS = 20
_MOST_LETTERS = 40


def axes_of_plan(plan: Plan) -> tuple[list[Axis], list[str]]:
    """The axes and conditions of a plan; points have the numbers of its tasks.

    Raises:
        CellOptionError: a parameter's name could not be a variable's.
    """
    axes = []
    for name, values in plan.parameters.items():
        if not name.isidentifier():
            raise CellOptionError(
                f"the plan's parameter {name!r} cannot be a variable's name",
                hint=f"Call it {name.replace('-', '_')} in the plan.",
            )
        read = listed([_typed(text) for text in values]) if isinstance(values, tuple) else _steps(values)
        axes.append(Axis(name, {name: read}))
    return axes, [constraint.text for constraint in plan.constraints]


def _steps(values: Any) -> Steps:
    first, step = Fraction(values.first), Fraction(values.step)
    whole = all(
        number == number.to_integral_value() and "." not in str(number) for number in (values.first, values.step)
    )
    return Steps(first, step, len(values), whole)


def _typed(text: str) -> Any:
    """A value as a plan's constraints see it."""
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if math.isfinite(number) else text
    return text


def plan_text(
    axes: Sequence[Axis], where: str, command: str, input_files: Sequence[str], output_files: Sequence[str]
) -> str:
    """A plan whose tasks are a space's points, with the same numbers.

    `${name}` in the command stands for a parameter's value. Parameters that go in step have one parameter in the plan,
    called as their axis (`${zip}`, `${row}`, `${sample}`), with the row's number from 0 on: plans know products only.

    Args:
        axes: the space's.
        where: its condition.
        command: one line.
        input_files: files of the archive for each task's directory.
        output_files: files that are kept.

    Raises:
        CellOptionError: plans have no way to say it: a text with blanks, too long a list, a condition with functions
            or over parameters in step.
    """
    if "\n" in command or not command.strip():
        raise CellOptionError("a plan's command is one line")
    names = {name for axis in axes for name in axis.names}
    condition = Condition(where, sorted(names)) if where else None
    lines = []
    for axis in axes:
        if axis.label in axis.values and len(axis.values) == 1:
            values = axis.values[axis.label]
            exact = condition is not None and axis.label in condition.names
            lines.append(f"parameter {_name(axis.label)} {_words(axis.label, values, exact)}")
        else:
            lines += [f"# {line}" for line in axis.describe()]
            lines.append(f"parameter {_name(axis.label)} from 0 to {axis.size - 1} step 1")
            if condition is not None and condition.names.intersection(axis.names):
                raise _unsaid(f"a condition over {', '.join(axis.names)}, which go in step")
    if input_files:
        lines.append(f"input_files {' '.join(input_files)}")
    lines.append(f"command {command.strip()}")
    if output_files:
        lines.append(f"output_files {' '.join(output_files)}")
    if condition is not None:
        lines.append(f"constraint {_constraint(condition)}")
    return "\n".join(lines) + "\n"


def _unsaid(what: str) -> CellOptionError:
    return CellOptionError(f"an Everest plan cannot have {what}")


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise _unsaid(f"a parameter called {name}")
    return name


def _constraint(condition: Condition) -> str:
    if condition.functions:
        raise _unsaid(f"a condition with {sorted(condition.functions)[0]}()")
    tree = ast.parse(condition.text, mode="eval")
    if any(isinstance(node, ast.Name) and node.id not in condition.names for node in ast.walk(tree)):
        raise _unsaid("pi in a condition")
    return ast.unparse(tree)  # one line, whatever it was


def _words(name: str, values: Values, exact: bool) -> str:
    """The rest of a parameter's line. `exact`: a condition compares the values, which the plan has as texts."""
    if isinstance(values, Steps):
        found = _decimal_range(values)
        if found:
            return found
    if values.size > MOST_LISTED:
        raise _unsaid(f"a list of {values.size:,} values, which {name} would need")
    column = values.take(np.arange(values.size, dtype=np.int64)).tolist()
    words = [value if isinstance(value, str) else repr(value) for value in column]
    if words[0] == "from":
        raise _unsaid(f"'from' as the first value of {name}")
    for word, value in zip(words, column, strict=True):
        if not isinstance(value, (bool, int, float, str)) or word.split() != [word]:
            raise _unsaid(f"the value {word[:80]!r} of {name}")
        if exact and isinstance(values, Listed) and _typed(word) != value:
            raise _unsaid(f"a condition over {name}, whose value {value!r} would be taken for {_typed(word)!r}")
    return " ".join(words)


def _decimal_range(values: Steps) -> str | None:
    """`from A to B step S`, if the three are short decimals and a plan finds as many values in it."""
    if values.size == 1 or values.size >= MAX_TASKS:
        return None
    texts = [_decimal(number) for number in (values.first, values.last, values.step)]
    if None in texts:
        return None
    first, last, step = (Decimal(text or "0") for text in texts)
    if int((last - first) / step) + 1 != values.size:
        return None
    return f"from {texts[0]} to {texts[1]} step {texts[2]}"


def _decimal(number: Fraction) -> str | None:
    """The decimal, if it ends within 20 digits before and after the point."""
    scaled = number * 10**_DIGITS
    if scaled.denominator != 1 or abs(number) >= 10**_DIGITS:
        return None
    sign, digits = "-" if scaled < 0 else "", str(abs(int(scaled))).rjust(_DIGITS + 1, "0")
    text = f"{sign}{digits[:-_DIGITS]}.{digits[-_DIGITS:]}".rstrip("0").rstrip(".")
    return text if len(text) <= _MOST_LETTERS else None
