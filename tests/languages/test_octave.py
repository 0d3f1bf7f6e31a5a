"""Octave: values, errors, figures and files, run by the true program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import CellRequest, Language, StagedFile
from everest_kernel.languages.octave import OctaveLanguage
from everest_kernel.wire import CellOptionError, ValueRefusedError

from .running import located, run_cell

pytestmark = pytest.mark.system("octave")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = st.booleans() | st.floats() | TEXT | st.complex_numbers() | st.integers(-(2**53), 2**53)
KEYS = st.from_regex(r"[a-z][a-zA-Z0-9_]{0,8}", fullmatch=True)
NESTED = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
TYPES = st.sampled_from(
    ["f8", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c16", "c8"],
).map(np.dtype)
SHAPES = st.one_of(
    st.tuples(st.integers(0, 4)).filter(lambda s: s != (1,)),
    st.tuples(st.integers(2, 4), st.integers(0, 4)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(2, 3)),
)
ARRAYS = TYPES.flatmap(lambda kind: st_numpy.arrays(kind, SHAPES)).filter(lambda a: a.size or a.dtype.kind != "c")


@pytest.fixture(scope="module")
def octave() -> Language:
    return located(OctaveLanguage())


def same(a: Any, b: Any) -> bool:
    """Equal as numbers go: Octave's numbers are doubles, so 1 comes back as 1.0."""
    if isinstance(a, np.ndarray):
        alike = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex, int)) and not isinstance(a, bool):
        return np.array_equal(np.complex128(a), np.complex128(b), equal_nan=True)
    return type(a) is type(b) and bool(a == b)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NESTED, min_size=1, max_size=6))
def test_values_come_back_as_they_went(octave: Language, tmp_path: Path, values: list[Any]) -> None:
    inputs = {f"v{i}": value for i, value in enumerate(values)}
    back = run_cell(octave, tmp_path / "t", "1;", inputs=inputs, out_named=tuple(inputs)).back
    assert back.problems == []
    for name, value in inputs.items():
        assert same(value, back.values[name]), name


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ARRAYS, min_size=1, max_size=6), st.booleans())
def test_arrays_come_back_bit_for_bit(octave: Language, tmp_path: Path, arrays: list[Any], in_files: bool) -> None:
    inputs = {f"v{i}": array for i, array in enumerate(arrays)}
    with pytest.MonkeyPatch.context() as patch:
        if in_files:
            patch.setattr("everest_kernel.languages.octave.literals.INLINE_NUMBERS", -1)
        back = run_cell(octave, tmp_path / "t", "1;", inputs=inputs, out_named=tuple(inputs)).back
    assert back.problems == []
    for name, array in inputs.items():
        assert same(array, back.values[name]), name


def test_a_matrix_has_its_rows_and_a_row_is_one_dimensional(octave: Language, tmp_path: Path) -> None:
    code = "r = A(2, :);\nc = A(:, 2);\ns = A(2, 3);\nB = A';"
    values = run_cell(
        octave, tmp_path / "t", code, inputs={"A": np.arange(6.0).reshape(2, 3)}, out_named=("r", "c", "s", "B")
    ).back.values
    assert values["r"].tolist() == [3, 4, 5]
    assert values["c"].tolist() == [[1], [4]]
    assert values["s"] == 5.0
    assert values["B"].tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "NoneType"),
        (2**53 + 1, "more digits"),
        (b"x", "bytes"),
        ("a\0b", "NUL"),
        ({"a b": 1}, "name of a field"),
        ({1: 1}, "name of a field"),
        (np.array(["x"]), "<U1"),
        (np.zeros((2, 3, 1)), "last dimension"),
        (np.array([object()]), "object"),
        (np.zeros(0, complex), "empty"),
        ([[{"a": {1, 2}}]], "set"),
    ],
)
def test_what_octave_cannot_hold_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^v: .*{why}"):
        OctaveLanguage().render(CellRequest("", inputs={"v": value}))


@pytest.mark.parametrize("name", ["end", "everest_x", "ф", "endfunction"])
def test_names_that_octave_cannot_have(name: str) -> None:
    for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
        with pytest.raises(CellOptionError, match="cannot be the name"):
            OctaveLanguage().render(request)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("x = @sin;", "function_handle"),
        ("x = sparse([1 0]);", "sparse"),
        ("x = ['ab'; 'cd'];", "matrix of characters"),
        ("x = {1, 2; 3, 4};", "2x2"),
        ("x = struct('a', {1, 2});", "array of structures"),
        ("x = {1, {@sin}};", "function_handle"),
        ("y = 1;", "did not assign it"),
    ],
)
def test_what_cannot_come_back_says_why_and_the_rest_comes(
    octave: Language, tmp_path: Path, code: str, why: str
) -> None:
    back = run_cell(octave, tmp_path / "t", f"{code}\nz = 1;", out_named=("x", "z")).back
    assert back.values == {"z": 1.0}
    assert why in back.problems[0]
    assert back.problems[0].startswith("x: ")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1;\n\ny = undefined_name + 1;", "line 3 of the cell"),
        ("x = 1;\ny = (3;", "parse error (line 2 of the cell)"),
        ("x = 1;\nfor i = 1:3\n  x = i;", "parse error (line 4 of the cell)"),
        ("% a comment\nfunction r = f(a)\n  r = a + q;\nend\nf(1)", "line 3 of the cell"),
        ("error('Привет %d', 5)", "Привет 5 (line 1 of the cell)"),
        ("y := proc(x) return x end proc;", "line 1 of the cell"),
        ("x = input('? ')", "line 1 of the cell"),
        ("clear -all -functions", "Correct usage is: (line 1 of the cell)"),
    ],
)
def test_an_error_names_the_cells_own_line(octave: Language, tmp_path: Path, code: str, said: str) -> None:
    ran = run_cell(octave, tmp_path / "t", code, out_named=("x",))
    assert (ran.status, ran.back.values) == (1, {})
    assert said in ran.error, ran.stderr


def test_a_cell_that_leaves_early_has_not_succeeded(octave: Language, tmp_path: Path) -> None:
    assert run_cell(octave, tmp_path / "t", "exit(7)").status == 7
    ran = run_cell(octave, tmp_path / "t", "exit(0)")
    assert (ran.status, ran.back.finished) == (1, False)


def test_a_cell_may_clear_everything(octave: Language, tmp_path: Path) -> None:
    ran = run_cell(octave, tmp_path / "t", "clear all; clear -functions; x = 6;", out_named=("x",))
    assert ran.back.values == {"x": 6.0}


@pytest.mark.system("gnuplot-nox")  # and fonts-freefont-otf, which has no command
def test_open_figures_are_shown(octave: Language, tmp_path: Path) -> None:
    ran = run_cell(octave, tmp_path / "t", "plot(1:3); title('one'); figure; surf(peaks(5));")
    assert (ran.status, ran.stderr) == (0, "")
    assert ["<svg" in picture.data["image/svg+xml"] for picture in ran.pictures] == [True, True]


@pytest.mark.system("gnuplot-nox")
def test_a_cell_may_go_to_another_folder(octave: Language, tmp_path: Path) -> None:
    ran = run_cell(octave, tmp_path / "t", "mkdir('a'); cd('a'); x = 1; plot(1:2); clear -x x", out_named=("x",))
    assert (ran.back.values, len(ran.pictures)) == ({"x": 1.0}, 1)


def test_files_go_in_and_come_out(octave: Language, tmp_path: Path) -> None:
    code = "x = load('data/a.txt');\nmkdir out; save('-ascii', 'out/b.txt', 'x');\nprintf('%d\\n', x);"
    ran = run_cell(
        octave,
        tmp_path / "t",
        code,
        staged={"file-1": b"5\n"},
        files=(StagedFile("file-1", "data/a.txt"),),
        fetch=("out/*", "out/b*", "*.none", "*.m"),
    )
    assert (ran.status, ran.stdout) == (0, "5\n")
    assert ran.fetched.keys() == {"out/b.txt"}
    assert ran.back.problems == ["no file matches --fetch '*.none'", "no file matches --fetch '*.m'"]


def test_a_large_array_goes_in_a_file(octave: Language, tmp_path: Path) -> None:
    array = np.random.default_rng(1).normal(size=(300, 200))
    ran = run_cell(octave, tmp_path / "t", "b = 2 * a;", inputs={"a": array}, out_named=("b",))
    assert np.array_equal(ran.back.values["b"], 2 * array)
    assert len(OctaveLanguage().render(CellRequest("", inputs={"a": array})).text) < 10_000
