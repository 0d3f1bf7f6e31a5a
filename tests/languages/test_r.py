"""R: values, errors, pictures and files, run by the true program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import CellRequest, Language, StagedFile
from everest_kernel.languages.r import RLanguage
from everest_kernel.wire import CellOptionError, ConfigurationError, ValueRefusedError

from .running import located, run_cell

pytestmark = pytest.mark.system("r-base-core")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = (
    st.none()
    | st.booleans()
    | st.floats()
    | TEXT
    | st.binary(max_size=20)
    | st.complex_numbers()
    | st.integers(-(2**31) + 1, 2**31 - 1)
)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT.filter(bool), inner, max_size=3),
    max_leaves=8,
)
TYPES = st.sampled_from(["f8", "i4", "?", "c16"]).map(np.dtype)
SHAPES = st.integers(0, 5).filter(lambda n: n != 1).map(lambda n: (n,)) | st_numpy.array_shapes(
    min_dims=2, max_dims=3, min_side=0, max_side=3
)


def _arrays(kind: np.dtype[Any]) -> st.SearchStrategy[Any]:
    elements = st.integers(-(2**31) + 1, 2**31 - 1) if kind.kind == "i" else None
    return st_numpy.arrays(kind, SHAPES, elements=elements)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 4))

    def some(elements: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(elements, min_size=rows, max_size=rows))

    integers = st.integers(-(2**31) + 1, 2**31 - 1)
    kinds = {
        "numbers": lambda: np.array(some(st.floats()), "f8"),
        "integers": lambda: np.array(some(integers), "i4"),
        "truths": lambda: np.array(some(st.booleans()), bool),
        "texts": lambda: pd.array(some(TEXT), dtype=pd.Series(["x"]).dtype),
        "factor": lambda: pd.Categorical(some(st.none() | st.sampled_from("aбc")), ["c", "aбc", "б", "a"]),
        "gaps": lambda: _gaps(pd.array(some(integers), dtype="Int32"), some(st.booleans())),
        "flaws": lambda: _gaps(pd.array(some(st.booleans()), dtype="boolean"), some(st.booleans())),
        "holes": lambda: _gaps(pd.array(some(TEXT), dtype="string"), some(st.booleans())),
    }
    chosen = draw(st.lists(st.sampled_from(sorted(kinds)), unique=True))
    frame = pd.DataFrame({name: kinds[name]() for name in chosen}, index=pd.RangeIndex(rows))
    labels = draw(
        st.lists(TEXT.filter(bool) | integers.filter(lambda n: n > 9), min_size=rows, max_size=rows, unique=True)
    )
    if len({type(label) for label in labels}) == 1:
        frame.index = pd.Index(labels)
    return frame


def _gaps(array: Any, gone: list[bool]) -> Any:
    """With something missing, or else R has no reason to say that something could be."""
    array[np.array([True, *gone[1:]][: len(array)], bool)] = pd.NA
    return array


@pytest.fixture(scope="module")
def r() -> Language:
    return located(RLanguage())


def same(a: Any, b: Any) -> bool:
    if isinstance(a, pd.DataFrame):
        # without a row there is nothing missing, and so nothing that says it could be
        loose = {"check_index_type": False, "check_column_type": False, "check_dtype": len(a) > 0}
        pd.testing.assert_frame_equal(a, b, check_exact=True, **loose)
        return True
    if isinstance(a, np.ndarray):
        alike = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex)):
        return type(a) is type(b) and repr(a) == repr(b)
    return type(a) is type(b) and bool(a == b)


FEW = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FEW
@given(st.lists(NESTED | TYPES.flatmap(_arrays) | frames(), min_size=10, max_size=20), st.booleans())
def test_values_come_back_as_they_went(r: Language, tmp_path: Path, values: list[Any], in_files: bool) -> None:
    inputs = {f"v{i}": value for i, value in enumerate(values)}
    with pytest.MonkeyPatch.context() as patch:
        if in_files:
            patch.setattr("everest_kernel.languages.r.literals.INLINE", -1)
        ran = run_cell(r, tmp_path / "t", "1", inputs=inputs, out_named=tuple(inputs))
    assert (ran.back.problems, ran.stderr) == ([], "")
    for name, value in inputs.items():
        assert same(value, ran.back.values[name]), (name, value, ran.back.values[name])


def test_what_r_makes_of_a_value(r: Language, tmp_path: Path) -> None:
    values = {
        "i": 3,
        "big": 2**31,
        "u8": np.array([1, 2], "u1"),
        "i8": np.array([1, 2**53]),
        "f4": np.array([0.1, 0.5], "f4"),
        "texts": np.array(["а", "b"]),
        "list": [1, [2.5]],
        "one": np.array([7.0]),
        "table": pd.DataFrame({"x": [1.0], "g": pd.Categorical(["u"])}),
        "nan": np.array([0x7FF00000000007A2, 0], "u8").view("f8"),  # the bits of R's NA, which is none in Python
    }
    code = "cat(i, class(i), class(big), class(u8), class(i8), class(f4), texts, class(list), one, class(table$g), nan)"
    ran = run_cell(r, tmp_path / "t", code, inputs=values, out_named=("f4", "i8", "one", "texts", "big"))
    assert ran.stdout == "3 integer numeric integer numeric numeric а b list 7 factor NaN 0"
    back = ran.back.values
    assert back["f4"].tolist() == [float(np.float32(0.1)), 0.5]
    assert back["i8"].tolist() == [1.0, 2.0**53]
    assert (back["one"], back["texts"], back["big"]) == (7.0, ["а", "b"], 2.0**31)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("3L", 3),
        ("3", 3.0),
        ("-0.1 / 3", -0.1 / 3),
        ("2^-1074", 5e-324),
        ("-0.0", -0.0),
        ("NaN", float("nan")),
        ("1i", 1j),
        ("c(TRUE, FALSE)", np.array([True, False])),
        ("1:3", np.array([1, 2, 3], "i4")),
        ("matrix(1:6, 2)", np.array([[1, 3, 5], [2, 4, 6]], "i4")),
        ("matrix(5)", np.array([[5.0]])),
        ("array(1:2, 2)", np.array([1, 2], "i4")),
        ("c(a = 1, b = NaN)", {"a": 1.0, "b": float("nan")}),
        ("list(1L, list())", [1, []]),
        ("list(a = NULL, `b c` = c('x', 'ы'))", {"a": None, "b c": ["x", "ы"]}),
        ("setNames(list(), character(0))", {}),
        ("character(0)", []),
        ("as.raw(c(0, 10, 255))", b"\x00\x0a\xff"),
        ("data.frame(x = c(1, NA), y = c(NA, 'a'))", None),
        ("head(mtcars, 2)[, 1:2]", None),
        ("subset(data.frame(x = 1:3), x > 1)", None),
    ],
)
def test_what_comes_back(r: Language, tmp_path: Path, expression: str, value: Any) -> None:
    frames = {
        "data.frame(x": pd.DataFrame({"x": pd.array([1, pd.NA], "Float64"), "y": pd.array([pd.NA, "a"], "string")}),
        "head(mtcars,": pd.DataFrame({"mpg": [21.0, 21.0], "cyl": [6.0, 6.0]}, index=["Mazda RX4", "Mazda RX4 Wag"]),
        "subset(data.": pd.DataFrame({"x": np.array([2, 3], "i4")}, index=np.array([2, 3], "i4")),
    }
    back = run_cell(r, tmp_path / "t", f"x <- {expression}", out_named=("x",)).back
    assert back.problems == []
    assert same(frames.get(expression[:12], value), back.values["x"])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**53 + 1, "more digits"),
        (np.array([2**53 + 1]), "more digits"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        ({"": 1}, "a name in a list"),
        ({1: 1}, "a name in a list"),
        (np.zeros(2, "longdouble"), "float128|longdouble"),
        (np.array([object()]), "object"),
        ([[{"a": {1, 2}}]], "set"),
        (pd.DataFrame({"t": pd.to_datetime(["2020-01-01"])}), "datetime64"),
        (pd.DataFrame({"t": np.array([1, "a"], object)}), "something else than texts"),
        (pd.DataFrame({1: [1]}), "texts as names"),
        (pd.DataFrame({"x": [1, 2]}, index=[1, 2]), "reset_index"),
        (pd.DataFrame({"x": [1, 2]}, index=["a", "a"]), "reset_index"),
        (pd.Categorical([1, 2]), "categories must be texts"),
        (pd.Series([1]), "Series"),
    ],
)
def test_what_r_cannot_hold_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^v: .*({why})"):
        RLanguage().render(CellRequest("", inputs={"v": value}))


def test_lists_that_rs_parser_could_not_read_are_refused(r: Language, tmp_path: Path) -> None:
    deep: Any = 1
    for _ in range(30):
        deep = {"a": deep}
    back = run_cell(r, tmp_path / "t", "b <- list(a = a)", inputs={"a": deep}, out_named=("b",)).back
    assert back.values["b"] == {"a": deep}
    with pytest.raises(ValueRefusedError, match="30 levels"):
        RLanguage().render(CellRequest("", inputs={"v": [deep]}))


@pytest.mark.parametrize("name", ["if", "NULL", "everest_x", "ф", "_x", "function"])
def test_names_that_r_cannot_have(name: str) -> None:
    for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
        with pytest.raises(CellOptionError, match="cannot be the name"):
            RLanguage().render(request)


def test_what_cannot_come_back_says_why_and_the_rest_comes(r: Language, tmp_path: Path) -> None:
    cases = {
        "sin": "builtin|function",
        "globalenv()": "environment",
        "quote(a + b)": "call",
        "c(1, NA)": "element 2 is NA",
        "NA": "element 1 is NA",
        "c(1L, NA)": "element 2 is NA",
        "c('a', NA)": "element 2 is NA",
        "list(1, list(NA_real_))": "element 1 is NA",
        "Sys.Date()": "class Date",
        "lm(dist ~ speed, cars)": "class lm",
        "structure(1, class = 'integer64')": "class integer64",
        "structure(1, unit = 'm')": "attribute 'unit'",
        "cbind(a = 1, b = 2)": "unname",
        "matrix('a')": "character matrix",
        "list(a = 1, 2)": "name all of them",
        "list(a = 1, a = 2)": "name all of them",
        "rawToChar(as.raw(0xff))": "UTF-8",
        "data.frame(d = Sys.Date())": "column d is of class Date",
        "as.name('a')": "name",
        "expression(a)": "expression",
        "methods::new('numeric')": None,
    }
    lines = [f"x{i} <- {expression}" for i, expression in enumerate(cases)]
    names = tuple(f"x{i}" for i in range(len(cases)))
    back = run_cell(r, tmp_path / "t", "\n".join([*lines, "z <- 1"]), out_named=(*names, "q", "z")).back
    assert back.values.keys() == {"z", names[-1]}
    problems = dict(problem.split(": ", 1) for problem in back.problems)
    assert problems.pop("q") == "the cell did not assign it"
    for name, why in zip(names, cases.values(), strict=True):
        if why is not None:
            assert any(part in problems[name] for part in why.split("|")), (name, problems[name])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x <- 1\n\ny <- undefined_name + 1", "object 'undefined_name' not found (line 3 of the cell)"),
        ("x <- 1\ny <- (3", "unexpected end of input (line 2 of the cell)"),
        ("x <- 1\nfor (i in 1:3) {\n  x <- i", "(line 3 of the cell)"),
        ("x <- 1\n\n}", "unexpected '}' (line 3 of the cell)"),
        (
            "# коммент\nf <- function(a) {\n  stop('Привет ', a)\n}\nf(1)",
            "Error in f(1): Привет 1 (line 3 of the cell)",
        ),
        ("for (i in 1:2) {\n  if (i == 2)\n    stop('a\\nb')\n}", "Error: a (line 2 of the cell)"),
        ("x <- 1\r\nstop('x')\r\n", "Error: x (line 2 of the cell)"),
        ("x <- structure(1, class = 'bad')\nprint.bad <- function(x) stop('no')\nx", "(line 2 of the cell)"),
        ("y := proc(x) return x end proc;", "(line 1 of the cell)"),
        ("x <- 'abc", "(line 1 of the cell)"),
        ("sink('log')\nstop('late')", "late (line 2 of the cell)"),
        ("setwd(tempdir())\nrm(list = ls(all.names = TRUE))\nstop('here')", "here (line 3 of the cell)"),
        ("f <- function(n) f(n + 1)\nf(1)", "line"),
        ("options(warn = 2)\nas.integer('a')", "(line 2 of the cell)"),
        ("stop(structure(class = c('e', 'error', 'condition'), list(message = 'own', call = NULL)))", "Error: own"),
    ],
)
def test_an_error_names_the_cells_own_line(r: Language, tmp_path: Path, code: str, said: str) -> None:
    ran = run_cell(r, tmp_path / "t", code, out_named=("x",))
    assert (ran.status, ran.back.values) == (1, {})
    assert said in ran.error, ran.stderr


def test_errors_that_the_cell_catches_are_none(r: Language, tmp_path: Path) -> None:
    code = "x <- tryCatch(stop('a'), error = conditionMessage)\ny <- inherits(try(log('a')), 'try-error')"
    ran = run_cell(r, tmp_path / "t", code, out_named=("x", "y"))
    assert (ran.status, ran.error, ran.back.values) == (0, "", {"x": "a", "y": True})


def test_visible_values_are_printed_and_warnings_come_at_once(r: Language, tmp_path: Path) -> None:
    code = "1:3\nx <- 5\ninvisible(7)\n'ы'\nNULL\nas.integer('a')\nmessage('m')\n"
    code += "P <- setClass('P', representation(a = 'numeric'))\nP(a = 1)"
    ran = run_cell(r, tmp_path / "t", code)
    printed = '[1] 1 2 3\n[1] "ы"\nNULL\n[1] NA\nAn object of class "P"\nSlot "a":\n[1] 1\n\n'
    assert (ran.status, ran.stdout) == (0, printed)
    assert ran.stderr.startswith("Warning: NAs introduced by coercion") or "NAs introduced" in ran.stderr
    assert ran.stderr.endswith("m\n")


def test_a_cell_never_waits_for_input(r: Language, tmp_path: Path) -> None:
    code = "a <- readline('? ')\nb <- readLines(file('stdin'))\nd <- readLines(stdin())\ne <- scan(quiet = TRUE)"
    ran = run_cell(r, tmp_path / "t", code, out_named=("a", "b", "d"))
    assert (ran.status, ran.back.values) == (0, {"a": "", "b": [], "d": []})


def test_a_cell_that_leaves_early_has_not_succeeded(r: Language, tmp_path: Path) -> None:
    assert run_cell(r, tmp_path / "t", "quit(status = 3)").status == 3
    ran = run_cell(r, tmp_path / "t", "plot(1)\nq('no')")
    assert (ran.status, ran.back.finished, len(ran.pictures)) == (1, False, 1)


def test_a_cell_may_remove_everything_and_go_elsewhere(r: Language, tmp_path: Path) -> None:
    code = "print <- cat <- function(...) stop('mine')\nrm(list = ls(all.names = TRUE)); closeAllConnections()\n"
    code += "plot(1); setwd(tempdir()); x <- 6; options(OutDec = ',', scipen = -99); sink('s')\nplot(2)"
    ran = run_cell(r, tmp_path / "t", code, out_named=("x",))
    assert (ran.status, ran.back.values, len(ran.pictures)) == (0, {"x": 6.0}, 2)


def test_pages_are_shown_and_nothing_else(r: Language, tmp_path: Path) -> None:
    code = "par(mfrow = c(1, 2))\nplot(1:3, main = 'Привет')\nhist(c(1, 2))\nplot(3)\n"
    code += "dev.new(width = 3, height = 2); barplot(1:3)"
    ran = run_cell(r, tmp_path / "t", code, fetch=("*",))
    assert ran.status == 0
    assert ["<svg" in picture.data["image/svg+xml"] for picture in ran.pictures] == [True] * 3
    assert ran.fetched == {}  # no Rplots.pdf
    assert run_cell(r, tmp_path / "t", "par(mfrow = c(1, 2)); x <- dev.cur()").pictures == []
    ran = run_cell(
        r, tmp_path / "t", "plot(1)\npng('own.png'); plot(2); dev.off()\nplot(3)\nstop('x')", fetch=("*.png",)
    )
    assert [next(iter(p.data)) for p in ran.pictures] == ["image/svg+xml", "image/svg+xml", "image/png"]
    assert ran.fetched.keys() == {"own.png"}


def test_pictures_may_be_png(r: Language, tmp_path: Path) -> None:
    ran = run_cell(r.configured({"figures": "png"}), tmp_path / "t", "plot(1)\nplot(2)\ndev.new(width = 3)\nplot(3)")
    assert [next(iter(p.data)) for p in ran.pictures] == ["image/png"] * 3
    with pytest.raises(ConfigurationError, match="figures of R"):
        r.configured({"figures": "bmp"})


def test_files_go_in_and_come_out(r: Language, tmp_path: Path) -> None:
    code = "x <- scan('data/a.txt', quiet = TRUE)\ndir.create('out'); write(x, 'out/b.txt')\ncat(x, '\\n')"
    ran = run_cell(
        r,
        tmp_path / "t",
        code,
        staged={"file-1": b"5\n"},
        files=(StagedFile("file-1", "data/a.txt"),),
        fetch=("out/*", "*.none", "*.R"),
    )
    assert (ran.status, ran.stdout) == (0, "5 \n")
    assert ran.fetched.keys() == {"out/b.txt"}
    assert ran.back.problems == ["no file matches --fetch '*.none'", "no file matches --fetch '*.R'"]


def test_large_values_go_in_files(r: Language, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    inputs = {"a": rng.normal(size=(1200, 1000)), "s": "я" * 100_000, "t": np.array([f"т{i}" for i in range(30_000)])}
    ran = run_cell(r, tmp_path / "t", "b <- 2 * a", inputs=inputs, out_named=("b", "s", "t"))
    assert np.array_equal(ran.back.values["b"], 2 * inputs["a"])
    assert ran.back.values["s"] == inputs["s"]
    assert ran.back.values["t"] == list(inputs["t"])
    assert len(RLanguage().render(CellRequest("", inputs=inputs)).text) < 25_000


def test_without_pandas_frames_are_a_problem(r: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    back = run_cell(r, tmp_path / "t", "x <- cars; y <- 1", out_named=("x", "y")).back
    assert back.values == {"y": 1.0}
    assert back.problems == ["x: pandas is needed for data frames and factors and is not installed here"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("x <- 1", "complete"),
        ("", "complete"),
        ("f(1)[2] # (", "complete"),
        ("'(' -> x", "complete"),
        ('"a\\"("', "complete"),
        ('r"(a"(])"', "complete"),
        ("`(`(1)", "complete"),
        ("x <- function(a) {", "incomplete"),
        ("f(1,\n  2", "incomplete"),
        ("x <-", "incomplete"),
        ("1 +  # more", "incomplete"),
        ("a %in%", "incomplete"),
        ("if (x)", "incomplete"),
        ("if (x) 1 else", "incomplete"),
        ("'abc", "incomplete"),
        ('r"(abc', "incomplete"),
        ("x %>%\n", "incomplete"),
        ("function(x)", "incomplete"),
        ("f(1))", "invalid"),
        ("f(1]", "invalid"),
        ("str", "complete"),
        ("car", "complete"),
    ],
)
def test_an_editor_can_tell_whether_a_text_is_complete(code: str, status: str) -> None:
    assert RLanguage().editing.check(code).status == status
