"""A saved grid comes back exactly."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everest_kernel.sweeps import grid_files
from everest_kernel.sweeps.grid import Grid
from everest_kernel.sweeps.spaces import ListedAxis, ListedSpace
from everest_kernel.wire import CellOptionError, ConfigurationError
from tests.sweeps.grid_support import axis, filled, small_space, zip_space


def have(*packages: str) -> bool:
    return all(importlib.util.find_spec(package) for package in packages)


needs_netcdf = pytest.mark.skipif(
    not (have("xarray") and (have("h5netcdf", "h5py") or have("netCDF4"))), reason="needs xarray and netCDF4"
)
needs_zarr = pytest.mark.skipif(not have("xarray", "zarr"), reason="needs xarray and zarr")
forms = pytest.mark.parametrize(
    "ending", [pytest.param(".nc", marks=needs_netcdf), pytest.param(".zarr", marks=needs_zarr)]
)


@pytest.fixture(autouse=True)
def zarr_s_threads() -> Iterator[None]:
    """zarr keeps an event loop in threads of its own until the process ends."""
    yield
    if "zarr.core.sync" in sys.modules:
        sys.modules["zarr.core.sync"].cleanup_resources()


def same(one: Grid, two: Grid) -> None:
    assert one.outputs == two.outputs
    assert one.shape == two.shape
    assert one.space.names == two.space.names
    assert one.space.where == two.space.where
    assert one.fixed == two.fixed
    for name, values in one.params.items():
        assert two.params[name].dtype.kind == values.dtype.kind
        assert two.params[name].tolist() == values.tolist()
    for name in one.outputs:
        assert one[name].dtype == two[name].dtype
        np.testing.assert_array_equal(np.ma.getmaskarray(one[name]), np.ma.getmaskarray(two[name]))
        np.testing.assert_array_equal(one[name], two[name])
    np.testing.assert_array_equal(one.status, two.status)
    assert (one.done, one.failed, one.waiting, one.left_out) == (two.done, two.failed, two.waiting, two.left_out)
    assert list(one.failures) == list(two.failures)
    np.testing.assert_array_equal(one.timings.seconds, two.timings.seconds)
    assert one.timings.resources == two.timings.resources
    assert one.timings.kept == two.timings.kept
    assert repr(one) == repr(two)


def of_everything() -> Grid:
    grid = Grid(small_space(where=True), ("x", "k", "u", "flag", "z", "s", "v", "h", "e"))
    values: dict[str, Any] = {
        "x": [1.5, -0.0, np.inf],
        "k": [2**62 + 1, -5, 0],
        "u": np.array([255, 0, 7], "u1"),
        "flag": [True, False, True],
        "z": [1 + 2j, complex(0, np.inf), -1j],
        "s": ["", "Ω\nline", "zero\0byte"],
        "v": np.arange(12.0).reshape(3, 2, 2),
        "h": np.array([0.1, 2, 3], "f2"),
        "e": np.zeros((3, 0)),
    }
    grid.put([0, 1, 2], values, seconds=[0.1, 0.2, 0.3], resource="vm-1", job_id="j1", computed=False)
    grid.fail([3], ["ValueError: Ω\n  at line 3"], resource="vm-2", job_id="j2", seconds=1.0)
    return grid


@forms
def test_everything_comes_back(ending: str, tmp_path: Path) -> None:
    grid = of_everything()
    path = grid.save(tmp_path / f"run{ending}")
    assert path == tmp_path / f"run{ending}"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    same(grid, Grid.load(path))


@forms
def test_a_grid_without_results_and_one_that_is_complete(ending: str, tmp_path: Path) -> None:
    for number, grid in enumerate((Grid(zip_space(), ("x", "y")), filled(k=np.arange(6), s=list("abcdef")))):
        same(grid, Grid.load(grid.save(str(tmp_path / f"{number}{ending}"))))


@forms
def test_a_slice_and_a_single_point(ending: str, tmp_path: Path) -> None:
    for number, part in enumerate((filled().sel(b=16), filled(zip_space()).sel(s="v"))):
        same(part, Grid.load(part.save(tmp_path / f"{number}{ending}")))


@forms
def test_parameters_of_every_kind(ending: str, tmp_path: Path) -> None:
    mixed = np.empty(3, dtype=object)
    mixed[:] = [1, "two", (3, None)]
    axes = [
        axis("f", [0.1, 0.2]),
        axis("flag", [True, False]),
        axis("w", ["ü", "n\0l"], "mm"),
        ListedAxis({"o": mixed, "k": np.arange(3)}, "zip", {"k": "s"}),
    ]
    grid = filled(ListedSpace(axes))
    again = Grid.load(grid.save(tmp_path / f"p{ending}"))
    same(grid, again)
    assert again.space.axes[3].unit == {"k": "s"}
    assert again.space.axes[3].label == "zip"


@forms
def test_a_loaded_grid_takes_more_results(ending: str, tmp_path: Path) -> None:
    grid = Grid(small_space(), ("k",))
    grid.put([4], {"k": [1]})
    again = Grid.load(grid.save(tmp_path / f"g{ending}"))
    again.put([0], {"k": [0.5]})
    assert again.k[0, 0] == 0.5
    assert np.isnan(again.k).sum() == 4
    again.save(tmp_path / f"g{ending}")
    same(again, Grid.load(tmp_path / f"g{ending}"))


@needs_netcdf
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(), min_size=6, max_size=6))
def test_texts_of_any_characters(tmp_path: Path, texts: list[str]) -> None:
    grid = filled(s=np.array(texts, dtype=object))
    again = Grid.load(grid.save(tmp_path / "t.nc"))
    assert again._columns["s"].raw.tolist() == texts


@needs_netcdf
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=5, max_size=5))
def test_integers_of_any_size_even_like_the_fill_value(tmp_path: Path, numbers: list[int]) -> None:
    grid = Grid(small_space(), ("k",))
    grid.put(np.arange(5), {"k": np.array(numbers, dtype=np.int64)})
    again = Grid.load(grid.save(tmp_path / "k.nc"))
    assert again.k.reshape(-1)[:5].tolist() == numbers
    assert again.k.mask.reshape(-1).tolist() == [False] * 5 + [True]


@needs_netcdf
def test_other_programs_see_missing_values(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    with xarray.open_dataset(of_everything().save(tmp_path / "o.nc")) as data:
        assert data["k"].dims == ("a", "b")
        assert data["k"].isnull().values.tolist() == [[False, False], [False, True], [True, True]]
        assert data["u"].isnull().sum() == 3
        assert data["x"].isnull().sum() == 3
        assert data["z_imag"].values[0, 0] == 2
        assert data["a"].attrs["units"] == "m"
        assert data["everest_status"].values.tolist() == [[1, 1], [1, 2], [3, 3]]


@pytest.mark.parametrize(
    "engine",
    [pytest.param(each, marks=pytest.mark.skipif(not have(each), reason=each)) for each in grid_files._ENGINES],
)
@needs_netcdf
def test_both_writers_of_netcdf(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = of_everything()
    with monkeypatch.context() as only:
        only.setattr(grid_files, "have", lambda package: (package == "netCDF4") == (engine == "netCDF4"))
        path = grid.save(tmp_path / "g.nc")
        same(grid, Grid.load(path))
    same(grid, Grid.load(path))


@forms
def test_a_failed_save_keeps_the_older_file(ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xarray = pytest.importorskip("xarray")
    path = filled().save(tmp_path / f"g{ending}")

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(xarray.Dataset, "to_netcdf", broken)
    monkeypatch.setattr(xarray.Dataset, "to_zarr", broken)
    with pytest.raises(OSError, match="disk full"):
        Grid(small_space(), ("other",)).save(path)
    assert Grid.load(path).done == 6
    assert len(list(tmp_path.iterdir())) == 1


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CellOptionError, match=r"\.nc \(netCDF\) or \.zarr"):
        filled().save(tmp_path / "grid.csv")
    with pytest.raises(CellOptionError, match="no known ending"):
        Grid.load(tmp_path / "grid")


@needs_netcdf
def test_files_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    xarray = pytest.importorskip("xarray")
    with pytest.raises(CellOptionError, match="there is no"):
        Grid.load(tmp_path / "none.nc")
    for notes in ({}, {"everest_grid": json.dumps({"form": 99})}):
        data = xarray.Dataset({"x": ("a", [1.0])}, attrs=notes)
        data.to_netcdf(tmp_path / "other.nc", engine=grid_files._engine(Path("g.nc")))
        with pytest.raises(CellOptionError, match=r"not written by Grid\.save"):
            Grid.load(tmp_path / "other.nc")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ConfigurationError, match="pip install xarray zarr"):
        filled().save(tmp_path / "g.zarr")
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "xarray", None)
        with pytest.raises(ConfigurationError, match="pip install xarray netCDF4"):
            filled().save(tmp_path / "g.nc")
    monkeypatch.setitem(sys.modules, "xarray", sys)
    monkeypatch.setattr(grid_files, "have", lambda package: False)
    with pytest.raises(ConfigurationError, match="pip install netCDF4"):
        filled().save(tmp_path / "g.nc")
