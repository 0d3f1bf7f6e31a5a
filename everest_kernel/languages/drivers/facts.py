"""What a driver notes at the head of the values file.

Lines of text, ended by an empty line: `unmatched PATTERN` for a pattern of `--fetch` that no file matches,
`problem SENTENCE` for anything else that did not come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import IO

from ...wire import ProtocolError
from ..base import Returned

__all__ = ["Facts", "add_facts", "read_facts"]

_LONGEST = 10_000


@dataclass
class Facts:
    """What a driver noted."""

    unmatched: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read_facts(source: IO[bytes]) -> Facts:
    """Read the head of a values file, up to the empty line that ends it.

    Raises:
        ProtocolError: there is no such head.
    """
    facts = Facts()
    while (line := source.readline(_LONGEST).decode("utf-8", "replace").rstrip("\r\n")) != "":
        kind, _, text = line.partition(" ")
        if kind == "unmatched":
            facts.unmatched.append(text)
        elif kind == "problem":
            facts.problems.append(text)
        else:
            raise ProtocolError(f"the values that the program wrote cannot be read: {line[:80]!r}")
    return facts


def add_facts(facts: Facts, back: Returned) -> None:
    """Tell of them among the problems."""
    back.problems += [f"no file matches --fetch {pattern!r}" for pattern in facts.unmatched]
    back.problems += facts.problems
