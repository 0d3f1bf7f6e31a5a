"""Julia: what is rendered, as text; what the driver does, by a stand-in; and Julia itself where it is installed."""

from __future__ import annotations

import io
import shutil
import stat
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import CellRequest, Language, StagedFile
from everest_kernel.languages.julia import JuliaLanguage
from everest_kernel.languages.julia.complete import ends_quietly
from everest_kernel.wire import CellOptionError, ConfigurationError, ProtocolError, ValueRefusedError

from .running import located, run_cell

# not a Debian package, so no promise of packages covers it
needs_julia = pytest.mark.skipif(shutil.which("julia") is None, reason="needs Julia, which Debian does not have")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.none() | st.booleans() | st.floats() | TEXT | st.complex_numbers() | st.integers() | st.fractions()
SCALARS |= st.binary(max_size=20)
NESTED = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(TEXT, inner, max_size=3)
    ),
    max_leaves=8,
)
TYPES = st.sampled_from(["f8", "f4", "f2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c16", "c8"])
ARRAYS = TYPES.flatmap(lambda t: st_numpy.arrays(t, st_numpy.array_shapes(min_side=0, max_dims=3, max_side=3)))


@pytest.fixture(scope="module")
def julia() -> Language:
    return located(JuliaLanguage())


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        alike = isinstance(b, np.ndarray) and a.shape == b.shape and a.dtype == b.dtype
        return alike and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex)):
        return type(a) is type(b) and repr(a) == repr(b)
    return type(a) is type(b) and bool(a == b)


def literal(value: Any) -> str:
    """How a value stands in the program."""
    text = JuliaLanguage().render(CellRequest("", inputs={"v": value})).text
    return next(line.removeprefix("v = ") for line in text.splitlines() if line.startswith("v = "))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (-3, "-3"),
        (2**63 - 1, "9223372036854775807"),
        (2**63, 'parse(BigInt, "8000000000000000"; base = 16)'),
        (-(2**63), 'parse(BigInt, "-8000000000000000"; base = 16)'),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (-0.0, "-0.0"),
        (5e-324, "reinterpret(Float64, 0x0000000000000001)"),
        (float("-inf"), "-Inf"),
        (1 - 2j, "complex(1.0, -2.0)"),
        (Fraction(-1, 3), "-1//3"),
        (Fraction(1, 2**70), 'parse(BigInt, "1"; base = 16)//parse(BigInt, "400000000000000000"; base = 16)'),
        ('a"$b\\\n\0яй😀', '"a\\u0022\\u0024b\\u005c\\u000a\\u0000\\u044f\\u0439\\U0001f600"'),
        (b"a\0\xff", 'b"\\x61\\x00\\xff"'),
        ([], "Any[]"),
        ([1, "a"], 'Any[1, "a"]'),
        ((1,), "(1,)"),
        ((), "()"),
        ({"a": 1, "": None}, 'Dict{String,Any}("a" => 1, "" => nothing)'),
        (np.array([1.0, 2.5]), "Float64[1.0, 2.5]"),
        (np.array([[1, 2], [3, 4]], "i4"), "reshape(Int32[1, 3, 2, 4], (2, 2,))"),
        (np.array([-(2**63)]), "Int64[typemin(Int64)]"),
        (np.array([True]), "Bool[true]"),
        (np.zeros((0, 2), "c8"), "reshape(ComplexF32[], (0, 2,))"),
        (np.float32(0.5), "Float32(0.5)"),
        (np.uint8(7), "UInt8(7)"),
        (np.array(["a", "б"]), 'String["a", "\\u0431"]'),
    ],
)
def test_values_as_julias_literals(value: Any, text: str) -> None:
    assert literal(value) == text


@given(st.lists(NESTED, max_size=3))
def test_any_value_is_one_line_of_ascii(value: Any) -> None:
    assert literal(value).isascii()


def test_large_values_go_in_files() -> None:
    array = np.arange(6000.0).reshape(2, 3000)
    program = JuliaLanguage().render(CellRequest("", inputs={"a": array, "s": "я" * 2000, "b": bytes(2000)}))
    assert 'a = everest_cell.load("everest-value-0.bin", Float64, (2, 3000,))' in program.text
    assert program.attachments["everest-value-0.bin"] == array.tobytes(order="F")
    assert 's = everest_cell.text("everest-value-1.bin")' in program.text
    assert 'b = codeunits(everest_cell.text("everest-value-2.bin"))' in program.text
    assert program.sizes == {"a": 48_061, "s": 4040, "b": 2051}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("\ud800", "surrogate"),
        ({1: 1}, "only texts"),
        ({1, 2}, "set"),
        (tuple(range(101)), "too long"),
        (np.zeros(2, "longdouble"), "float128|longdouble"),
        (np.array([object()]), "object"),
        (np.array(["2020"], "M8[D]"), "datetime64"),
    ],
)
def test_what_julia_cannot_hold_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^v: .*({why})"):
        JuliaLanguage().render(CellRequest("", inputs={"v": value}))


@pytest.mark.parametrize("name", ["end", "everest_x", "ф", "function", "__", "where"])
def test_names_that_julia_cannot_have(name: str) -> None:
    for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
        with pytest.raises(CellOptionError, match="cannot be the name"):
            JuliaLanguage().render(request)


def stand_in(folder: Path, written: str, then: str = "") -> Language:
    """A program that is called like Julia, writes what Julia would write, and notes its arguments."""
    path = folder / "bin" / "julia"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > arguments\nprintf '{written}' > everest-written\n{then}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return replace(JuliaLanguage(), program=str(path))


def test_the_driver_runs_julia_and_brings_back_what_it_writes(tmp_path: Path) -> None:
    written = (
        r"x int - 1\n5\nt dict - 2\n%%00 str - 5\ntuple\nitems list - 1\n- none - 0\n\n"
        r"d dict - 3\n%%00 str - 4\ndict\nkeys list - 1\n- str - 0\n\nvalues list - 1\n- bool - 1\n1\n. end - 0\n"
    )
    language = stand_in(tmp_path, written, "echo '<svg/>' > everest-figure-001.svg")
    ran = run_cell(language, tmp_path / "t", "x = 5", out_named=("x", "t", "d"), fetch=("arguments", "*.jl"))
    assert (ran.status, ran.error, ran.back.finished) == (0, "", True)
    assert ran.back.values == {"x": 5, "t": (None,), "d": {"": True}}
    assert ran.fetched["arguments"].split() == [
        b"--startup-file=no",
        b"--history-file=no",
        b"--color=no",
        b"everest-main.jl",
    ]
    assert len(ran.pictures) == 1
    assert ran.back.problems == ["no file matches --fetch '*.jl'"]


def test_an_error_of_julias_is_the_cells(tmp_path: Path) -> None:
    said = "echo 'error: UndefVarError: `q` not defined (line 3 of the cell)' >&2; echo more >&2; exit 1"
    ran = run_cell(stand_in(tmp_path, "", said), tmp_path / "t", "x = 5")
    assert (ran.status, ran.error) == (1, "UndefVarError: `q` not defined (line 3 of the cell)")
    assert not ran.back.finished


def test_what_no_program_of_ours_writes_is_refused() -> None:
    with pytest.raises(ProtocolError, match="x: a value of Julia's"):
        JuliaLanguage().read_back(io.BytesIO(b"\nx dict - 1\n%00 str - 3\nset\n. end - 0\n"))


def test_settings() -> None:
    text = JuliaLanguage().configured({"figures": "png", "program": "julia-1.10"}).render(CellRequest("")).text
    assert 'everest_cell.preferred[] = "png"' in text
    assert "julia-1.10 --startup-file=no" in text
    with pytest.raises(ConfigurationError, match="figures of julia"):
        JuliaLanguage().configured({"figures": "bmp"})


@pytest.mark.parametrize(
    ("code", "quiet"),
    [("1", False), ("1;", True), ("1; # all", True), ("1 # ;", False), ('";"', False), ("1;\n#= ; =#\n", True)],
)
def test_a_semicolon_keeps_the_last_value_from_being_shown(code: str, quiet: bool) -> None:
    assert ends_quietly(code) is quiet
    assert f"everest_cell.run({'false' if quiet else 'true'})" in JuliaLanguage().render(CellRequest(code)).text


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", "complete"),
        ("x = 1", "complete"),
        ("f(x) = x'", "complete"),
        ("a[end] + a[f(end)]", "complete"),
        ("[i for i in 1:3 if i > 1]", "complete"),
        ("c = '('; d = '\\''", "complete"),
        ('"(" * """ " ( """', "complete"),
        ("#= ( #= =# =# 1 # (", "complete"),
        ("abstract type A end", "complete"),
        ("if a\n b\nelse\n c\nend", "complete"),
        ("s = :end", "complete"),
        ("f() = return", "complete"),
        ("function f(x)", "incomplete"),
        ("for i in 1:3\n x[end]", "incomplete"),
        ("mutable struct A\n x", "incomplete"),
        ("map(x) do y", "incomplete"),
        ("f(1,", "incomplete"),
        ("x = 1 +", "incomplete"),
        ('"abc', "incomplete"),
        ('"""abc"', "incomplete"),
        ("#= abc", "incomplete"),
        ("f(1))", "invalid"),
        ("end", "invalid"),
        ("f(1]", "invalid"),
    ],
)
def test_an_editor_can_tell_whether_a_text_is_complete(code: str, status: str) -> None:
    assert JuliaLanguage().editing.check(code).status == status


@given(st.text(alphabet="a\"'`#=:()[]$\\ \nend", max_size=40))
def test_telling_never_fails(code: str) -> None:
    assert JuliaLanguage().editing.check(code).status in ("complete", "incomplete", "invalid")


@needs_julia
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NESTED | ARRAYS, min_size=10, max_size=30), st.booleans())
def test_values_come_back_as_they_went(julia: Language, tmp_path: Path, values: list[Any], in_files: bool) -> None:
    inputs = {f"v{i}": value for i, value in enumerate(values)}
    with pytest.MonkeyPatch.context() as patch:
        if in_files:
            patch.setattr("everest_kernel.languages.julia.literals.INLINE", -1)
        ran = run_cell(julia, tmp_path / "t", "1;", inputs=inputs, out_named=tuple(inputs))
    assert (ran.back.problems, ran.stderr) == ([], "")
    for name, value in inputs.items():
        assert same(value, ran.back.values[name]), name


@needs_julia
def test_what_comes_back(julia: Language, tmp_path: Path) -> None:
    cases: dict[str, Any] = {
        "1:3": np.array([1, 2, 3]),
        "[1.0 2.0; 3.0 4.0]'": np.array([[1.0, 3.0], [2.0, 4.0]]),
        "trues(2)": np.array([True, True]),
        "(a = 1, b = 'x')": {"a": 1, "b": "x"},
        'Dict("a" => [1.5])': {"a": np.array([1.5])},
        '["a", "б"]': ["a", "б"],
        "big(2)^100": 2**100,
        "im": 1j,
        "Float32(0.5)": 0.5,
        "1//3": Fraction(1, 3),
    }
    refused = ["sin", "π", "missing", "big(1.0)", "1//0", "Dict(:a => 1)", '["a" "b"]', "[missing, 1]", ":a", "fill(1)"]
    names = {f"x{i}": expression for i, expression in enumerate([*cases, *refused])}
    code = "\n".join(f"{name} = {expression}" for name, expression in names.items())
    back = run_cell(julia, tmp_path / "t", code, out_named=(*names, "none")).back
    for name, (expression, value) in zip(names, cases.items(), strict=False):
        assert same(value, back.values[name]), expression
    assert [problem.split(":")[0] for problem in back.problems] == [*list(names)[len(cases) :], "none"]


@needs_julia
@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("x = 1\n\ny = undefined_name + 1", "(line 3 of the cell)"),
        ('# комментарий\nf(a) = error("Привет ", a)\n\nf(1)', "Привет 1 (line 2 of the cell)"),
        ("x = 1\ny = (3", "syntax: "),
        ("x = 1\n\n)", "(line 3 of the cell)"),
        ("y := proc(x) return x end proc;", "(line 1 of the cell)"),
        ("f(n) = f(n + 1) + 1\r\nf(1)\r\n", "(line "),
        ('cd(tempdir()); 1\nerror("a\\nb")', "a (line 2 of the cell)"),
    ],
)
def test_an_error_names_the_cells_own_line(julia: Language, tmp_path: Path, code: str, said: str) -> None:
    ran = run_cell(julia, tmp_path / "t", code, out_named=("x",))
    assert (ran.status, ran.back.values) == (1, {})
    assert said in ran.error, ran.stderr


@needs_julia
def test_what_a_cell_shows_and_leaves(julia: Language, tmp_path: Path) -> None:
    code = (
        'struct P end\nBase.show(io::IO, ::MIME"image/svg+xml", ::P) = print(io, "<svg/>")\ndisplay(P())\n'
        's = 0\nfor i in 1:3\n  s += i\nend\nprintln(readline() * read("a.txt", String))\nwrite("b.txt", "5")\nP()'
    )
    files = (StagedFile("file-1", "a.txt"),)
    staged = {"file-1": "ы".encode()}
    ran = run_cell(julia, tmp_path / "t", code, staged=staged, files=files, out_named=("s",), fetch=("b*",))
    assert (ran.status, ran.stdout, ran.back.values) == (0, "ы\n", {"s": 6})
    assert (len(ran.pictures), ran.fetched) == (2, {"b.txt": b"5"})
    assert run_cell(julia, tmp_path / "t", "1 + 1").stdout == "2\n"
    assert run_cell(julia, tmp_path / "t", "exit(3)").status == 3
    assert run_cell(julia, tmp_path / "t", "exit(0)").status == 1
