"""Outputs that are too large for memory lie in files."""

from __future__ import annotations

import gc
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from everest_kernel.sweeps import spilling
from everest_kernel.sweeps.grid import Grid
from everest_kernel.sweeps.outputs import SweepOutputError
from everest_kernel.sweeps.spaces import ListedSpace
from tests.sweeps.grid_support import axis, small_space


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """6 points of 8 bytes are more than a quarter of what is free."""
    monkeypatch.setattr(spilling, "free_memory", lambda: 6 * 8 * 4 - 1)


def test_a_quarter_of_the_free_memory_is_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spilling, "free_memory", lambda: 6 * 8 * 4)
    grid = Grid(small_space(), ("x",), spill=tmp_path)
    grid.put([0], {"x": [1.0]})
    assert grid.spilled == {}


@pytest.mark.usefixtures("little_memory")
def test_a_large_output_lies_in_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    grid = Grid(small_space(), ("x", "flag"), spill=folder)
    assert grid.spilled == {}
    grid.put([1], {"x": [1.5], "flag": [True]})
    assert grid.spilled == {"x": folder / "x.npy"}
    values = grid.x
    assert values[0, 1] == 1.5
    assert np.isnan(values).sum() == 5
    with pytest.raises(ValueError, match="read-only"):
        values[0, 0] = 3
    grid.put([0], {"x": [2.5], "flag": [False]})
    assert values[0, 0] == 2.5, "a view of the file goes on filling"
    assert np.load(folder / "x.npy")[:2].tolist() == [2.5, 1.5]


@pytest.mark.usefixtures("little_memory")
def test_a_spilled_output_changes_its_kind(tmp_path: Path) -> None:
    grid = Grid(small_space(), ("x",), spill=tmp_path)
    grid.put([1], {"x": [3]})
    before = grid.x
    assert before.mask.sum() == 5
    grid.put([0], {"x": [0.5]})
    assert grid.x.dtype == np.float64
    assert grid.x[0].tolist() == [0.5, 3]
    assert np.isnan(grid.x).sum() == 4
    assert before[0, 1] == 3
    assert list(tmp_path.iterdir()) == [grid.spilled["x"]]


@pytest.mark.usefixtures("little_memory")
def test_without_a_folder_the_files_go_with_the_grid() -> None:
    grid = Grid(small_space(), ("x",))
    grid.put([1], {"x": [1.5]})
    folder = grid.spilled["x"].parent
    assert folder.is_dir()
    assert "lies in" in repr(grid)
    values = grid.x
    del grid
    gc.collect()
    assert not folder.exists()
    assert values[0, 1] == 1.5


@pytest.mark.usefixtures("little_memory")
def test_no_room_on_the_disk_is_said_and_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid(small_space(), ("k", "x"), spill=tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(SweepOutputError, match=r"'x' of all points needs .* GB") as caught:
        grid.put([1], {"k": [True], "x": [1.5]})
    assert "Return less per point" in str(caught.value)
    assert grid.waiting == 6
    monkeypatch.undo()
    grid.put([1], {"k": [True], "x": [1.5]})
    assert grid.done == 1
    assert grid.k.mask.sum() == 5


@pytest.mark.usefixtures("little_memory")
def test_texts_stay_in_memory(tmp_path: Path) -> None:
    grid = Grid(small_space(), ("s",), spill=tmp_path)
    grid.put([1], {"s": ["a" * 1000]})
    assert grid.spilled == {}
    assert grid.s[0, 1] == "a" * 1000


def test_very_wide_texts_are_handed_out_as_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.sweeps.outputs._MOST_TEXT_BYTES", 100)
    grid = Grid(small_space(), ("s",))
    grid.put([1], {"s": ["abcdefgh"]})
    assert grid.s.dtype == object
    assert grid.s[0, 1] == "abcdefgh"
    assert grid.s.mask.sum() == 5


@pytest.mark.parametrize(("limit", "used", "free"), [("1000", "400", 600), ("max", "400", None), ("400", "1000", 0)])
def test_a_container_s_limit_counts(
    limit: str, used: str, free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "max").write_text(limit)
    (tmp_path / "now").write_text(used)
    monkeypatch.setattr(spilling, "_CONTROL_GROUPS", ((str(tmp_path / "max"), str(tmp_path / "now")),))
    memory = SimpleNamespace(available=5000)
    monkeypatch.setattr(spilling.psutil, "virtual_memory", lambda: memory)
    assert spilling.free_memory() == (5000 if free is None else free)


def test_arrays_per_point_count_with_all_their_entries(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spilling, "free_memory", lambda: 1_000_000)
    grid = Grid(ListedSpace([axis("a", range(10))]), ("v",), spill=tmp_path)
    values: Any = np.ones((1, 100, 50))
    grid.put([3], {"v": values})
    assert list(grid.spilled) == ["v"]
    assert grid.v.shape == (10, 100, 50)
    assert (grid.v[3] == 1).all()
