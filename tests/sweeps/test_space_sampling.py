"""Samples: inside the ranges, the same for the same seed, and growing without change."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.sweeps.sampling import METHODS
from everest_kernel.sweeps.space import Space, parse_space
from everest_kernel.wire import CellOptionError, ConfigurationError

WORDS = ["a=20:50", "x=0.5:1.5", "m=fast,exact,best", "g=geomspace(1, 100, 3)", "b=range(0, 100, 10)"]


def columns(space: Space) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in space.columns(np.arange(space.size)).items()}


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    if request.param != "uniform":
        pytest.importorskip("scipy.stats")
    return str(request.param)


def test_a_sample_is_inside_its_ranges(method: str) -> None:
    space = parse_space(WORDS, {}, sample=1000, seed=1, method=method)
    found = columns(space)
    assert (space.shape, space.axes[0].label, space.names) == ((1000,), "sample", ("a", "x", "m", "g", "b"))
    assert set(found["a"]) == set(range(20, 51))
    assert all(0.5 <= value <= 1.5 for value in found["x"])
    assert len(set(found["x"])) > 990
    assert set(found["m"]) == {"fast", "exact", "best"}
    assert all(1 <= value <= 100 for value in found["g"])
    assert sum(value < 10 for value in found["g"]) == pytest.approx(500, abs=60)
    assert set(found["b"]) == set(range(0, 100, 10))
    assert [type(found[name][0]) for name in found] == [int, float, str, float, int]


def test_the_same_seed_gives_the_same_sample(method: str) -> None:
    first, second, other = (
        columns(parse_space(WORDS, {}, sample=50, seed=seed, method=method)) for seed in (None, 0, 7)
    )
    assert first == second != other


@pytest.mark.parametrize("method", ["uniform", "sobol"])
def test_a_longer_sample_begins_with_the_shorter_one(method: str) -> None:
    if method == "sobol":
        pytest.importorskip("scipy.stats")
    short, long = (columns(parse_space(WORDS, {}, sample=count, seed=3, method=method)) for count in (10, 37))
    assert {name: values[:10] for name, values in long.items()} == short


@pytest.mark.parametrize("name", ["lhs", "sobol"])
def test_even_methods_fill_each_range_evenly(name: str) -> None:
    pytest.importorskip("scipy.stats")
    found = columns(parse_space(["x=0.0:1", "m=a,b"], {}, sample=64, method=name))
    assert Counter(int(value * 64) for value in found["x"]) == dict.fromkeys(range(64), 1)
    assert Counter(found["m"]) == {"a": 32, "b": 32}


def test_zipped_parameters_and_rows_are_chosen_together() -> None:
    frame = pd.DataFrame({"p": [1, 2, 3], "q": [10, 20, 30]})
    found = columns(parse_space(["a=1,2", "b=3,6"], {}, zipped=True, frame=frame, sample=100))
    assert set(zip(found["p"], found["q"], strict=True)) == {(1, 10), (2, 20), (3, 30)}
    assert set(zip(found["a"], found["b"], strict=True)) == {(1, 3), (2, 6)}


def test_a_condition_leaves_points_of_a_sample_out() -> None:
    space = parse_space(["x=0.0:1"], {}, sample=1000, where="x < 0.25")
    assert space.size == 1000
    assert space.count() == pytest.approx(250, abs=50)
    assert all(space.columns(block)["x"].max() < 0.25 for block in space.numbers())


@given(st.integers(-100, 100), st.integers(-100, 100))
def test_the_whole_of_an_interval_of_ints_is_reached(first: int, last: int) -> None:
    found = columns(parse_space([f"a={first}:{last}"], {}, sample=4000))["a"]
    low, high = sorted((first, last))
    assert low <= min(found) <= max(found) <= high
    if high - low < 50:
        assert set(found) == set(range(low, high + 1))


def test_nothing_is_drawn_before_a_value_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(seed: int) -> None:
        raise AssertionError("drawn")

    monkeypatch.setattr(np.random, "default_rng", refuse)
    space = parse_space(WORDS, {}, sample=10**12)
    assert "1,000,000,000,000 points" in space.describe()
    with pytest.raises(AssertionError, match="drawn"):
        space.point(0)


def test_a_sample_is_described() -> None:
    lines = parse_space(["a=20:50", "x[m]=0.5:1.5", "g=geomspace(1, 100, 3)"], {}, sample=100, seed=5).describe()
    assert lines.splitlines() == [
        "sample: 100 rows",
        "  a = drawn from 20 to 50, 31 int values, step 1",
        "  x [m] = drawn from 0.5 to 1.5 (float)",
        "  g = drawn from 1 to 100 (float, equally likely in the exponent)",
        "sampled: uniform, seed 5",
        "100 points",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample": 0}, "is empty"),
        ({"sample": -5}, "is empty"),
        ({"sample": 5, "seed": -1}, "must not be negative"),
        ({"sample": 5, "method": "halton"}, "no sampling method"),
        ({"sample": 2**31, "method": "sobol"}, "at most"),
    ],
)
def test_samples_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CellOptionError, match=message):
        parse_space(["a=0:1"], {}, **options)


def test_missing_scipy_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    monkeypatch.setitem(sys.modules, "scipy.stats.qmc", None)
    with pytest.raises(ConfigurationError, match="scipy") as caught:
        parse_space(["a=0:1"], {}, sample=5, method="lhs")
    assert "pip install scipy" in (caught.value.hint or "")
    assert parse_space(["a=0:1"], {}, sample=5).size == 5


def test_an_interval_may_be_written_downwards() -> None:
    found = columns(parse_space(["x=1.5:0.5"], {}, sample=100))["x"]
    assert all(0.5 <= value <= 1.5 for value in found)
    assert len(set(found)) == 100
