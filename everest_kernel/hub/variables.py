"""Variables that the tasks of one job share through the task socket. No I/O.

Everest's verbs: `VAR_GET <name>` is answered by `VAR_VALUE <name> <value>`, with the value `NULL` for a variable that
is not set. `VAR_SET_MD <name> <value>` sets a monotonically decreasing one: the value counts only if it is smaller than
the present one, and then the other tasks of the job are told by VAR_VALUE without asking. A value is a number, or a
number, a colon and data; the number is what is compared. Neither name nor value has white space.
"""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["Heard", "Variables"]

UNSET = "NULL"
_MOST_VARIABLES = 1000
_MOST_NAME = 200
_MOST_CHARACTERS = 16 << 20
"""Of all values of a job together."""


class Heard(NamedTuple):
    """What follows from a message: a text for its sender, a text for the others, or why it changed nothing."""

    answer: str = ""
    others: str = ""
    ignored: str = ""


class Variables:
    """The variables of one job."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._size = 0

    def hear(self, text: str) -> Heard:
        """Act on the text of a TASK_MESSAGE."""
        words = text.split()
        if len(words) == 2 and words[0] == "VAR_GET":
            return Heard(answer=f"VAR_VALUE {words[1]} {self._values.get(words[1], UNSET)}")
        if len(words) == 3 and words[0] == "VAR_SET_MD":
            return self._decrease(words[1], words[2])
        return Heard(ignored=f"{' '.join(words)[:40]!r} is not understood")

    def _decrease(self, name: str, value: str) -> Heard:
        number = _number(value)
        if number is None:
            return Heard(ignored=f"the value {value[:40]!r} does not begin with a number")
        present = self._values.get(name)
        if present is not None and not number < (_number(present) or 0.0):
            return Heard()
        size = self._size + len(value) - len(present or "")
        if len(name) > _MOST_NAME or size > _MOST_CHARACTERS or (present is None and self._full):
            return Heard(ignored=f"there is no room for the variable {name[:40]!r}")
        self._values[name] = value
        self._size = size
        return Heard(others=f"VAR_VALUE {name} {value}")

    @property
    def _full(self) -> bool:
        return len(self._values) >= _MOST_VARIABLES


def _number(value: str) -> float | None:
    try:
        number = float(value.partition(":")[0])
    except ValueError:
        return None
    return None if math.isnan(number) else number
