"""Keys of points: the same for what is the same, different for what a program can tell apart."""

from __future__ import annotations

import struct
from datetime import date
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from everest_kernel.sweeps.kept import point_keys
from everest_kernel.wire import ValueRefusedError


def column_of(*values: Any) -> NDArray[Any]:
    column = np.empty(len(values), object)
    for at, value in enumerate(values):
        column[at] = value
    return column


def key_of(value: Any) -> bytes:
    (key,) = point_keys({"a": column_of(value)})
    return key


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(exclude_categories=()), max_size=3),
    st.binary(max_size=3),
)
VALUES = st.recursive(SCALARS, lambda inner: st.tuples(inner) | st.lists(inner, max_size=3), max_leaves=4)


def canonical(value: Any) -> Any:
    """The same for two values exactly when no program could tell them apart."""
    if isinstance(value, float):
        return ("float", "nan" if value != value else struct.pack("<d", value))
    if isinstance(value, complex):
        return ("complex", canonical(value.real), canonical(value.imag))
    if isinstance(value, tuple | list):
        return (type(value).__name__, *map(canonical, value))
    return (type(value).__name__, value)


@given(one=VALUES, other=VALUES)
def test_keys_are_equal_exactly_when_values_are(one: Any, other: Any) -> None:
    assert (key_of(one) == key_of(other)) == (canonical(one) == canonical(other))


ALIKE = [1, 1.0, True, 1 + 0j, "1", b"1", (1,), [1], 0, 0.0, -0.0, False, None, "", b"", (), [], 2**63, float("nan")]


def test_what_a_program_can_tell_apart_has_another_key() -> None:
    assert len({key_of(value) for value in ALIKE}) == len(ALIKE)


def test_all_nans_are_one() -> None:
    (odd,) = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xf8\xff")
    keys = point_keys({"a": np.array([odd, np.nan, -np.nan])})
    assert set(keys) == {key_of(odd)} == {key_of(float("nan"))}
    pairs = np.array([complex(odd, 1.0), complex(np.nan, 1.0), complex(1.0, odd), complex(1.0, np.nan)])
    first, second, third, fourth = point_keys({"a": pairs})
    assert first == second != third == fourth
    assert np.isnan(odd)
    assert struct.pack("<d", pairs[0].real)[:1] == b"\x01", "what was given is not changed"


COLUMNS = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5).map(lambda v: np.array(v, np.int64)),
    st.lists(st.floats(), min_size=1, max_size=5).map(lambda v: np.array(v, np.float64)),
    st.lists(st.complex_numbers(), min_size=1, max_size=5).map(lambda v: np.array(v, np.complex128)),
    st.lists(st.booleans(), min_size=1, max_size=5).map(lambda v: np.array(v, np.bool_)),
    st.lists(st.text(max_size=4).filter(lambda text: not text.endswith("\0")), min_size=1, max_size=5).map(np.array),
    st.lists(st.floats(width=32), min_size=1, max_size=5).map(lambda v: np.array(v, np.float32)),
)


@given(column=COLUMNS)
def test_it_does_not_matter_how_a_column_is_held(column: NDArray[Any]) -> None:
    expected = point_keys({"a": column})
    assert point_keys({"a": column_of(*column)}) == expected
    assert [point_keys({"a": column[at : at + 1]})[0] for at in range(len(column))] == expected
    assert point_keys({"a": column[::-1]}) == expected[::-1]
    assert point_keys({"a": column.astype(column.dtype.newbyteorder(">"))}) == expected
    if column.dtype != np.float32:  # a Python float is another value than a float32
        assert point_keys({"a": column_of(*column.tolist())}) == expected


def test_a_wider_range_and_another_order_of_axes_find_the_old_points() -> None:
    narrow = {"a": np.repeat(np.arange(3), 2), "s": np.array(["x", "yy"] * 3)}
    wide = {"s": np.tile(["longer", "x", "yy"], 5), "a": np.repeat(np.arange(-1, 4), 3)}
    assert len(set(point_keys(wide))) == 15
    assert set(point_keys(narrow)) < set(point_keys(wide))


def test_names_count() -> None:
    one, two = np.array([1]), np.array([2])
    columns = [{"a": one}, {"b": one}, {"a": one, "b": two}, {"a": two, "b": one}, {"ab": one}]
    assert len({point_keys(given)[0] for given in columns}) == len(columns)


def test_where_one_value_ends_and_the_next_begins_counts() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("", "abc")]
    keys = point_keys({"x": np.array([one for one, _ in pairs]), "y": np.array([other for _, other in pairs])})
    assert len(set(keys)) == 3


def test_arrays_as_values() -> None:
    values = [np.zeros(2), np.zeros((1, 2)), np.zeros(2, np.int64), np.zeros(0), np.float64(0), np.float32(0)]
    assert len({key_of(value) for value in values}) == len(values)
    assert key_of(np.zeros(2)) == key_of(np.zeros(4)[::2])


@pytest.mark.parametrize(
    "value", [date(2000, 1, 1), {"a": 1}, object(), IntEnum("E", "A").A, np.array([None]), (1, {2})]
)
def test_a_value_that_may_not_be_the_same_again_is_refused(value: Any) -> None:
    with pytest.raises(ValueRefusedError, match="the parameter a has a value of type") as caught:
        key_of(value)
    assert caught.value.name == "a"


def test_columns_must_fit_together() -> None:
    assert point_keys({}) == []
    assert point_keys({"a": np.zeros(0)}) == []
    for wrong in ({"a": np.zeros(2), "b": np.zeros(3)}, {"a": np.zeros((2, 2))}, {"a": np.array(1)}):
        with pytest.raises(ValueError, match="one value for each point"):
            point_keys(wrong)


def test_keys_never_change() -> None:
    columns = {"n": np.array([31]), "a": np.array([0.1]), "on": np.array([True]), "s": np.array(["é"])}
    assert point_keys(columns)[0].hex() == "8aac08e01574b8724eab9c2201cd76e9"
    assert key_of((2**64, None, 1j, b"x", np.float32(0.5))).hex() == "0224cc45b0c05e54349957392cd6de72"
