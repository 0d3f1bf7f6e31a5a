"""Text to equations. The text is parsed, never executed: what is not arithmetic on names and known functions fails."""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .expressions import ALIASES, call, constant, number, piecewise, power, product, real_symbol, total
from .names import CONSTANTS, FUNCTIONS, EquationError, check_names, suggestion

if TYPE_CHECKING:
    import sympy

__all__ = ["Equations", "Reader", "read_equations"]


@dataclass(frozen=True)
class Equations:
    """Equations of first order, as every source gives them."""

    states: tuple[str, ...]
    right: tuple[Any, ...]
    """Right-hand sides: sympy expressions, one for each state."""
    names: tuple[str, ...]
    """All other names in them, in order of first use; t among them where it occurs."""


_PRIMES = str.maketrans({"′": "'", "’": "'", "‘": "'", "″": "''", "‴": "'''"})
_SIGNS = str.maketrans({"·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-", "≤": "<=", "≥": ">=", "≠": "!=", "π": "pi"})
_SUPERSCRIPTS = str.maketrans({"²": "**2", "³": "**3", "⁴": "**4", "⁵": "**5", "^": "**"})
_DOTS = {"\u0307": "'", "\u0308": "''", "\u20db": "'''"}
_NAME = r"[^\W\d]\w*"
_LEFT = (
    re.compile(rf"(?P<name>{_NAME})\s*(?P<primes>'*)"),
    re.compile(rf"d\s*(?:(?:\*\*)?(?P<order>[123]))?\s*(?P<name>{_NAME})\s*/\s*d\s*t\s*(?:(?:\*\*)?(?P<below>[123]))?"),
    re.compile(rf"\\?(?P<dots>d{{1,3}})ot\s*[({{\s]\s*(?P<name>{_NAME})\s*[)}}]?"),
    re.compile(rf"(?P<name>{_NAME}?)_?(?P<dots>d{{1,3}})ot"),
)
_SEPARATOR = re.compile(r"\|->|->|→|↦|:=|(?<![<>!=:])=(?!=)")


def read_equations(text: str, *, kind: str, taken: Collection[str] = ()) -> Equations:
    """Reads a whole system.

    Flows: `x' = …`, `dx/dt = …`, `ẋ = …`, `xdot = …`, and higher orders `x'' = …`, which add the states dx, ddx.
    Maps: `x -> …` or `x' = …`. Equations are parted by newlines, `;` or commas; `#` begins a comment; `^` is power.

    Args:
        text: the equations.
        kind: "flow" or "map".
        taken: names that are states or parameters even if they are also constants (e).

    Raises:
        EquationError: text that cannot be read; the message quotes the equation.
    """
    sides = [_sides(piece, kind) for piece in _pieces(_plain(text))]
    if not sides:
        raise EquationError("there is no equation in the text")
    orders: dict[str, int] = {}
    for name, order, _ in sides:
        if name in orders:
            raise EquationError(f"there are two equations for {name}; each state has one")
        orders[name] = order
    states = [f"{'d' * i}{name}" for name, order in orders.items() for i in range(order)]
    for name, order in orders.items():
        if order > 1 and len(set(states)) < len(states):
            lower = ", ".join(f"{'d' * i}{name}" for i in range(1, order))
            raise EquationError(f"the equation of {name} adds the states {lower}: call no other state so")
    check_names(states, "state")
    reader = Reader({*states, *taken})
    right: list[Any] = []
    for name, order, side in sides:
        right += [real_symbol(f"{'d' * i}{name}") for i in range(1, order)]
        right.append(reader.read(_lowered(side, orders, name), name))
    return Equations(tuple(states), tuple(right), tuple(n for n in reader.names if n not in states))


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.translate(_PRIMES))
    for mark, primes in _DOTS.items():
        decomposed = decomposed.replace(mark, primes)
    return unicodedata.normalize("NFC", decomposed).translate(_SIGNS).translate(_SUPERSCRIPTS)


def _pieces(text: str) -> list[str]:
    """Parts at newlines, semicolons and commas that stand outside parentheses; an operator goes on with its line."""
    pieces, depth = [""], 0
    continued = re.sub(r"\s*\n\s*(?=[+\-*/%])|(?<=[+\-*/%=(,])\s*\n\s*", " ", re.sub(r"#[^\n]*", "", text))
    for character in continued:
        depth += (character in "([") - (character in ")]")
        if character in ";\n," and depth <= 0:
            pieces.append("")
        else:
            pieces[-1] += " " if character == "\n" else character
    return [piece.strip() for piece in pieces if piece.strip()]


def _sides(piece: str, kind: str) -> tuple[str, int, str]:
    """Name, order and right-hand side of one equation."""
    found = _SEPARATOR.search(piece)
    if found is None:
        wanted = "x' = …" if kind == "flow" else "x -> …"
        raise EquationError(f"there is no equation in {piece!r}: write {wanted}")
    left, right = piece[: found.start()].strip(), piece[found.end() :].strip()
    name, order = _left(left, "x' or dx/dt" if kind == "flow" else "x -> …")
    arrow = ">" in found.group() or found.group() in "→↦"
    if kind == "map":
        if order > 1:
            raise EquationError(f"{left!r} is a second derivative, but this is a map: write x -> …")
        if order == 0 and not arrow:
            raise EquationError(f"{piece!r}: write {name} -> … or {name}' = … for the next value of {name}")
        return name, 1, right
    if arrow:
        raise EquationError(f"{piece!r} is an equation of a map: use System.map, or write {name}' = … for a flow")
    if order == 0:
        raise EquationError(f"{piece!r} has no derivative on its left: write {name}' = …")
    return name, order, right


def _left(left: str, wanted: str) -> tuple[str, int]:
    for pattern in (_LEFT[1], _LEFT[2], _LEFT[3], _LEFT[0]):
        found = pattern.fullmatch(left)
        if found and found["name"]:
            groups = found.groupdict()
            if "order" in groups:
                if groups["order"] != groups["below"]:
                    break
                return found["name"], int(groups["order"] or 1)
            return found["name"], len(groups["dots"] if "dots" in groups else groups["primes"])
    raise EquationError(f"the left side {left!r} is not that of an equation: write {wanted}")


def _lowered(side: str, orders: Mapping[str, int], state: str) -> str:
    """A right-hand side with x' written as the state dx, where x has an equation of higher order."""

    def name(found: re.Match[str]) -> str:
        base, order = found[1], len(found[2])
        if order >= orders.get(base, 0):
            raise EquationError(f"in the equation of {state}: {found[0]} has no value here; write what it is equal to")
        return "d" * order + base

    return re.sub(rf"({_NAME})('+)", name, side)


class Reader:
    """Reads right-hand sides and remembers their names."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self.names: dict[str, None] = {}
        """Names met so far, in order of first use; constants not among them."""
        self._taken = taken
        self._calls: dict[type, Callable[[Any], Any]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.Call: self._call,
        }
        self._conditions: dict[type, Callable[[Any], Any]] = {ast.Compare: self._compare, ast.BoolOp: self._bool}

    def read(self, text: str, state: str) -> sympy.Expr:
        """One right-hand side; `state` is named in errors.

        Raises:
            EquationError: the text is not an expression, or holds what is not known here.
        """
        try:
            tree = ast.parse(text.strip().translate(_SUPERSCRIPTS), mode="eval").body
            return self._value(tree)
        except SyntaxError as error:
            loose = re.search(r"\d\s*[^\W\d]|\)\s*[\w(]|\w\s+\w", text)
            hint = " (a product needs its *, a function its parentheses)" if loose else ""
            shown = text if len(text) < 80 else text[:77] + "..."
            raise EquationError(f"in the equation of {state}: cannot read {shown!r}: {error.msg}{hint}") from None
        except EquationError as error:
            raise EquationError(f"in the equation of {state}: {error}") from None
        except (RecursionError, MemoryError):
            raise EquationError(f"in the equation of {state}: it is nested too deeply to be read") from None
        except ValueError as error:  # null bytes, numbers of thousands of digits
            raise EquationError(f"in the equation of {state}: cannot read it: {error}") from None

    def _value(self, node: ast.expr) -> Any:
        read = self._calls.get(type(node))
        if read is not None:
            return read(node)
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.UAdd, ast.USub)):
            value = self._value(node.operand)
            return value if isinstance(node.op, ast.UAdd) else product([number(-1), value])
        if isinstance(node, ast.IfExp):
            return call("where", [self._condition(node.test), self._value(node.body), self._value(node.orelse)])
        raise _refusal(node)

    def _operation(self, node: ast.BinOp) -> Any:
        """One operation; the operands of a chain of sums or products are taken together, however long it is."""
        if isinstance(node.op, (ast.Add, ast.Sub)):
            return total(self._chain(node, ast.Add, ast.Sub, lambda value: product([number(-1), value])))
        if isinstance(node.op, (ast.Mult, ast.Div)):
            return product(self._chain(node, ast.Mult, ast.Div, lambda value: power(value, number(-1))))
        left, right = self._value(node.left), self._value(node.right)
        if isinstance(node.op, ast.Pow):
            return power(left, right)
        if isinstance(node.op, ast.Mod):
            return call("mod", [left, right])
        if isinstance(node.op, ast.FloorDiv):
            return call("floor", [product([left, power(right, number(-1))])])
        raise _refusal(node)

    def _chain(self, node: ast.expr, plus: type, minus: type, inverse: Callable[[Any], Any]) -> list[Any]:
        operands: list[tuple[ast.expr, bool]] = []
        while isinstance(node, ast.BinOp) and isinstance(node.op, (plus, minus)):
            operands.append((node.right, isinstance(node.op, minus)))
            node = node.left
        operands.append((node, False))
        values = ((self._value(operand), inverted) for operand, inverted in reversed(operands))
        return [inverse(value) if inverted else value for value, inverted in values]

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
            return number(node.value)
        raise EquationError(f"{node.value!r} is not a real number")

    def _name(self, node: ast.Name) -> Any:
        name = node.id
        if name in CONSTANTS and name not in self._taken:
            return constant(name)
        if name in FUNCTIONS and name not in self._taken:
            raise EquationError(f"{name} is a function: write {name}(…)")
        self.names.setdefault(name)
        return real_symbol(name)

    def _call(self, node: ast.Call) -> Any:
        if not isinstance(node.func, ast.Name):
            raise _refusal(node.func)
        name = node.func.id
        if name not in FUNCTIONS and name not in ALIASES:
            product_hint = f" For a product write {name}*(…)." if name in self._taken or name in self.names else ""
            known = FUNCTIONS | ALIASES.keys()
            raise EquationError(f"there is no function {name!r}.{product_hint or suggestion(name, known)}")
        if node.keywords:
            raise EquationError(f"{name} takes no named arguments")
        if name == "where" and node.args:
            return call(name, [self._condition(node.args[0]), *map(self._value, node.args[1:])])
        if name == "Piecewise":
            return piecewise(*map(self._pair, node.args)) if node.args else call(name, [])
        return call(name, [self._value(argument) for argument in node.args])

    def _pair(self, node: ast.expr) -> tuple[Any, Any]:
        if not isinstance(node, (ast.Tuple, ast.List)) or len(node.elts) != 2:
            raise EquationError("Piecewise takes pairs: Piecewise((value, condition), …, (value, True))")
        return self._value(node.elts[0]), self._condition(node.elts[1])

    def _condition(self, node: ast.expr) -> Any:
        import sympy

        read = self._conditions.get(type(node))
        if read is not None:
            return read(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return sympy.true if node.value else sympy.false
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return sympy.Not(self._condition(node.operand))
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.BitAnd, ast.BitOr)):
            joined = sympy.And if isinstance(node.op, ast.BitAnd) else sympy.Or
            return joined(self._condition(node.left), self._condition(node.right))
        raise EquationError(f"{ast.unparse(node)} is not a condition: write a comparison such as x > 0")

    def _bool(self, node: ast.BoolOp) -> Any:
        import sympy

        return (sympy.And if isinstance(node.op, ast.And) else sympy.Or)(*map(self._condition, node.values))

    def _compare(self, node: ast.Compare) -> Any:
        import sympy

        kinds = {ast.Lt: sympy.Lt, ast.LtE: sympy.Le, ast.Gt: sympy.Gt, ast.GtE: sympy.Ge}
        kinds |= {ast.Eq: sympy.Eq, ast.NotEq: sympy.Ne}
        values = [self._value(operand) for operand in (node.left, *node.comparators)]
        if not all(type(operator) in kinds for operator in node.ops):
            raise _refusal(node)
        pairs = zip(values, node.ops, values[1:], strict=False)
        return sympy.And(*(kinds[type(operator)](left, right) for left, operator, right in pairs))


def _refusal(node: ast.AST) -> EquationError:
    text = ast.unparse(node)
    shown = text if len(text) <= 60 else text[:57] + "..."
    if isinstance(node, ast.Attribute):
        return EquationError(f"{shown}: names have no dots here. Write {node.attr} alone.")
    if isinstance(node, (ast.Compare, ast.BoolOp)):
        return EquationError(f"{shown} is a condition, not a value: use where({shown}, a, b)")
    return EquationError(f"{shown} is not arithmetic: only + - * / ^, names, numbers and functions are")
