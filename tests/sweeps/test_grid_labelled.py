"""Slices, frames and datasets."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas
import pytest

from everest_kernel.sweeps.grid import Grid
from everest_kernel.sweeps.labelled import dimension_names
from everest_kernel.sweeps.selection import nearest
from everest_kernel.sweeps.spaces import ListedAxis, ListedSpace
from everest_kernel.wire import CellOptionError, ConfigurationError
from tests.sweeps.grid_support import axis, filled, small_space, zip_space


def test_a_frame_has_one_row_per_point() -> None:
    grid = Grid(small_space(), ("x", "k", "flag", "s", "v"))
    values = {"x": [1.5], "k": [7], "flag": [True], "s": ["t"], "v": [[1.0, 2.0]]}
    grid.put([1], values)
    grid.fail([2], "e")
    frame = grid.to_dataframe()
    assert frame.columns.tolist() == ["a", "b", "x", "k", "flag", "s", "v[0]", "v[1]", "status"]
    assert len(frame) == 6
    assert frame["status"].tolist() == ["waiting", "done", "failed", "waiting", "waiting", "waiting"]
    assert frame.loc[1].tolist() == [0.0, 16, 1.5, 7, True, "t", 1.0, 2.0, "done"]
    assert str(frame["k"].dtype) == "Int64"
    assert str(frame["flag"].dtype) == "boolean"
    for name in ("x", "k", "flag", "s", "v[1]"):
        assert frame[name].isna().sum() == 5
    assert frame["a"].tolist() == [0, 0, 0.5, 0.5, 1, 1]


def test_a_complete_frame_has_numpy_s_types() -> None:
    frame = filled(k=np.arange(6), flag=np.arange(6) > 2).to_dataframe()
    assert frame["k"].dtype == np.int64
    assert frame["flag"].dtype == np.bool_


def test_points_that_are_left_out_have_no_row() -> None:
    frame = Grid(small_space(where=True), ("x",)).to_dataframe()
    assert frame.index.tolist() == [0, 1, 2, 3]


def test_a_frame_with_an_output_called_status() -> None:
    frame = filled(status=np.arange(6)).to_dataframe()
    assert frame["status"].tolist() == list(range(6))
    assert frame["status_"].tolist() == ["done"] * 6


def test_arrays_of_arrays_and_very_large_ones_in_a_frame() -> None:
    frame = filled(v=np.arange(24.0).reshape(6, 2, 2), w=np.zeros((6, 1001))).to_dataframe()
    assert frame["v[1, 0]"].tolist() == [2, 6, 10, 14, 18, 22]
    assert frame["w"][3].shape == (1001,)


def test_a_frame_of_a_grid_without_results() -> None:
    frame = Grid(zip_space(), ("x",)).to_dataframe()
    assert frame["s"].tolist() == ["u", "v", "w", "x"]
    assert frame["x"].isna().all()


def test_a_slice_is_a_grid_over_the_other_axes() -> None:
    grid = Grid(small_space(), ("x", "s"))
    grid.put([1, 3], {"x": [1.0, 3.0], "s": ["one", "three"]}, seconds=2.0, resource="vm", job_id="j")
    grid.fail([5], "E")
    part = grid.sel(b=16)
    assert part.space.names == ("a",)
    np.testing.assert_array_equal(part.x, [1, 3, np.nan])
    assert part.s.tolist() == ["one", "three", None]
    assert part.fixed == {"b": 16}
    assert (part.done, part.failed, part.waiting) == (2, 1, 0)
    assert part.failures[0].params == {"a": 1.0}
    assert part.timings.resources[0].seconds == 4
    grid.put([5], {"x": [9.0], "s": ["late"]})
    assert part.failed == 1
    point = part.sel(a=0.5)
    assert point.x.shape == ()
    assert float(point.x) == 3
    assert point.fixed == {"a": 0.5, "b": 16}
    assert point.space.point(0) == {}


def test_a_slice_of_a_zip_fixes_all_its_parameters() -> None:
    part = filled(zip_space()).sel(s="w")
    assert part.fixed == {"t": 2.0, "s": "w"}
    assert float(part.L1) == 2


def test_a_slice_keeps_what_is_left_out() -> None:
    part = Grid(small_space(where=True), ("x",)).sel(b=10)
    assert (part.waiting, part.left_out) == (2, 1)
    assert len(part.to_dataframe()) == 2


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"c": 1}, "no parameter 'c'\nThe parameters are a, b"),
        ({"a": 5}, "outside of this grid\na goes from 0 to 1"),
        ({"a": float("nan")}, "outside"),
        ({"a": "x"}, "is not in this grid"),
    ],
)
def test_slices_that_cannot_be(params: dict[str, Any], words: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        filled().sel(**params)
    assert words in str(caught.value)


def test_parameters_in_step_are_chosen_by_one_of_them() -> None:
    with pytest.raises(CellOptionError, match="t, s run in step"):
        filled(zip_space()).sel(t=1, s="v")


@pytest.mark.parametrize(("wanted", "index"), [(0.2, 0), (0.3, 1), (1.4, 2), (-0.4, 0), (np.float64(1), 2), (1, 2)])
def test_numbers_are_chosen_by_the_nearest(wanted: float, index: int) -> None:
    assert nearest("a", np.array([0.0, 0.5, 1.0]), wanted) == index


def test_words_and_truth_are_chosen_exactly() -> None:
    assert nearest("w", np.array(["u", "v"]), "v") == 1
    assert nearest("f", np.array([False, True]), True) == 1
    with pytest.raises(CellOptionError, match="takes the values 'u', 'v'"):
        nearest("w", np.array(["u", "v"]), "z")


def test_dimensions_collide_with_nothing() -> None:
    axes = [
        ListedAxis({"p": np.arange(2), "q": np.arange(2)}, "zip"),
        axis("sample", [1]),
        ListedAxis({"r": np.arange(2)}, "sample"),
    ]
    assert dimension_names(ListedSpace(axes), ("zip",)) == ("zip_", "sample", "sample_")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ConfigurationError, match="pip install xarray"):
        filled().to_xarray()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ConfigurationError, match="pip install pandas"):
        filled().to_dataframe()


def test_a_dataset_has_names_coordinates_and_units() -> None:
    pytest.importorskip("xarray")
    grid = Grid(small_space(), ("x", "k", "s", "v"))
    grid.put([1], {"x": [1.5], "k": [7], "s": ["t"], "v": [[1.0, 2.0]]})
    data = grid.to_xarray()
    assert data["x"].dims == ("a", "b")
    assert data["v"].dims == ("a", "b", "v_0")
    assert float(data["x"].sel(a=0, b=16)) == 1.5
    assert data["a"].attrs == {"units": "m"}
    assert data["k"].dtype == np.float64
    assert int(data["k"].isnull().sum()) == 5
    assert data["s"].values.tolist() == [["", "t"], ["", ""], ["", ""]]
    assert data["point_status"].values.tolist() == [[0, 1], [0, 0], [0, 0]]
    assert data["point_status"].attrs["flag_meanings"].split() == ["waiting", "done", "failed", "left_out"]


def test_a_dataset_of_parameters_in_step_and_of_a_slice() -> None:
    pytest.importorskip("xarray")
    data = filled(zip_space(), zip=np.arange(4)).to_xarray()
    assert data["zip"].dims == ("zip_",)
    assert data["s"].dims == ("zip_",)
    part = filled().sel(b=16).to_xarray()
    assert part["L1"].dims == ("a",)
    assert part.attrs["b"] == 16


def test_a_dataset_agrees_with_the_frame() -> None:
    pytest.importorskip("xarray")
    grid = filled()
    frame = grid.to_xarray()["L1"].to_dataframe().reset_index()
    pandas.testing.assert_frame_equal(frame, grid.to_dataframe()[["a", "b", "L1"]].reset_index(drop=True))
