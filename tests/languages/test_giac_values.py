"""Values to Giac and back, exactly, by the true program."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import Language
from everest_kernel.languages.giac import GiacLanguage

from .running import located, run_cell

pytestmark = pytest.mark.system("xcas")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**40), max_value=10**40, places=30)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COMPLEX = st.builds(complex, FINITE, FINITE.filter(bool))
SCALARS = st.booleans() | st.floats() | TEXT | COMPLEX | st.integers() | st.fractions() | DECIMALS.filter(bool)
KEYS = TEXT | st.integers(-(2**31), 2**31)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from(["f8", "f4", "i1", "i8", "u4", "?", "c16"]).map(np.dtype)
MATRICES = TYPES.flatmap(
    lambda kind: st_numpy.arrays(kind, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements={
        "allow_nan": False, "allow_infinity": False
    } if kind.kind in "fc" else None)
)  # fmt: skip


@pytest.fixture(scope="module", params=["giac", "maple"])
def giac(request: pytest.FixtureRequest) -> Language:
    return located(GiacLanguage().configured({"syntax": request.param}))


def bits(array: Any) -> list[str]:
    """Its elements with all their digits and a zero's sign, which the parts of complex numbers lose."""
    if array.dtype.kind == "c":
        return [repr(complex(e.real + 0.0, e.imag + 0.0)) for e in array.flat]
    return [repr(float(element)) for element in array.flat]


def same(a: Any, b: Any) -> bool:
    """Equal in value and kind, to the bit."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and bits(a) == bits(b)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, float):
        return isinstance(b, float) and (a.hex() == b.hex() or (math.isnan(a) and math.isnan(b)))
    if isinstance(a, Fraction) and a.denominator == 1:
        return type(b) is int and a == b
    return type(a) is type(b) and bool(a == b)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NESTED, min_size=1, max_size=20))
def test_values_come_back_as_they_went(giac: Language, tmp_path: Path, values: list[Any]) -> None:
    inputs = {f"w{i}": value for i, value in enumerate(values)}
    ran = run_cell(giac, tmp_path / "t", "", inputs=inputs, out_named=tuple(inputs))
    assert ran.back.problems == [], ran.error
    assert ran.error == ""
    for name, value in inputs.items():
        assert same(value, ran.back.values[name]), (value, ran.back.values[name])


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MATRICES, min_size=1, max_size=10))
def test_matrices_come_back_bit_for_bit(giac: Language, tmp_path: Path, arrays: list[Any]) -> None:
    inputs = {f"w{i}": array for i, array in enumerate(arrays)}
    ran = run_cell(giac, tmp_path / "t", "", inputs=inputs, out_named=tuple(inputs))
    assert (ran.error, ran.back.problems) == ("", [])
    for name, array in inputs.items():
        assert same(array, ran.back.values[name]), (array, ran.back.values[name])
