"""What writers of values as expressions of a language have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..wire import ValueRefusedError

__all__ = ["Expressions"]


@dataclass
class Expressions(ABC):
    """Expressions for values, and the files that those name. Derive, set `hint`, and write `_value`.

    Attributes:
        attachments: contents of files by name.
        sizes: bytes that each value takes.
        hint: what can go, for the error about a value that cannot.
    """

    attachments: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    _name: str = ""

    hint: ClassVar[str]

    def input(self, name: str, value: Any) -> str:
        """An expression for an input.

        Raises:
            ValueRefusedError: the language has no such value.
        """
        self._name = name
        before = sum(map(len, self.attachments.values()))
        text = self._value(value, 0)
        self.sizes[name] = len(text.encode()) + sum(map(len, self.attachments.values())) - before
        return text

    @abstractmethod
    def _value(self, value: Any, depth: int) -> str:
        """An expression for a value, `depth` levels deep in others."""

    def refused(self, why: str) -> ValueRefusedError:
        """The error for the input that is being written."""
        return ValueRefusedError(f"{self._name}: {why}", name=self._name, hint=self.hint)
