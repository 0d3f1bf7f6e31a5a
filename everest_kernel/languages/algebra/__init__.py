"""What the computer-algebra languages share: their statements, literals of values, and readers of expressions."""

from .literals import AlgebraLiterals
from .numerals import read_integer, write_integer
from .reader import MOST_DIGITS, RefusedValue, Symbolic, UnreadableError, read_expression, read_named_values
from .returned import read_values, symbolic_choice
from .scanner import GIAC, MAPLE, MAPLE_IN_GIAC, MAPLE_KEYWORDS, Dialect, Token
from .statements import Statement, check_complete, split_statements

__all__ = [
    "GIAC",
    "MAPLE",
    "MAPLE_IN_GIAC",
    "MAPLE_KEYWORDS",
    "MOST_DIGITS",
    "AlgebraLiterals",
    "Dialect",
    "RefusedValue",
    "Statement",
    "Symbolic",
    "Token",
    "UnreadableError",
    "check_complete",
    "read_expression",
    "read_integer",
    "read_named_values",
    "read_values",
    "split_statements",
    "symbolic_choice",
    "write_integer",
]
