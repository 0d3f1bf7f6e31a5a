"""The `name=values` words of a sweep's line."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.sweeps import listing
from everest_kernel.sweeps.parse import Word, parse_values, parse_word
from everest_kernel.sweeps.snippets import split_outside
from everest_kernel.wire import CellOptionError, EverestError


def values(text: str, **namespace: Any) -> list[Any]:
    found = parse_values("a", text, namespace)
    return found.take(np.arange(found.size)).tolist()


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("a=1", Word("a", "", "1")),
        ("v[m/s]=1,2", Word("v", "m/s", "1,2")),
        ("x_1 = f(y=3)", Word("x_1", "", "f(y=3)")),
        ("T[ K ]=[1, 2]", Word("T", "K", "[1, 2]")),
        ("σ=1", Word("σ", "", "1")),
        ("a=b==c", Word("a", "", "b==c")),
    ],
)
def test_words(word: str, expected: Word) -> None:
    assert parse_word(word) == expected


@pytest.mark.parametrize("word", ["a", "=1", "a=", "a= ", "1a=3", "a b=3", "a-b=3", "a[m=3", "a==3", "", "a.b=1"])
def test_words_that_are_no_parameters(word: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        parse_word(word)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10,16", [10, 16]),
        ("1,2.5", [1.0, 2.5]),
        ("1_000,2", [1000, 2]),
        ("fast,exact", ["fast", "exact"]),
        ("'a','b'", ["a", "b"]),
        ('"a,b","c:d"', ["a,b", "c:d"]),
        ("True,False", [True, False]),
        ("None,1", [None, 1]),
        ("1,inf", [1.0, float("inf")]),
        ("fast,", ["fast"]),
        ("5", [5]),
        ("-0.5", [-0.5]),
        ("'x'", ["x"]),
        ("rk-45,bdf/2,v1.2", ["rk-45", "bdf/2", "v1.2"]),
        ("None", [None]),
        ("n-1,n+1", [2, 4]),
        ("2*pi,1", [6.283185307179586, 1.0]),
        ("10,auto", [10, "auto"]),
        ("v", [1.5, 2.5]),
        ("v[0]", [1.5]),
        ("[x**2 for x in range(3)]", [0, 1, 4]),
        ("(n, 2*n)", [3, 6]),
        ("n", [3]),
        ("name", ["word"]),
        ("series", [1, 2]),
        ("series.index", [5, 6]),
        ("(i for i in (1, 2))", [1, 2]),
        ("[0.1, True, 'x']", [0.1, True, "x"]),
        ("[0.5, 2**60 + 1]", [0.5, 2**60 + 1]),
        ("[1, 2**70]", [1, 2**70]),
        ("scalar", [2.5]),
        ("[True, 2]", [True, 2]),
        ("['a', 'b\\0']", ["a", "b\0"]),
        ("[1+2j, 3]", [1 + 2j, 3]),
        ("[(0, 1), (2, 3)]", [(0, 1), (2, 3)]),
        ("{1: 2}[1]", [2]),
        ("small", [0.5, 0.25]),
    ],
)
def test_lists_and_expressions(text: str, expected: list[Any]) -> None:
    namespace = {
        "n": 3,
        "v": np.array([1.5, 2.5]),
        "name": "word",
        "series": pd.Series([1, 2], index=[5, 6]),
        "scalar": np.array(2.5),
        "small": np.array([0.5, 0.25], np.float32),
    }
    found = values(text, **namespace)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", "no variable x"),
        ("f(", "cannot be read"),
        ("linspace(0,", "cannot be read|no Python"),
        ("1,,2", "empty place"),
        (",", "empty place"),
        ("[]", "no values"),
        ("grid", "shape"),
        ("mapping", "no order"),
        ("{1,2}", "no order"),
        ("frame", "table"),
        ("print", "built-in"),
        ("1/0", "ZeroDivisionError"),
        ("1,1O", "is no number|no Python"),
        ("1,m-1", "is no number"),
        ("0:1:11,2", "cannot hold the range"),
        ("1,[2,3]", "sequence itself"),
        ("masked", "masked"),
        ("v,w", "v could be the text or your variable"),
        ("v-1,v", "v could be the text or your variable"),
    ],
)
def test_values_that_are_refused(text: str, message: str) -> None:
    namespace = {
        "grid": np.zeros((2, 2)),
        "mapping": {1: 2},
        "frame": pd.DataFrame({"a": [1]}),
        "masked": np.ma.array([1, 2], mask=[True, False]),
        "v": 1,
    }
    with pytest.raises(CellOptionError, match=message) as caught:
        values(text, **namespace)
    assert caught.value.message.startswith("a=")


def test_values_split_at_blanks_are_explained() -> None:
    with pytest.raises(CellOptionError) as caught:
        values("linspace(0")
    assert "without blanks" in (caught.value.hint or "")


def test_an_endless_iterator_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_LISTED", 100)
    with pytest.raises(CellOptionError, match="more than 100 values"):
        values("count()", count=itertools.count)
    assert len(values("[0]*100")) == 100


def test_dates_stay_what_they_are() -> None:
    days = np.array(["2024-01-01", "2024-01-02"], "datetime64[D]")
    found = values("days", days=days)
    assert found == list(days)
    assert {type(day) for day in found} == {np.datetime64}


def test_a_users_own_linspace_is_used() -> None:
    assert values("linspace(0, 1, 3)", linspace=lambda *numbers: list(numbers)) == [0, 1, 3]
    assert values("linspace(0, 1, 11)", linspace=np.linspace)[3] == 0.3


@given(st.text(alphabet="ab,:()[]{}'\"\\ ", max_size=30), st.sampled_from(",:"))
def test_splitting_loses_nothing(text: str, mark: str) -> None:
    parts = split_outside(text, mark)
    assert "".join("".join(parts).split()).replace(mark, "") == "".join(text.split()).replace(mark, "")
    assert len(parts) <= text.count(mark) + 1


SIMPLE = st.one_of(st.integers(-(2**62), 2**62), st.floats(allow_nan=False), st.booleans(), st.text(max_size=5))


@given(st.lists(SIMPLE, min_size=1, max_size=5))
def test_any_list_of_plain_values_comes_back(given_values: list[Any]) -> None:
    found = values("v", v=given_values)
    assert found == given_values
    kinds = {type(value) for value in given_values}
    if kinds != {int, float}:
        assert [type(value) for value in found] == [type(value) for value in given_values]


@given(st.text(max_size=25))
def test_any_text_gives_values_or_a_clear_error(text: str) -> None:
    if any(name in text for name in ("input", "exit", "quit", "help", "open", "eval", "exec", "breakpoint")):
        return
    with contextlib.suppress(EverestError):
        word = parse_word(f"a={text}")
        assert parse_values("a", word.text, {"v": [1, 2]}).size >= 1


def test_an_escaped_quote_does_not_end_a_text() -> None:
    assert split_outside(r"'a\',b',c", ",") == [r"'a\',b'", "c"]
    assert values(r"'a\',b',c") == ["a',b", "c"]
