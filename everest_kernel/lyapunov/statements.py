"""What is computed at every stage of a step: right-hand sides and the Jacobian's entries, shared parts once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .expressions import real_symbol
from .printing import Printer

if TYPE_CHECKING:
    import sympy

    from .system import System

__all__ = ["Entry", "Statements", "statements"]


@dataclass(frozen=True)
class Entry:
    """An entry of the Jacobian that is not always zero.

    Attributes:
        row: i of ∂f_i / ∂x_j.
        column: j.
        code: a name, or a number.
    """

    row: int
    column: int
    code: str

    @property
    def sign(self) -> int:
        """Of its code; what a name stands for may have another one."""
        return -1 if self.code.startswith("-") else 1

    @property
    def size(self) -> str:
        """The code without its sign."""
        return self.code.removeprefix("-")

    def times(self, vector: str) -> str:
        """Its term in J·v, with a sign in front."""
        return f"{'-' if self.sign < 0 else '+'} {vector if self.size == '1.0' else f'{self.size}*{vector}'}"


@dataclass(frozen=True)
class Statements:
    """The code of one evaluation.

    States are called `S0_`, `S1_`, …, parameters `p0_`, …, time `t_`; what the user called them does not appear, so
    that no name can collide with one of the generated code.

    Attributes:
        shared: names and code of temporaries that the right-hand sides need.
        rates: code of the right-hand sides.
        more: further temporaries, for the Jacobian.
        jacobian: its entries, row after row.
        last: temporaries for the divergence alone.
        divergence: code of the Jacobian's trace.
    """

    shared: tuple[tuple[str, str], ...]
    rates: tuple[str, ...]
    more: tuple[tuple[str, str], ...]
    jacobian: tuple[Entry, ...]
    last: tuple[tuple[str, str], ...]
    divergence: str

    @property
    def varying(self) -> tuple[str, ...]:
        """Names of the Jacobian's entries that are not numbers, each once."""
        names = [e.code.lstrip("-") for e in self.jacobian if not _NUMBER.fullmatch(e.code)]
        return tuple(dict.fromkeys(names))

    def tangent(self, row: int, vector: list[str]) -> str:
        """Code of row i of J·v."""
        terms = [e.times(vector[e.column]) for e in self.jacobian if e.row == row]
        return " ".join(terms).removeprefix("+ ") or "0.0"


_NUMBER = re.compile(r"-?[\d.]+(e[-+]?\d+)?")


def statements(system: System) -> Statements:
    """The code of a system's right-hand sides and Jacobian.

    Raises:
        NotImplementedError: an equation holds something that there is no code for.
    """
    import sympy

    jacobian = system.jacobian()
    places = [(r, c) for r, row in enumerate(jacobian) for c, entry in enumerate(row) if entry != 0]
    outputs = [*system.equations, *(jacobian[r][c] for r, c in places), system.divergence()]
    symbols = (sympy.Symbol(f"w{i}_", real=True) for i in range(10**6))
    common, reduced = sympy.cse(outputs, symbols=symbols, order="none")
    n = len(system.states)
    printer = Printer(_names(system), "T")
    rates, shared = _group(printer, common, reduced[:n], printer.code)
    codes, more = _group(printer, common, reduced[n:-1], lambda e: _signed_atom(printer, e))
    (divergence,), last = _group(printer, common, reduced[-1:], printer.code)
    entries = tuple(Entry(r, c, code) for (r, c), code in zip(places, codes, strict=True))
    return Statements(shared, rates, more, entries, last, divergence)


def _group(
    printer: Printer,
    common: list[tuple[sympy.Symbol, sympy.Expr]],
    outputs: list[sympy.Expr],
    write: Callable[[sympy.Expr], str],
) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """The code of some outputs, and the temporaries that they need beside those that are there already."""
    first = len(printer.statements)
    needed = _needed(common, outputs)
    for symbol, expression in common:
        if symbol in needed and not printer.knows(symbol):
            printer.share(symbol, expression)
    codes = tuple(write(output) for output in outputs)
    return codes, tuple(printer.statements[first:])


def _names(system: System) -> dict[sympy.Symbol, str]:
    names = {s: f"S{i}_" for i, s in enumerate(system.states)} | {p: f"p{i}_" for i, p in enumerate(system.parameters)}
    if system.driven:
        names["t"] = "t_"
    return {real_symbol(name): code for name, code in names.items()}


def _needed(common: list[tuple[sympy.Symbol, sympy.Expr]], outputs: list[sympy.Expr]) -> set[sympy.Symbol]:
    """The shared subexpressions on which these outputs depend."""
    needed: set[sympy.Symbol] = set()
    for output in outputs:
        needed |= output.free_symbols
    for symbol, expression in reversed(common):
        if symbol in needed:
            needed |= expression.free_symbols
    return needed


def _signed_atom(printer: Printer, entry: sympy.Expr) -> str:
    """A name or number, perhaps with a minus, for an entry."""
    if not entry.is_number and entry.could_extract_minus_sign():
        return f"-{printer.atom(-entry)}"
    return printer.atom(entry)
