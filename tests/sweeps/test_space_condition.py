"""Conditions: numpy's way and Python's way give the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.sweeps.condition import Condition
from everest_kernel.sweeps.condition_blocks import FUNCTIONS, Block, ByPoint
from everest_kernel.wire import CellOptionError

COLUMNS: dict[str, NDArray[Any]] = {
    "a": np.array([-2, -1, 0, 1, 2, 3]),
    "x": np.array([-0.5, 0.0, 0.1, 1.0, 2.5, math.nan]),
    "s": np.array(["", "fast", "slow", "fast", "b", "a"]),
    "t": np.array([True, False, True, False, True, False]),
    "o": np.array([1, "x", 2.5, None, True, "fast"], object),
    "mid": np.array([2**32, -(2**32), 2**40, 3, 0, 1]),
    "big": np.array([2**53, 2**53 + 1, -(2**62), 2**62, 0, 1]),
}
SIZE = 6


def by_python(text: str) -> list[bool]:
    lists = {name: column.tolist() for name, column in COLUMNS.items()}
    scope = {"__builtins__": {}, **FUNCTIONS, "pi": math.pi}
    return [
        bool(eval(text, {**scope, **{name: values[index] for name, values in lists.items()}})) for index in range(SIZE)
    ]


def in_numpy(text: str) -> bool:
    """Whether the quick way does it."""
    condition = Condition(text, list(COLUMNS))
    try:
        with np.errstate(all="raise", under="ignore"):
            Block(COLUMNS, SIZE).truth(condition._tree)
    except (ByPoint, ArithmeticError, TypeError, ValueError):
        return False
    return True


@pytest.mark.parametrize(
    ("text", "quick"),
    [
        ("a > 0", True),
        ("0 < a <= 2", True),
        ("a", True),
        ("not a", True),
        ("a > 0 and x < 2", True),
        ("a < 0 or x > 0.05 and not t", True),
        ("a != 0 and 1 / a > 0.4", True),
        ("a == 0 or 1 / a > 0.4", True),
        ("s == 'fast'", True),
        ("s != 'fast' and s < 'c'", True),
        ("s in ('fast', 'slow')", True),
        ("a not in [1, 2, 7]", True),
        ("a in ()", True),
        ("x in (0.1, 1)", True),
        ("t", True),
        ("t == 1", True),
        ("t + t > 1", True),
        ("-t < 0", True),
        ("(a > 0) + (x > 0) == 2", True),
        ("-a % 3 == 1", True),
        ("a // 2 == -1", True),
        ("a * a + x * x <= 2", True),
        ("a ** 2 > 2", True),
        ("abs(a) == 2", True),
        ("max(a, 1) == 1", True),
        ("sqrt(abs(a)) > 1", True),
        ("sin(a * pi) < 0.5", True),
        ("isnan(x)", True),
        ("big > a", True),
        ("1 < 2", True),
        ("x == x", True),
        ("big == 9007199254740993", False),
        ("big > x", False),
        ("big * 2 > 0", False),
        ("big * big > 0", False),
        ("mid * mid > 0", False),
        ("mid * 2 > 0", True),
        ("big + 1 == 2 ** 53 + 2", False),
        ("big / 3 > 3.002399751580331e15", False),
        ("2 ** (a + 80) > 2 ** 81", False),
        ("2 ** a < 1", False),
        ("s", False),
        ("s == 1", False),
        ("s in 'fast-slow'", False),
        ("'f' in s", False),
        ("o == 1", False),
        ("o in (1, 'x')", False),
        ("(a or 5) > 3", False),
        ("(a, x) == (1, 1.0)", False),
        ("not s", False),
        ("a == None", False),
        ("1e308 * 10 > a", False),
    ],
)
def test_conditions_mean_what_python_says(text: str, quick: bool) -> None:
    condition = Condition(text, list(COLUMNS))
    assert condition.holds(COLUMNS, SIZE).tolist() == by_python(text)
    assert in_numpy(text) is quick


NUMBERS = st.recursive(
    st.sampled_from(["a", "x", "t", "big", "0", "1", "2", "0.5", "-1", "3.7"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda part: f"abs({part})"),
        inner.map(lambda part: f"(-{part})"),
    ),
    max_leaves=5,
)
BOOLS = st.recursive(
    st.tuples(NUMBERS, st.sampled_from(["<", "<=", "==", "!=", ">", ">="]), NUMBERS).map(" ".join),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({' '.join(p)})"),
        inner.map(lambda part: f"(not ({part}))"),
    ),
    max_leaves=3,
)


@given(BOOLS)
def test_any_condition_means_what_python_says(text: str) -> None:
    condition = Condition(text, list(COLUMNS))
    try:
        expected = by_python(text)
    except (ArithmeticError, TypeError):
        with pytest.raises(CellOptionError, match="cannot be computed at"):
            condition.holds(COLUMNS, SIZE)
    else:
        assert condition.holds(COLUMNS, SIZE).tolist() == expected


@given(st.sets(st.integers(0, SIZE - 1)), BOOLS)
def test_a_point_does_not_depend_on_its_neighbours(chosen: set[int], text: str) -> None:
    condition = Condition(text, list(COLUMNS))
    places = np.array(sorted(chosen), np.int64)
    try:
        every = condition.holds(COLUMNS, SIZE)
    except CellOptionError:
        return
    some = condition.holds({name: column[places] for name, column in COLUMNS.items()}, len(places))
    assert some.tolist() == every[places].tolist()


def test_an_error_names_the_point() -> None:
    condition = Condition("1 / a > 0 and s != 'x'", list(COLUMNS))
    with pytest.raises(CellOptionError, match=r"cannot be computed at a = 0, s = 'slow': division by zero") as caught:
        condition.holds(COLUMNS, SIZE)
    assert "a != 0 and" in (caught.value.hint or "")


def test_texts_and_numbers_are_not_compared() -> None:
    with pytest.raises(CellOptionError, match="cannot be computed at s = ''"):
        Condition("s < 1", list(COLUMNS)).holds(COLUMNS, SIZE)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("a = 1", "cannot be read", "Equality is =="),
        ("a >", "cannot be read", "Python expression"),
        ("a\0", "cannot be read", ""),
        ("(" * 500 + "a" + ")" * 500, "cannot be read", ""),
        ("a + " * 5000 + "a", "longer than", ""),
        ("c > 1", "c, which is no parameter", "The parameters are"),
        ("sqr > 1", "no parameter", ""),
        ("sqrt > 1", "sqrt, which is no parameter", ""),
        ("a & 1", "BitAnd", "'and'"),
        ("a ^ 2 > 1", "BitXor", "'**'"),
        ("s.upper() == 'A'", "calls s.upper", "sqrt"),
        ("open('x')", "calls open", "sqrt"),
        ("max(a, key=1)", "calls max", ""),
        ("[b for b in (1, 2)]", "ListComp", ""),
        ("a if t else x", "IfExp", ""),
        ("(lambda: 1)()", "calls", ""),
        ("a[0]", "Subscript", ""),
        ("f'{a}'", "JoinedStr", ""),
    ],
)
def test_conditions_that_are_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        Condition(text, list(COLUMNS))
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_parameters_may_be_called_as_constants_and_functions() -> None:
    condition = Condition("pi > 3 and max < 2", ["pi", "max"])
    assert condition.names == {"pi", "max"}
    assert condition.functions == set()
    assert condition.holds({"pi": np.array([3, 4]), "max": np.array([1, 1])}, 2).tolist() == [False, True]
    with pytest.raises(CellOptionError, match="calls max, which is a parameter"):
        Condition("max(1, 2) > 1", ["max"])


def test_what_a_condition_uses_is_known() -> None:
    condition = Condition("sqrt(a) > x", list(COLUMNS))
    assert condition.names == {"a", "x"}
    assert condition.functions == {"sqrt"}
