"""Parameter spaces: numbers, points, conditions, frames, what is refused."""

from __future__ import annotations

import copy
import itertools
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.sweeps.listing import listed
from everest_kernel.sweeps.space import Axis, Space, parse_space
from everest_kernel.wire import CellOptionError


def points(space: Space) -> list[dict[str, Any]]:
    return [space.point(int(number)) for block in space.numbers() for number in block]


def test_points_are_numbered_with_the_last_parameter_fastest() -> None:
    space = parse_space(["a=1,2,3", "b=x,y"], {})
    assert (space.names, space.shape, space.size) == (("a", "b"), (3, 2), 6)
    assert points(space) == [{"a": a, "b": b} for a, b in itertools.product([1, 2, 3], "xy")]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.data())
def test_columns_agree_with_numpys_numbering(sizes: list[int], data: st.DataObject) -> None:
    space = parse_space([f"p{index}=range({size})" for index, size in enumerate(sizes)], {})
    numbers = np.array(data.draw(st.lists(st.integers(0, space.size - 1), max_size=20)), np.int64)
    expected = np.unravel_index(numbers, space.shape)
    columns = space.columns(numbers)
    assert list(columns) == list(space.names)
    for column, indices in zip(columns.values(), expected, strict=True):
        assert column.dtype == np.int64
        assert column.tolist() == indices.tolist()


@pytest.mark.parametrize("number", [-1, 6, 10**12])
def test_a_number_outside_the_space_has_no_point(number: int) -> None:
    space = parse_space(["a=1,2,3", "b=1,2"], {})
    with pytest.raises(IndexError):
        space.point(number)
    with pytest.raises(IndexError):
        space.allowed(np.array([0, number]))


def test_a_point_has_pythons_own_values() -> None:
    space = parse_space(["i=3,", "f=0.5,", "b=True,", "s=x,", "o=v"], {"v": [None]})
    assert [(type(value), value) for value in space.point(0).values()] == [
        (int, 3),
        (float, 0.5),
        (bool, True),
        (str, "x"),
        (type(None), None),
    ]
    kinds = [column.dtype.kind for column in space.columns(np.zeros(2, np.int64)).values()]
    assert kinds == ["i", "f", "b", "U", "O"]


def test_a_thousand_million_points_cost_nothing() -> None:
    tracemalloc.start()
    space = parse_space(["a=0:1:100000", "b=range(10_000)"], {})
    text, last = space.describe(), space.point(space.size - 1)
    found = space.first_last()
    block = next(space.numbers(1000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert space.size == 10**9
    assert "100,000 x 10,000 = 1,000,000,000 points" in text
    assert last == {"a": 1.0, "b": 9_999}
    assert found == (0, 10**9 - 1)
    assert block.tolist() == list(range(1000))
    assert peak < 4_000_000


def test_numbers_come_in_blocks() -> None:
    space = parse_space(["a=range(10)"], {}, where="a != 4 and a != 5")
    assert [block.tolist() for block in space.numbers(4)] == [[0, 1, 2, 3], [6, 7], [8, 9]]
    assert all(block.dtype == np.int64 for block in space.numbers(4))
    assert [block.tolist() for block in space.numbers(2)] == [[0, 1], [2, 3], [6, 7], [8, 9]]


@given(st.sets(st.integers(0, 199), min_size=1))
def test_first_last_and_count_are_those_of_all_allowed_points(kept: set[int]) -> None:
    space = parse_space(["a=range(200)"], {}, where=f"a in {sorted(kept)}")
    assert space.first_last() == (min(kept), max(kept))
    assert space.count() == len(kept)
    assert [n for block in space.numbers(7) for n in block.tolist()] == sorted(kept)


def test_the_last_allowed_point_is_found_far_from_the_end() -> None:
    space = parse_space(["a=range(300_000)"], {}, where="100_000 <= a < 100_002")
    assert space.first_last() == (100_000, 100_001)


def test_counting_stops_when_there_are_enough() -> None:
    space = parse_space(["a=range(300_000)"], {}, where="a >= 0")
    assert 10 < space.count(most=10) < 100_000
    assert space.count() == 300_000


def test_a_condition_leaves_numbers_as_they_are() -> None:
    space = parse_space(["a=range(3)", "b=range(3)"], {}, where="a < b")
    assert [n for block in space.numbers() for n in block.tolist()] == [1, 2, 5]
    assert space.point(5) == {"a": 1, "b": 2}
    assert space.allowed(np.array([5, 4, 1])).tolist() == [True, False, True]
    assert space.size == 9


def test_zipped_parameters_go_in_step() -> None:
    space = parse_space(["a=1,2,3", "b[K]=0:1:3"], {}, zipped=True)
    assert (space.shape, space.axes[0].names, space.axes[0].label) == ((3,), ("a", "b"), "zip")
    assert points(space) == [{"a": 1, "b": 0.0}, {"a": 2, "b": 0.5}, {"a": 3, "b": 1.0}]
    coordinates = space.coordinates()
    assert {name: (label, values.tolist()) for name, (label, values) in coordinates.items()} == {
        "a": ("zip", [1, 2, 3]),
        "b": ("zip", [0.0, 0.5, 1.0]),
    }
    assert space.units() == {"b": "K"}


def test_one_zipped_parameter_keeps_its_name_as_label() -> None:
    assert parse_space(["a=1,2"], {}, zipped=True).axes[0].label == "a"


def test_unequal_lengths_do_not_zip() -> None:
    with pytest.raises(CellOptionError, match=r"a has 2, b has 3"):
        parse_space(["a=1,2", "b=1,2,3"], {}, zipped=True)


def test_a_frames_rows_are_points() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "s": ["x", "y"], "c": [True, False]}, index=[7, 9])
    space = parse_space(["k=10,20"], {}, frame=frame)
    assert [axis.label for axis in space.axes] == ["row", "k"]
    assert points(space)[1:3] == [
        {"a": 1, "b": 0.5, "s": "x", "c": True, "k": 20},
        {"a": 2, "b": 1.5, "s": "y", "c": False, "k": 10},
    ]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ([1, 2], "no pandas frame"),
        (pd.DataFrame(), "empty"),
        (pd.DataFrame({"a": []}), "empty"),
        (pd.DataFrame({"my column": [1]}), "my column"),
        (pd.DataFrame({0: [1]}), "column 0"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "twice"),
    ],
)
def test_frames_that_are_no_points(frame: Any, words: str) -> None:
    with pytest.raises(CellOptionError, match=words):
        parse_space([], {}, frame=frame)


def test_an_axis_label_never_is_another_axis_parameter() -> None:
    space = parse_space(["row=1,2"], {}, frame=pd.DataFrame({"a": [1, 2, 3]}))
    assert [axis.label for axis in space.axes] == ["row_", "row"]
    assert {name: label for name, (label, _) in space.coordinates().items()} == {"a": "row_", "row": "row"}


def test_describe_tells_everything_before_anything_is_sent() -> None:
    text = parse_space(["a=20:50:31", "b[K]=10,16.5", "m=x,y"], {}, where="a > 48").describe()
    assert text.splitlines() == [
        "a = 20 to 50, 31 int values, step 1",
        "b [K] = 10, 16.5: 2 float values",
        "m = x, y: 2 texts",
        "31 x 2 x 2 = 124 points",
        "where a > 48: 8 of them",
    ]


def test_describe_of_zipped_and_single() -> None:
    text = parse_space(["a=1,2", "b=x,y"], {}, zipped=True).describe()
    assert text.splitlines() == ["zip: 2 rows", "  a = 1, 2: 2 int values", "  b = x, y: 2 texts", "2 points"]
    assert parse_space(["a=5"], {}).describe().splitlines() == ["a = 5 (int)", "1 point"]


def test_a_long_list_is_cut_in_descriptions() -> None:
    text = parse_space(["a=v"], {"v": [5, 4, 3, 2, 1, 0, 9]}).describe()
    assert text.splitlines()[0] == "a = 5, 4, … 9: 7 int values"


def test_large_spaces_with_a_condition_are_not_counted_when_described() -> None:
    assert "not counted" in parse_space(["a=range(2_000_000)"], {}, where="a > 5").describe()


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ([], {}, "no parameter"),
        (["a=1", "a=2"], {}, "a is there twice"),
        (["a=1,2"], {"frame": pd.DataFrame({"a": [1]})}, "a is there twice"),
        (["a=1,2"], {"where": "a > 2"}, "no point is left"),
        (["a=1,2"], {"where": "c > 2"}, "uses c, which is no parameter"),
        (["a=range(10**10)", "b=range(10**10)"], {}, "more than can be numbered"),
        (["a=1,2"], {"seed": 3}, "without a sample"),
        (["a=1,2"], {"method": "sobol"}, "without a sample"),
    ],
)
def test_spaces_that_are_refused(words: list[str], options: dict[str, Any], message: str) -> None:
    with pytest.raises(CellOptionError, match=message) as caught:
        parse_space(words, {}, **options)
    assert caught.value.hint or "numbered" in message


def test_a_parameter_like_a_near_one_is_suggested() -> None:
    with pytest.raises(CellOptionError) as caught:
        parse_space(["alpha=1,2"], {}, where="alhpa > 1")
    assert "Did you mean alpha?" in str(caught.value)


def test_spaces_can_be_copied_and_stored() -> None:
    space = parse_space(["a=1,2", "b[K]=x,y"], {}, zipped=True, where="a > 1")
    for twin in (copy.deepcopy(space), pickle.loads(pickle.dumps(space))):
        assert points(twin) == points(space) == [{"a": 2, "b": "y"}]
        assert twin.describe() == space.describe()


def test_values_do_not_follow_the_users_later_changes() -> None:
    array = np.array([1.0, 2.0])
    space = parse_space(["a=array"], {"array": array})
    array[0] = 99.0
    assert space.point(0) == {"a": 1.0}
    with pytest.raises(ValueError, match="read-only"):
        space.axes[0].values["a"].array[0] = 5  # type: ignore[attr-defined]


def test_a_space_can_be_made_from_axes() -> None:
    space = Space([Axis("a", {"a": listed([1, 2])}), Axis("b", {"b": listed(["x"])}, {"b": "m"})])
    assert space.shape == (2, 1)
    assert space.axes[1].unit == {"b": "m"}
    assert repr(space) == "<Space of a, b: 2 x 1 = 2 points>"
