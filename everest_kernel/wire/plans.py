"""Everest's parameter-sweep plans: which tasks a sweep has. No I/O; tasks are made one at a time, when asked for.

Directives, one a line; the four first are Everest's, the last two are ours, because Everest's spelling of them is
unknown::

    parameter NAME from A to B step S       a range; B is included
    parameter NAME value value …            a list
    input_files FILE …                      of the sweep's archive, into the task's directory
    command REST OF THE LINE                run for each task, without a shell
    output_files FILE …                     of the task's directory, into the results; stdout and stderr are legal
    constraint EXPRESSION                   keep only the points for which this is true
    criterion minimize|maximize FILE [best N]   keep only the N best tasks' results (default: 1)

`${NAME}` stands for a parameter's value in input files, command, output files and the criterion's file. There is one
task for each element of the product of all parameters; the last parameter varies fastest, and a task's number is its
place in the product, counted from 0, whether or not constraints leave others out. Lines that begin with # are notes.

A constraint has numbers, quoted strings, parameters, arithmetic, comparisons, `and`, `or`, `not`, `in` and
parentheses: `constraint x + y <= 1 and model != "slow"`. A value that reads as a number is one there.
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from .constraints import Constraint
from .errors import ProtocolError
from .files import safe_path
from .templates import CommandTemplate, places_in, substitute

__all__ = ["MAX_TASKS", "Criterion", "Plan", "PlannedTask", "parse_plan"]

MAX_TASKS = 10_000_000
MAX_LINES = 10_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")
_RANGE = ("from", "to", "step")


@dataclass(frozen=True)
class _Range:
    """Values from a first one on, in equal steps, exact in decimals."""

    first: Decimal
    step: Decimal
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> str:
        text = format(self.first + index * self.step, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text


_Values: TypeAlias = "_Range | tuple[str, ...]"


class Criterion(NamedTuple):
    """Keep only the `best` tasks: those whose `file` begins with the smallest (or largest) number."""

    maximize: bool
    file: str
    best: int


class PlannedTask(NamedTuple):
    """One task of a sweep.

    Attributes:
        number: its place in the product.
        values: parameter to value, as text.
        input_files: paths in the sweep's archive, and in the task's directory.
        output_files: paths in the task's directory, `stdout` and `stderr` included.
    """

    number: int
    values: dict[str, str]
    command: str
    input_files: tuple[str, ...]
    output_files: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """A parsed plan. Make it with `parse_plan`."""

    parameters: dict[str, _Values]
    command: str
    input_files: tuple[str, ...] = ()
    output_files: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    criterion: Criterion | None = None
    _template: CommandTemplate = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_template", CommandTemplate(self.command))

    @cached_property
    def size(self) -> int:
        """Elements of the product, those included that constraints leave out."""
        return math.prod(len(values) for values in self.parameters.values())

    def values(self, number: int) -> dict[str, str]:
        """The point of this number: parameter to value.

        Raises:
            IndexError: there is none.
        """
        if not 0 <= number < self.size:
            raise IndexError(number)
        point: dict[str, str] = {}
        for name, values in reversed(self.parameters.items()):
            number, index = divmod(number, len(values))
            point[name] = values[index]
        return {name: point[name] for name in self.parameters}

    def allows(self, values: dict[str, str]) -> bool:
        """Whether every constraint holds at a point.

        Raises:
            ProtocolError: a constraint cannot be computed there.
        """
        return all(constraint.holds(values) for constraint in self.constraints)

    def task(self, number: int) -> PlannedTask:
        """The task of this number.

        Raises:
            IndexError: there is none.
            ProtocolError: a file's name is not a relative path that stays inside.
        """
        values = self.values(number)
        inputs, outputs = _paths(self.input_files, values), _paths(self.output_files, values)
        return PlannedTask(number, values, self._template.fill(values), inputs, outputs)

    def outputs(self, number: int) -> tuple[str, ...]:
        """The output files of a task alone; see `task`."""
        return _paths(self.output_files, self.values(number))

    def numbers(self, start: int = 0, look: int = 200) -> Iterator[int | None]:
        """Numbers of the tasks that constraints allow, from `start` on.

        Gives None after each `look` points that were left out, so that a caller who shares a thread can breathe.
        """
        if not self.constraints:
            yield from range(start, self.size)
            return
        passed = 0
        for number in range(start, self.size):
            if self.allows(self.values(number)):
                passed = 0
                yield number
            else:
                passed += 1
                if passed % look == 0:
                    yield None


def _paths(names: tuple[str, ...], values: dict[str, str]) -> tuple[str, ...]:
    # names without a place were checked with the plan: there can be a million tasks
    return tuple(str(safe_path(substitute(name, values))) if "${" in name else name for name in names)


def parse_plan(text: str) -> Plan:
    """Read a plan.

    Raises:
        ProtocolError: with the line's number: an unknown or malformed directive, a place without a parameter, no
            command, an empty range, or more than `MAX_TASKS` tasks.
    """
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise ProtocolError(f"the plan has {len(lines):,} lines; the limit is {MAX_LINES:,}")
    reader = _Reader()
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.read(words[0], words[1:], line.strip())
        except ProtocolError as error:
            raise ProtocolError(f"line {number} of the plan: {error.message}") from error
    return reader.plan()


class _Reader:
    """Collects directives."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {"parameters": {}, "input_files": (), "output_files": (), "constraints": ()}

    def read(self, directive: str, words: list[str], line: str) -> None:
        rest = line[len(directive) :].strip()
        if not rest:
            raise ProtocolError(f"{directive} of what?")
        if directive == "parameter":
            self._parameter(words)
        elif directive in ("input_files", "output_files"):
            self.parts[directive] += tuple(words)
        elif directive == "constraint":
            self.parts["constraints"] += (Constraint(rest),)
        elif directive in ("command", "criterion"):
            if directive in self.parts:
                raise ProtocolError(f"a second {directive}")
            self.parts[directive] = rest if directive == "command" else _criterion(words)
        else:
            known = "parameter, input_files, command, output_files, constraint, criterion"
            raise ProtocolError(f"unknown directive {directive[:80]!r} (known: {known})")

    def _parameter(self, words: list[str]) -> None:
        name, *values = words
        if not _NAME.match(name):
            raise ProtocolError(f"{name[:80]!r} is not a parameter's name")
        if name in self.parts["parameters"]:
            raise ProtocolError(f"a second parameter {name!r}")
        if not values:
            raise ProtocolError(f"the parameter {name!r} has no values")
        self.parts["parameters"][name] = _range(name, values) if values[0] == "from" else tuple(values)

    def plan(self) -> Plan:
        if "command" not in self.parts:
            raise ProtocolError("the plan has no command")
        plan = Plan(**self.parts)
        texts = [plan.command, *plan.input_files, *plan.output_files]
        texts += [plan.criterion.file] if plan.criterion else []
        used = {name for text in texts for name in places_in(text)}
        used |= {name for constraint in plan.constraints for name in constraint.names}
        unknown = sorted(used - set(plan.parameters))
        if unknown:
            raise ProtocolError(f"the plan uses {unknown[0][:80]!r}, which is no parameter of it")
        if plan.size > MAX_TASKS:
            raise ProtocolError(f"the plan has {plan.size:,} tasks; the limit is {MAX_TASKS:,}")
        for name in (*plan.input_files, *plan.output_files):
            if "${" not in name and str(safe_path(name)) != name:
                raise ProtocolError(f"{name[:80]!r} is not a plain path")
        plan.task(0)  # its other file names are paths, as far as the first point can tell
        return plan


def _range(name: str, words: Sequence[str]) -> _Range:
    if len(words) != 6 or (words[0], words[2], words[4]) != _RANGE:
        raise ProtocolError(f"write `parameter {name} from A to B step S`")
    first, last, step = (_number(words[index]) for index in (1, 3, 5))
    if step == 0 or (last - first) / step < 0:
        raise ProtocolError(f"the range of {name!r} is empty: from {words[1]} to {words[3]} step {words[5]}")
    steps = (last - first) / step
    if steps >= MAX_TASKS:
        raise ProtocolError(f"the range of {name!r} has more than {MAX_TASKS:,} values")
    return _Range(first, step, int(steps) + 1)


def _number(word: str) -> Decimal:
    try:
        number = Decimal(word)
    except decimal.InvalidOperation:
        raise ProtocolError(f"{word[:80]!r} is not a number") from None
    if not number.is_finite() or abs(number.adjusted()) > 20 or len(word) > 40:
        raise ProtocolError(f"{word[:80]!r} is out of range")
    return number


def _criterion(words: list[str]) -> Criterion:
    kinds = {"minimize": False, "maximize": True}
    if words[0] not in kinds or len(words) not in (2, 4) or (len(words) == 4 and words[2] != "best"):
        raise ProtocolError("write `criterion minimize FILE`, or `criterion maximize FILE best N`")
    best = words[3] if len(words) == 4 else "1"
    if not (best.isascii() and best.isdigit() and 0 < int(best) <= MAX_TASKS):
        raise ProtocolError(f"{best[:80]!r} is not a number of tasks")
    return Criterion(kinds[words[0]], words[1], int(best))
