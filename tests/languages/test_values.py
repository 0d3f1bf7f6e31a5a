"""Values travel typed and exact, or are refused by name; what comes back is never trusted."""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
import math
import struct
import types
import zipfile
import zoneinfo
from collections import OrderedDict, namedtuple
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from everest_kernel.languages.python.values import Bundle, CannotTravelError, encode, write_bundle


def packed(value: Any) -> io.BytesIO:
    stream = io.BytesIO()
    write_bundle(stream, {"v": encode(value)})
    stream.seek(0)
    return stream


def there_and_back(value: Any) -> Any:
    return Bundle(packed(value)).value("v")


def same(a: Any, b: Any) -> bool:
    """Equal in type and to the bit, through containers."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, Decimal):
        return str(a) == str(b)  # a signalling NaN cannot even be compared
    if isinstance(a, complex):
        return same(a.real, b.real) and same(a.imag, b.imag)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, (set, frozenset)):
        return len(a) == len(b) and all(any(same(x, y) for y in b) for x in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, (dt.datetime, dt.time)):
        return a.replace(tzinfo=None) == b.replace(tzinfo=None) and a.fold == b.fold and same(a.tzinfo, b.tzinfo)
    return bool(a == b)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.integers(-(2**4000), 2**4000) | st.floats() | st.complex_numbers()
    | st.text(st.characters(exclude_categories=[])) | st.binary(max_size=30) | st.dates() | st.timedeltas()
    | st.datetimes(timezones=st.none() | st.timezones()) | st.times() | st.decimals() | st.fractions()
)  # fmt: skip
HASHABLE = st.integers() | st.text(max_size=5) | st.booleans() | st.none() | st.dates() | st.tuples(st.integers())
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
        | st.frozensets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_plain_values_survive(value: Any) -> None:
    assert same(value, there_and_back(value))


DTYPES = (
    hnp.boolean_dtypes() | hnp.integer_dtypes() | hnp.unsigned_integer_dtypes() | hnp.floating_dtypes()
    | hnp.complex_number_dtypes() | hnp.datetime64_dtypes() | hnp.timedelta64_dtypes()
    | hnp.byte_string_dtypes(min_len=1) | hnp.unicode_string_dtypes(min_len=1)
)  # fmt: skip


@given(DTYPES.flatmap(lambda d: hnp.arrays(d, hnp.array_shapes(min_dims=0, max_side=4, min_side=0))), st.booleans())
def test_arrays_of_every_dtype_survive(array: Any, fortran: bool) -> None:
    array = np.asfortranarray(array) if fortran else array
    assert same(np.asarray(array), there_and_back(array))


@given(DTYPES.flatmap(lambda d: hnp.arrays(d, ())))
def test_numpy_scalars_survive(array: Any) -> None:
    scalar = array[()]
    back = there_and_back(scalar)
    assert type(back) is type(scalar)
    assert back.dtype == scalar.dtype
    assert back.tobytes() == scalar.tobytes()


def test_structured_arrays_views_and_dtypes_survive() -> None:
    table = np.array([(1, 2.5, "x")], dtype=[("a", "i4"), ("b", ">f8"), ("c", "U3")])
    assert same(table, there_and_back(table))
    view = np.arange(24).reshape(4, 6)[::2, ::-1]
    assert same(np.ascontiguousarray(view), np.ascontiguousarray(there_and_back(view)))
    assert there_and_back(table.dtype) == table.dtype


def test_other_values_survive() -> None:
    paris = zoneinfo.ZoneInfo("Europe/Paris")
    folded = dt.datetime(2024, 10, 27, 2, 30, tzinfo=paris, fold=1)
    for value in (range(3, 10, 2), ..., bytearray(b"x" * 10_000), Fraction(1, 3), Decimal("1E+400"), folded, paris,
                  dt.timezone(dt.timedelta(hours=5, minutes=30), "IST"), -0.0, 2**53, -(2**63), "\ud800"):  # fmt: skip
        assert same(value, there_and_back(value)), value


# --- pandas


def frames() -> list[Any]:
    days = pd.date_range("2024-01-01", periods=3, freq="D", tz="Europe/Paris")
    return [
        pd.DataFrame(),
        pd.DataFrame({"a": [1, 2], "b": [0.5, math.nan], "c": ["x", None], "d": [True, False]}),
        pd.DataFrame({"t": days, "d": days - days[0], "c": pd.Categorical(["a", "b", "a"])}, index=days),
        pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "s": pd.array(["a", None], dtype="string")}),
        pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"]),
        pd.DataFrame(
            {"v": [1, 2]}, index=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["k", None])
        ),
        pd.DataFrame({0: [1], "mixed": [2], 2.5: [3]}),
        pd.Series([1, 2], name="s", index=["x", "y"]),
        pd.Series(np.arange(3, dtype="i1")),
    ]  # fmt: skip


@pytest.mark.parametrize("value", frames(), ids=range(len(frames())))
def test_frames_and_series_survive(value: Any) -> None:
    back = there_and_back(value)
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(value, back, check_freq=True)
    else:
        pd.testing.assert_series_equal(value, back)


@pytest.mark.parametrize(
    "value",
    [
        pd.RangeIndex(2, 9, 3, name="r"),
        pd.Index(["a", "b"], name="n"),
        pd.timedelta_range("1s", periods=2),
        pd.Timestamp("2024-05-06 07:08:09.123456789", tz="UTC"),
        pd.Timedelta("1 days 00:00:00.000000001"),
    ],
    ids=repr,
)
def test_pandas_parts_survive(value: Any) -> None:
    back = there_and_back(value)
    assert type(back) is type(value)
    assert (back.equals(value) and back.name == value.name) if isinstance(value, pd.Index) else back == value


# --- refusals


class Number(Enum):
    ONE = 1


class Sub(dict):  # type: ignore[type-arg]
    pass


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        lambda: None, object(), Number.ONE, Sub(), OrderedDict(), Point(1, 2), (i for i in ()), type, io.BytesIO(),
        np.array([object()]), np.array([(1, None)], dtype=[("a", "i4"), ("o", "O")]), np.ma.array([1]),
        np.zeros(2, "i4,i4").view(np.recarray),
        pd.DataFrame({"o": [object()]}), [1, {"deep": [object()]}], np.random.default_rng(1),
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_what_would_not_be_exact_is_refused(value: Any) -> None:
    with pytest.raises(CannotTravelError) as caught:
        encode(value)
    assert len(str(caught.value)) < 300


def test_cycles_and_abysses_are_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(CannotTravelError, match="contains itself"):
        encode(loop)
    deep: Any = 0
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(CannotTravelError, match="200 levels"):
        encode(deep)


def test_the_same_list_twice_is_no_cycle() -> None:
    inner = [1]
    assert there_and_back([inner, inner]) == [[1], [1]]


def test_sizes_count_all_parts() -> None:
    assert encode(np.zeros(1000)).size >= 8000
    assert encode({"a": b"x" * 50_000}).size >= 50_000
    assert encode(3).size < 10


# --- modules, and what a resource may send


def test_a_module_goes_but_does_not_come_back() -> None:
    stream = packed(math)
    assert Bundle(stream, trusted=True).value("v") is math
    with pytest.raises(CannotTravelError, match="module cannot come back"):
        Bundle(stream).value("v")


def test_reading_never_runs_or_imports_what_a_resource_names(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    imported: list[str] = []
    real = importlib.import_module

    def spy(name: str, package: str | None = None) -> types.ModuleType:
        imported.append(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", spy)
    for tag in ("module", "antigravity", "os", "builtins.eval", "frame", "zoneinfo"):
        stream = bundle_of({"t": tag, "v": "antigravity"})
        with pytest.raises(CannotTravelError):
            Bundle(stream).value("v")
    assert "antigravity" not in imported
    assert "os" not in imported


def bundle_of(tree: Any, members: dict[str, bytes] | None = None) -> io.BytesIO:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        index = {"values": {"v": {"tree": tree, "first": 0, "size": 1}}, "extra": {}}
        archive.writestr("values.json", json.dumps(index))
        for name, content in (members or {}).items():
            archive.writestr(name, content)
    stream.seek(0)
    return stream


def pickled_array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array([object()], dtype=object), allow_pickle=True)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("tree", "members"),
    [
        ({"t": "ndarray", "m": 0}, {"0": pickled_array()}),
        ({"t": "ndarray", "m": 0}, {"0": b"\x93NUMPY garbage"}),
        ({"t": "ndarray", "m": 0}, {}),
        ({"t": "ndarray", "m": "../../etc/passwd"}, {}),
        ({"t": "int", "v": "zz"}, {}),
        ({"t": "bytes", "v": "***"}, {}),
        ({"t": "timedelta", "v": [10**30, 0, 0]}, {}),
        ({"t": "dict", "v": [[[1], 2]]}, {}),
        ({"t": "range", "v": ["1", "2", "0"]}, {}),
        ({"t": "zoneinfo", "v": "../../../etc/passwd"}, {}),
        ({"t": "frame", "v": "x"}, {}),
        ({"no": "tag"}, {}),
        ({"t": ["list"]}, {}),
    ],
)
def test_malformed_values_are_refused(tree: Any, members: dict[str, bytes]) -> None:
    with pytest.raises(CannotTravelError):
        Bundle(bundle_of(tree, members)).value("v")


@given(st.binary(max_size=200))
def test_garbage_is_no_bundle(content: bytes) -> None:
    with pytest.raises(CannotTravelError):
        Bundle(io.BytesIO(content))


@given(st.data())
def test_a_damaged_bundle_gives_a_value_or_an_error_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(packed({"a": np.arange(6.0), "b": [1, "x", 2**70, b"y" * 5000]}).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(CannotTravelError):
        bundle = Bundle(io.BytesIO(bytes(content)))
        for name in bundle.names:
            bundle.value(name)


def test_equal_values_make_equal_bundles() -> None:
    assert packed({"a": np.arange(5)}).getvalue() == packed({"a": np.arange(5)}).getvalue()
