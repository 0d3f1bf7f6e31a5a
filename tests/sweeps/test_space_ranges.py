"""Ranges: exact values, in any order, however many."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.sweeps.parse import parse_values
from everest_kernel.sweeps.ranges import Steps
from everest_kernel.wire import CellOptionError


def values(text: str, **namespace: Any) -> list[Any]:
    found = parse_values("a", text, namespace)
    return found.take(np.arange(found.size)).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20:50:31", list(range(20, 51))),
        ("0:1:0.1s", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("0:1:11", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("0:1:4", [0.0, 1 / 3, 2 / 3, 1.0]),
        ("20:50:7s", [20, 27, 34, 41, 48]),
        ("50:20:-10s", [50, 40, 30, 20]),
        ("3:1:3", [3, 2, 1]),
        ("20.0:22:3", [20.0, 21.0, 22.0]),
        ("1e-3:3e-3:1e-3s", [0.001, 0.002, 0.003]),
        ("-1:1:3", [-1, 0, 1]),
        ("5:5:1", [5]),
        ("low:2*low:n", [2, 3, 4]),
        ("0:1:(h)s", [0.0, 0.5, 1.0]),
        ("linspace(0, 1, 11)", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("linspace(1, 3, num=3)", [1.0, 2.0, 3.0]),
        ("linspace(0, 1, 4, endpoint=False)", [0.0, 0.25, 0.5, 0.75]),
        ("logspace(-2, 2, 5)", [0.01, 0.1, 1.0, 10.0, 100.0]),
        ("logspace(0, 3, 4, base=2)", [1.0, 2.0, 4.0, 8.0]),
        ("geomspace(1, 1000, 4)", [1.0, 10.0, 100.0, 1000.0]),
        ("geomspace(1, 16, 2, endpoint=False)", [1.0, 4.0]),
        ("geomspace(-8, -0.08, 3)", [-8.0, -0.8, -0.08]),
        ("arange(3)", [0, 1, 2]),
        ("linspace(*ends, 3)", [2.0, 3.0, 4.0]),
        ("linspace(0, 4, 2, False)", [0.0, 2.0]),
        ("linspace(0, 4, 3, dtype=int)", [0, 2, 4]),
        ("linspace(0, 1, 3)[1:]", [0.5, 1.0]),
        ("arange(0, 0.5, 0.1)", [0.0, 0.1, 0.2, 0.3, 0.4]),
        ("arange(1, 3)", [1, 2]),
        ("range(2, 9, 3)", [2, 5, 8]),
    ],
)
def test_ranges(text: str, expected: list[Any]) -> None:
    found = values(text, low=2, n=3, h=0.5, ends=(2, 4))
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("20:50", "needs a count or a step", "a=20:50:31"),
        ("20:50:0", "no values", ""),
        ("20:50:-3", "no values", ""),
        ("20:50:0.5", "0.5 values cannot be", "a=20:50:0.5s"),
        ("20:50:1", "one value cannot be both", "a=20:50:1s"),
        ("20:50:-1s", "no values", "change its sign"),
        ("20:50:0s", "step of 0", ""),
        ("5:5:3", "ends that are equal", ""),
        ("20::3", "a range has", "a=20:50:31"),
        ("1:2:3:4", "a range has", "a=20:50:31"),
        ("x:2:3", "no variable x", ""),
        ("'x':2:3", "is a text", ""),
        ("word:2:3", "is a text", ""),
        ("True:2:3", "not a number", ""),
        ("nan:2:3", "end or step", ""),
        ("1e999:2:3", "end or step", ""),
        ("1e308:9e308:3", "beyond the range", ""),
        ("0:9223372036854775808:2", "beyond 64 bits", "decimals"),
        ("linspace(0, 1)", "takes", ""),
        ("linspace(0, 1, 2.5)", "takes", ""),
        ("linspace(0, 1, 0)", "no values", ""),
        ("linspace(0, 1, 3, spam=1)", "spam", ""),
        ("logspace(0, 400, 3)", "beyond the range", ""),
        ("logspace(0, 2, 3, base=-1)", "positive", ""),
        ("geomspace(-1, 1, 3)", "same sign", ""),
        ("geomspace(0, 1, 3)", "same sign", ""),
        ("arange(0)", "no values", ""),
        ("range(0)", "no values", ""),
    ],
)
def test_ranges_that_are_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(CellOptionError, match=message) as caught:
        values(text, word="5")
    assert caught.value.message.startswith("a=")
    assert hint in (caught.value.hint or "")


DECIMALS = st.decimals(-1000, 1000, allow_nan=False, places=4)


@given(DECIMALS, DECIMALS, st.integers(2, 200))
def test_every_value_of_a_counted_range_is_the_nearest_float(first: Decimal, last: Decimal, count: int) -> None:
    if first == last:
        return
    found = values(f"{first}:{last}:{count}")
    step = (Fraction(last) - Fraction(first)) / (count - 1)
    assert found == [float(Fraction(first) + index * step) for index in range(count)]


@given(st.integers(-50, 50), st.integers(1, 300), st.integers(1, 100))
def test_steps_of_decimals_are_those_that_one_would_write(first: int, step: int, count: int) -> None:
    texts = [str(Decimal(first) / 10 + index * Decimal(step) / 100) for index in range(count)]
    found = values(f"{Decimal(first) / 10}:{texts[-1]}:{Decimal(step) / 100}s")
    assert found == [float(text) for text in texts]


@given(st.integers(2, 40), st.integers(1, 8))
def test_a_finer_range_has_the_values_of_the_coarser_one(count: int, factor: int) -> None:
    coarse, fine = values(f"0.1:0.7:{count}"), values(f"0.1:0.7:{(count - 1) * factor + 1}")
    assert fine[::factor] == coarse


@pytest.mark.parametrize(
    "text",
    ["0:1:100001", "0.1:1e-20:1001", "0:1e300:70001", "geomspace(1, 7, 1001)", "1:3:7s", "0:0.123456789012345:70001"],
)
def test_a_value_does_not_depend_on_which_are_asked_for(text: str) -> None:
    found = parse_values("a", text, {})
    every = found.take(np.arange(found.size))
    some = np.array([0, found.size - 1, found.size // 3, found.size // 2, 0])
    assert found.take(some).tolist() == every[some].tolist()
    assert found.take(some[:1]).tolist() == [every[0]]


def test_a_range_too_fine_for_quick_division_is_exact_all_the_same() -> None:
    # 17 digits over a prime: numerators are beyond 2**53
    steps = Steps(Fraction("0.12345678901234567"), Fraction(1, 70_001), 70_001, integral=False)
    some = np.array([1, 7, 69_999])
    assert steps.take(some).tolist() == [float(steps.first + index * steps.step) for index in some.tolist()]
    short = Steps(steps.first, steps.step, 100, integral=False)
    assert short.take(some[:2]).tolist() == steps.take(some[:2]).tolist()


def test_whole_numbers_keep_all_their_digits() -> None:
    assert values("9007199254740993:9007199254740995:3") == [9007199254740993, 9007199254740994, 9007199254740995]
    ends = "-9223372036854775808:9223372036854775807:2"
    assert values(ends) == [-(2**63), 2**63 - 1]


@pytest.mark.parametrize("text", ["geomspace(2, 2000, 4)", "geomspace(3, 11, 7)", "logspace(0.5, 1.5, 6)"])
def test_powers_are_numpys_up_to_rounding(text: str) -> None:
    expected = eval(f"np.{text}", {"np": np})
    np.testing.assert_allclose(values(text), expected, rtol=1e-14)
    assert values(text)[-1] == pytest.approx(expected[-1], rel=1e-15)


def test_powers_of_ten_are_the_nearest_floats() -> None:
    assert values("logspace(-300, 300, 601)") == [float(f"1e{exponent}") for exponent in range(-300, 301)]


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(2, 9))
def test_both_ends_of_equal_ratios_are_exact(first: int, last: int, count: int) -> None:
    if first != last:
        found = values(f"geomspace({first}, {last}, {count})")
        assert (found[0], found[-1], len(found)) == (first, last, count)
