"""A model of the few expressions of PowerShell that stand for values in a rendered program."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

__all__ = ["assignments"]

_INVARIANT = ", [Globalization.CultureInfo]::InvariantCulture)"
_TYPES = {"double": "f8", "single": "f4", "bool": "?", "sbyte": "i1"} | {
    f"{sign}int{bits}": f"{kind}{bits // 8}" for sign, kind in (("", "i"), ("u", "u")) for bits in (16, 32, 64)
}


def assignments(program: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The values that lines `$NAME = EXPRESSION` assign."""
    assert program.isascii()
    found = {}
    for line in re.findall(r"(?m)^\$(?!everest_|null|global|Out|Error|Progress)(\w+ = .*)$", program):
        name, _, text = line.partition(" = ")
        expression = _Expression(text, files)
        found[name] = expression.value()
        assert expression.at == len(text), text[expression.at :]
    return found


@dataclass
class _Expression:
    text: str
    files: Mapping[str, bytes]
    at: int = 0

    def take(self, word: str) -> bool:
        if not self.text.startswith(word, self.at):
            return False
        self.at += len(word)
        return True

    def need(self, word: str) -> None:
        assert self.take(word), f"{word!r} expected at {self.text[self.at : self.at + 60]!r}"

    def pattern(self, pattern: str) -> str:
        match = re.compile(pattern).match(self.text, self.at)
        assert match, f"{pattern!r} expected at {self.text[self.at : self.at + 60]!r}"
        self.at = match.end()
        return match.group()

    def quoted(self) -> str:
        return self.pattern(r"'[^']*'(?!')")[1:-1]

    def value(self) -> Any:
        for word, value in (("$null", None), ("$true", True), ("$false", False), ("@()", [])):
            if self.take(word):
                return value
        if self.take("[long]::MinValue"):
            return -(2**63)
        for word, read in self.readers().items():
            if self.take(word):
                return read()
        if self.take("("):
            return self.inside()
        if self.text[self.at] == "'":
            return self.quoted()
        return float(self.pattern(r"-?\d+\.\d*"))

    def readers(self) -> dict[str, Any]:
        return {
            "[long]": self.long,
            "[single]": lambda: np.float32(self.value()),
            "[regex]::Unescape(": lambda: self.closed(self.unescaped()),
            "[Convert]::FromBase64String(": lambda: self.closed(base64.b64decode(self.quoted())),
            "[Text.Encoding]::UTF8.GetString(": lambda: self.closed(self.value().decode()),
            "[BitConverter]::Int64BitsToDouble(": lambda: self.closed(
                struct.unpack("<d", struct.pack("<q", self.value()))[0]
            ),
            "[decimal]::Parse(": lambda: self.closed(Decimal(self.quoted()), _INVARIANT),
            "[System.Numerics.BigInteger]::Parse(": lambda: self.closed(int(self.quoted()), _INVARIANT),
            "[ordered]@{": self.dictionary,
            "everest_bytes ": lambda: self.files[self.quoted()],
            "everest_array ": self.array,
        }

    def closed(self, value: Any, end: str = ")") -> Any:
        self.need(end)
        return value

    def long(self) -> int:
        number = int(self.pattern(r"\d+|\(-\d+\)").strip("()"))
        assert abs(number) < 2**63  # otherwise it would be a decimal or a double
        return number

    def unescaped(self) -> str:
        text = self.quoted()
        assert re.fullmatch(r"(\\u[0-9a-f]{4}|[ -\[\]-~])*", text)
        units = [int(u[2:], 16) if len(u) > 1 else ord(u) for u in re.findall(r"\\u.{4}|.", text)]
        return struct.pack(f"<{len(units)}H", *units).decode("utf-16-le")

    def inside(self) -> Any:
        """What is in parentheses: a list of one, an expression, or a list of several."""
        if self.take(", "):
            return self.closed([self.value()])
        items = [self.value()]
        while self.take(", "):
            items.append(self.value())
        return self.closed(items if len(items) > 1 else items[0])

    def dictionary(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not self.take("}"):
            if found:
                self.need("; ")
            key = self.value()
            assert key.lower() not in {other.lower() for other in found}
            self.need(" = ")
            found[key] = self.value()
        return found

    def array(self) -> Any:
        name = self.quoted()
        kind = self.pattern(r" \(\[\w+\]\) ")[3:-3]
        size = int(self.pattern(r"\d+"))
        array = np.frombuffer(self.files[name], f"<{_TYPES[kind]}")
        assert array.size == size
        return array
