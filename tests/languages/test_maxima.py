"""Maxima: values, errors, plots and files, run by the true program."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import CellRequest, Language, StagedFile
from everest_kernel.languages.maxima import MaximaLanguage
from everest_kernel.languages.maxima.expressions import to_sympy
from everest_kernel.languages.maxima.statements import split
from everest_kernel.wire import CellOptionError, ConfigurationError, ValueRefusedError

from .running import located, run_cell

pytestmark = pytest.mark.system("maxima")

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
COMPLEX = st.complex_numbers(allow_nan=False, allow_infinity=False)
SCALARS = st.booleans() | FINITE | TEXT | COMPLEX | st.integers() | st.fractions()
NESTED = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4), max_leaves=8)
SHAPES = st_numpy.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=4)
MATRICES = st_numpy.arrays("i8", SHAPES) | st_numpy.arrays("?", SHAPES)
MATRICES |= st_numpy.arrays("f8", SHAPES, elements=FINITE.map(float))
MATRICES |= st_numpy.arrays("O", SHAPES, elements=st.fractions().filter(lambda f: f.denominator > 1))


@pytest.fixture(scope="module")
def maxima() -> Language:
    return located(MaximaLanguage())


def same(a: Any, b: Any) -> bool:
    """Equal to the bit; of complex numbers Maxima keeps no zero part, and of fractions no denominator of one."""
    if isinstance(a, np.ndarray):
        alike = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and all(same(x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True))
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return isinstance(b, float) and a.hex() == b.hex()
    if isinstance(a, complex):
        return isinstance(b, (complex, float)) and a == b
    if isinstance(a, Fraction):
        return a == b and isinstance(b, (int, Fraction))
    return type(a) is type(b) and bool(a == b)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NESTED | MATRICES, min_size=10, max_size=30))
def test_values_come_back_as_they_went(maxima: Language, tmp_path: Path, values: list[Any]) -> None:
    inputs = {f"v{i}": value for i, value in enumerate(values)}
    ran = run_cell(maxima, tmp_path / "t", "1;", inputs=inputs, out_named=tuple(inputs))
    assert ran.back.problems == [], ran.error
    for name, value in inputs.items():
        assert same(value, ran.back.values[name]), (name, value, ran.back.values[name])


def test_what_comes_back(maxima: Language, tmp_path: Path) -> None:
    cases: dict[str, Any] = {
        "2^200": 2**200,
        "1/3": Fraction(1, 3),
        "0.1 + 0.2": 0.1 + 0.2,
        "1.5b0": Decimal("1.5"),
        "2b-20 * 2^30 - 2b-20 * 2^30 + 3b0": Decimal(3),
        "1 + 2*%i": 1 + 2j,
        "2.5 * %i": 2.5j,
        "rat(2/4)": Fraction(1, 2),
        "is(1 < 2)": True,
        '[1, [2.0, "т"], []]': [1, [2.0, "т"], []],
        "%pi": "%pi",
        "1/2 + %i": "%i+1/2",
        "diff(sin(q)^2, q)": "2*cos(q)*sin(q)",
        "q = 2/3": "q = 2/3",
        "matrix([1, 2.5], [2^3, -1])": np.array([[1, 2.5], [8, -1]]),
        "matrix([1, %i], [2.5 * %i, 1.0 + %i])": np.array([[1, 1j], [2.5j, 1 + 1j]]),
        "matrix([1, 2^70])": np.array([[1, 2**70]], object),
        "matrix([q, 1/2])": np.array([["q", Fraction(1, 2)]], object),
        "matrix()": np.zeros((0, 0)),
    }
    code = ";\n".join(f"x{i}: {expression}" for i, expression in enumerate(cases))
    names = tuple(f"x{i}" for i in range(len(cases)))
    ran = run_cell(maxima, tmp_path / "t", code, out_named=(*names, "w"))
    assert ran.back.problems == ["w: the cell did not assign it"], ran.error
    for name, (expression, value) in zip(names, cases.items(), strict=True):
        assert same(value, ran.back.values[name]), (expression, ran.back.values[name])


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "NoneType"),
        (float("nan"), "no number"),
        (float("inf"), "no number"),
        ([complex(0, float("inf"))], "no number"),
        (b"x", "bytes"),
        ("a\0b", "NUL"),
        ("\ud800", "surrogate"),
        ({"a": 1}, "dict"),
        (Decimal("0.1"), "Decimal"),
        (np.zeros((2, 2, 2)), "3 dimensions"),
        (np.zeros((0, 3)), "lose its columns"),
        (np.zeros(2, "longdouble"), "float128|longdouble"),
        (np.array(["2020"], "M8[D]"), "datetime64"),
        ([[{1, 2}]], "set"),
    ],
)
def test_what_maxima_cannot_hold_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^v: .*({why})"):
        MaximaLanguage().render(CellRequest("", inputs={"v": value}))


@pytest.mark.parametrize("name", ["if", "true", "everest_x", "ф", "do", "_", "inf"])
def test_names_that_maxima_cannot_have(name: str) -> None:
    for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
        with pytest.raises(CellOptionError, match="cannot be the name"):
            MaximaLanguage().render(request)


def test_what_cannot_come_back_says_why_and_the_rest_comes(maxima: Language, tmp_path: Path) -> None:
    code = "x: make_array('any, 3)$ y: 10b0^200000$ z: 1$ kill(w)$"
    back = run_cell(maxima, tmp_path / "t", code, out_named=("x", "y", "z", "w")).back
    assert back.values == {"z": 1}
    problems = dict(problem.split(": ", 1) for problem in back.problems)
    assert "cannot travel" in problems["x"]
    assert "too many digits" in problems["y"]
    assert "did not assign" in problems["w"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x: 1;\n\ny: 1/0;\nz: 2;", "expt: undefined: 0 to a negative exponent. (line 3 of the cell)"),
        ("x: 1;\ny: (3 +\n  4;\nz: 5;", "incorrect syntax: Missing ) (line 3 of the cell)"),
        ("x: 1; y: 3);", "Too many )'s (line 1 of the cell)"),
        ("x: 1;\n\nif x > 2 then", "Premature termination"),
        ("x: 1;\n/* комментарий\n", "(line 2 of the cell)"),
        ('x: 1;\ny: "abc;', "(line 2 of the cell)"),
        ('/* а\n /* b */\n*/ f(x) := block([],\n  error("Привет", x))$\nf(3);', "Привет 3 (line 5 of the cell)"),
        ("y := proc(x) return x end proc;", "(line 1 of the cell)"),
        ("import numpy as np\nprint(np.pi)", "(line 2 of the cell)"),
        ("integrate(q^n,\n  q);", "Maxima asks: Is n equal to -1? (line 1 of the cell)"),
        ("1;\r\nasksign(a*b);\r\n", "(line 2 of the cell)"),
        ('x: read("? ");', "read: a cell has nothing to read from (line 1 of the cell)"),
        ("break(1);", "break: a cell has nothing to read from (line 1 of the cell)"),
        ("entermatrix(2, 2);", "Maxima asks"),
        ("debugmode(true)$\n1/0;", "(line 2 of the cell)"),
        ("to_lisp();", "(line 1 of the cell)"),
        ("f(n) := f(n + 1)$\nf(1);", "(line 2 of the cell)"),
        ('x: 1$ load("no-such-file")$', "no-such-file"),
        ("1;\n:lisp (car 5)", "(line 2 of the cell)"),
        ("throw(1);", "(line 1 of the cell)"),
        ("obase: 2$ ibase: 8$\n\n\n\n\n\n\n\n\n1/0;", "(line 10 of the cell)"),
    ],
)
def test_an_error_names_the_cells_own_line(maxima: Language, tmp_path: Path, code: str, said: str) -> None:
    ran = run_cell(maxima, tmp_path / "t", code, out_named=("x",))
    assert (ran.status, ran.back.values, ran.back.finished) == (1, {}, False)
    assert said in ran.error, ran.stdout + ran.stderr


def test_values_are_displayed_and_nothing_else(maxima: Language, tmp_path: Path) -> None:
    code = 'x: 5$\n2^10;\n(q + 1)^2/3;\nprint("а", x)$\n";";\n:lisp (+ 1 2)\n%;\n7'
    flat = maxima.configured({"display": "1d"})
    assert run_cell(flat, tmp_path / "t", code).stdout.split("\n") == [
        "",
        "1024",
        "(q+1)^2/3",
        "а 5 ",
        '";"',
        "3",
        '";"',
        "7",
        "",
    ]
    assert "  2\n" in run_cell(maxima, tmp_path / "t", "q^2;").stdout
    with pytest.raises(ConfigurationError, match="display of maxima"):
        maxima.configured({"display": "3d"})


def test_errors_that_the_cell_catches_are_none(maxima: Language, tmp_path: Path) -> None:
    ran = run_cell(maxima, tmp_path / "t", "x: errcatch(1/0)$ y: errcatch(5)$", out_named=("x", "y"))
    assert (ran.status, ran.error, ran.back.values) == (0, "", {"x": [], "y": [5]})


def test_a_cell_that_leaves_early_has_not_succeeded(maxima: Language, tmp_path: Path) -> None:
    ran = run_cell(maxima, tmp_path / "t", "x: 1$ quit()$", out_named=("x",))
    assert (ran.status, ran.back.finished, ran.back.values) == (1, False, {})


def test_a_cell_may_kill_everything(maxima: Language, tmp_path: Path) -> None:
    code = 'x: 5$ kill(all)$ reset()$ kill(all)$ x: 2/3$ obase: 2$ s: "a;$\\"b"$'
    ran = run_cell(maxima, tmp_path / "t", code, inputs={"x": 1}, out_named=("x", "s"))
    assert (ran.status, ran.back.values) == (0, {"x": Fraction(2, 3), "s": 'a;$"b'})


@pytest.mark.system("gnuplot-nox")
def test_plots_are_shown(maxima: Language, tmp_path: Path) -> None:
    code = "plot2d(sin(u), [u, 0, 1])$\nplot3d(x*y, [x, 0, 1], [y, 0, 1])$\nwxplot2d([cos(u), u], [u, 0, 1])$\n"
    code += 'plot2d(sin(u), [u, 0, 1], [png_file, "own.png"])$ 1/0;'
    ran = run_cell(maxima, tmp_path / "t", code, fetch=("*",))
    assert [next(iter(picture.data)) for picture in ran.pictures] == ["image/svg+xml"] * 3 + ["image/png"]
    assert ran.fetched.keys() == {"own.png"}
    assert "line 4 of the cell" in ran.error


def test_files_go_in_and_come_out(maxima: Language, tmp_path: Path) -> None:
    code = 'batchload("data/a.mac")$ stringout("b.txt", f(2))$ print(f(2))$'
    ran = run_cell(
        maxima,
        tmp_path / "t",
        code,
        staged={"file-1": b"f(x) := x^5$\n"},
        files=(StagedFile("file-1", "data/a.mac"),),
        fetch=("b*", "*.none", "*.lisp"),
    )
    assert (ran.status, ran.stdout.strip()) == (0, "32")
    assert {name: content.strip() for name, content in ran.fetched.items()} == {"b.txt": b"32;"}
    assert ran.back.problems == ["no file matches --fetch '*.none'", "no file matches --fetch '*.lisp'"]


def test_large_values(maxima: Language, tmp_path: Path) -> None:
    matrix = np.random.default_rng(1).normal(size=(60, 100))
    inputs = {"a": matrix, "n": 7**20_000, "s": "я;$" * 10_000}
    back = run_cell(maxima, tmp_path / "t", "b: 2*a$ n: n + 1$", inputs=inputs, out_named=("b", "n", "s")).back
    assert np.array_equal(back.values["b"], 2 * matrix)
    assert (back.values["n"], back.values["s"]) == (7**20_000 + 1, inputs["s"])


def test_expressions_may_come_back_as_sympys(maxima: Language, tmp_path: Path) -> None:
    sympy = pytest.importorskip("sympy")
    x, n = sympy.symbols("x n")
    code = "a: x^2/3 - %pi*sqrt(x)$ b: [x = 1/2, 3]$ c: 'integrate(f(x), x)$ d: matrix([x])$ e: -x^-n! + g(x, 2.5)$"
    ran = run_cell(maxima.configured({"symbolic": "sympy"}), tmp_path / "t", code, out_named=tuple("abcde"))
    values = ran.back.values
    assert values["a"] == x**2 / 3 - sympy.pi * sympy.sqrt(x)
    assert values["b"] == [sympy.Eq(x, sympy.Rational(1, 2)), 3]
    assert values["d"][0, 0] == x
    assert values["e"] == sympy.Function("g")(x, 2.5) - 1 / x ** sympy.factorial(n)
    assert ["stands unevaluated" in problem for problem in ran.back.problems] == [True]


@pytest.mark.parametrize("text", ["__import__('os')", "x.y", "x; y", "(" * 5000, "2^", "f(x", "-" * 5000 + "x", "a b"])
def test_hostile_expressions_are_refused(text: str) -> None:
    pytest.importorskip("sympy")
    with pytest.raises(ConfigurationError, match="symbolic = text"):
        to_sympy(text)


def test_without_sympy_expressions_are_a_problem(
    maxima: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sympy", None)
    ran = run_cell(maxima.configured({"symbolic": "sympy"}), tmp_path / "t", "a: q+1$ b: 2$", out_named=("a", "b"))
    assert ran.back.values == {"b": 2}
    assert ran.back.problems == ["a: symbolic = sympy needs sympy here, which is not installed"]


def test_statements_are_told_apart() -> None:
    code = '/* a; /* b */ */ x: "; \\" $"$\n\n  y: 1 /* ; */ +\n2; z\\;: 3; :lisp\n :lisp (foo)\n w: 5'
    found = [(s.line, s.text.strip(), s.shown, s.lisp) for s in split(code)]
    assert found == [
        (1, 'x: "; \\" $"$', False, False),
        (3, "y: 1 /* ; */ +\n2;", True, False),
        (4, "z\\;: 3;", True, False),
        (4, ":lisp\n :lisp (foo)\n w: 5;", True, False),
    ]
    assert [(s.line, s.text, s.lisp) for s in split("1;\n :lisp (foo) ; bar\nx$")] == [
        (1, "1;", False),
        (2, " (foo) ; bar", True),
        (3, "x$", False),
    ]


@given(st.text(alphabet='abc;$"\\/* \n()', max_size=60))
def test_splitting_never_fails_and_keeps_lines(code: str) -> None:
    lines = [statement.line for statement in split(code)]
    assert lines == sorted(lines)
    assert all(1 <= line <= code.count("\n") + 1 for line in lines)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("x: 1;", "complete"),
        ("x: 1", "complete"),
        ("", "complete"),
        ('"(";', "complete"),
        ("/* ( */ 1;", "complete"),
        ("f(x) := block(", "incomplete"),
        ("f(1,\n 2", "incomplete"),
        ("x: 1 +", "incomplete"),
        ("if a then", "incomplete"),
        ("/* a", "incomplete"),
        ('x: "a', "incomplete"),
        ("f(1));", "invalid"),
        ("f(1];", "invalid"),
        ("f(1; 2)", "invalid"),
    ],
)
def test_an_editor_can_tell_whether_a_text_is_complete(code: str, status: str) -> None:
    assert MaximaLanguage().editing.check(code).status == status
