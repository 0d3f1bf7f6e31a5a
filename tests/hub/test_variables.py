"""The rules of a job's variables."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.hub.variables import Heard, Variables

NAMES = st.sampled_from(["record", "flag", "x"])
NUMBERS = st.one_of(st.integers(-1000, 1000), st.floats(allow_nan=False)).map(str)


def test_an_unset_variable_is_null() -> None:
    assert Variables().hear("VAR_GET record") == Heard(answer="VAR_VALUE record NULL")


def test_only_a_smaller_value_counts_and_is_told_to_the_others() -> None:
    variables = Variables()
    assert variables.hear("VAR_SET_MD record 5") == Heard(others="VAR_VALUE record 5")
    assert variables.hear("VAR_SET_MD record 5.0") == Heard()
    assert variables.hear("VAR_SET_MD record 7") == Heard()
    assert variables.hear("VAR_SET_MD record -1e3") == Heard(others="VAR_VALUE record -1e3")
    assert variables.hear("VAR_GET record") == Heard(answer="VAR_VALUE record -1e3")


def test_the_number_before_the_colon_is_compared_and_the_whole_is_kept() -> None:
    variables = Variables()
    variables.hear("VAR_SET_MD record 10:enp6eg==")
    assert variables.hear("VAR_SET_MD record 9:YWFh:b") == Heard(others="VAR_VALUE record 9:YWFh:b")
    assert variables.hear("VAR_SET_MD record 9.5:0") == Heard()


@pytest.mark.parametrize(
    "text",
    ["", " ", "VAR_GET", "VAR_GET a b", "VAR_SET x 1", "VAR_SET_MD x", "VAR_SET_MD x 1 2", "var_get x",
     "VAR_SET_MD x word", "VAR_SET_MD x nan", "VAR_SET_MD x :1", "VAR_SET_MD x NULL"],
)  # fmt: skip
def test_what_is_not_understood_changes_nothing_and_is_explained(text: str) -> None:
    variables = Variables()
    heard = variables.hear(text)
    assert heard.ignored
    assert (heard.answer, heard.others) == ("", "")
    assert variables.hear("VAR_GET x") == Heard(answer="VAR_VALUE x NULL")


def test_there_is_an_end_to_what_a_job_may_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.hub.variables._MOST_VARIABLES", 3)
    monkeypatch.setattr("everest_kernel.hub.variables._MOST_CHARACTERS", 100)
    variables = Variables()
    for name in "abc":
        assert variables.hear(f"VAR_SET_MD {name} 9").others
    assert "no room" in variables.hear("VAR_SET_MD d 9").ignored
    assert variables.hear("VAR_SET_MD a 8").others, "a present one still changes"
    assert "no room" in variables.hear(f"VAR_SET_MD a 7:{'x' * 100}").ignored
    assert "no room" in variables.hear(f"VAR_SET_MD {'n' * 201} 1").ignored


@given(st.lists(st.tuples(NAMES, NUMBERS, st.sampled_from(["", ":data"]))))
def test_a_variable_is_the_minimum_of_what_was_set(settings: list[tuple[str, str, str]]) -> None:
    variables = Variables()
    best: dict[str, str] = {}
    for name, number, data in settings:
        heard = variables.hear(f"VAR_SET_MD {name} {number}{data}")
        if float(number) < float(best.get(name, "nan").partition(":")[0]) or name not in best:
            best[name] = number + data
            assert heard == Heard(others=f"VAR_VALUE {name} {number}{data}")
        else:
            assert heard == Heard()
    for name, value in best.items():
        assert variables.hear(f"VAR_GET {name}").answer == f"VAR_VALUE {name} {value}"
        assert not math.isnan(float(value.partition(":")[0]))


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    Variables().hear(text)
