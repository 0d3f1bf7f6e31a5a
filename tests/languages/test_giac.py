"""Giac, in its own syntax and in Maple's: output, errors, files and bad input, by the true program."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from everest_kernel.languages import CellRequest, Language, StagedFile, find_language
from everest_kernel.languages.giac import GiacLanguage
from everest_kernel.languages.giac.stream import GiacStream
from everest_kernel.wire import CellError, CellOptionError, ConfigurationError, ValueRefusedError

from .running import located, run_cell

pytestmark = pytest.mark.system("xcas")


@pytest.fixture(scope="module")
def maple() -> Language:
    return located(GiacLanguage(syntax="maple"))


@pytest.fixture(scope="module")
def giac() -> Language:
    return located(GiacLanguage())


def lorenz_spectrum(sigma: float, rho: float, beta: float) -> list[float]:
    """What `lorenz.mpl` computes."""

    def field(u: Any) -> Any:
        (x, y, z), tangent = u[:3], u[3:].reshape(3, 3)
        jacobian = np.array([[-sigma, sigma, 0], [rho - z, -1, -x], [y, x, -beta]])
        return np.concatenate(([sigma * (y - x), x * (rho - z) - y, x * y - beta * z], (tangent @ jacobian.T).ravel()))

    def advance(u: Any, h: float) -> Any:
        k1 = field(u)
        k2 = field(u + h / 2 * k1)
        k3 = field(u + h / 2 * k2)
        return u + h / 6 * (k1 + 2 * k2 + 2 * k3 + field(u + h * k3))

    u = np.concatenate(([1.0, 1.0, 20.0], np.eye(3).ravel()))
    for _ in range(100):
        u = advance(u, 0.01)
    u[3:] = np.eye(3).ravel()
    sums = np.zeros(3)
    for _ in range(200):
        for _ in range(5):
            u = advance(u, 0.01)
        q, r = np.linalg.qr(u[3:].reshape(3, 3).T)
        signs = np.sign(np.diag(r))
        sums += np.log(np.abs(np.diag(r)))
        u[3:] = (q * signs).T.ravel()
    return [float(s) for s in sums / 10]


def test_results_and_prints_come_in_order_on_standard_output(maple: Language, tmp_path: Path) -> None:
    code = """x := 3; # three; of them
y := x^2:
for i from 1 to 2 do
  print(i, y);
od;
f := proc(a) local b; b := a^2; print(b); return b + 1; end proc:
f(3); "abc"; [1, "a"]; 1/3;
printf("%d|%6.2f|%-4s|%s%%\\n", 5, evalf(Pi), "ab", 'q');
print("Привет", "a..b # × //");
s := solve(z^2 = 2, z);
NULL;"""
    ran = run_cell(maple, tmp_path / "t", code)
    assert (ran.status, ran.error, ran.stderr) == (0, "", "")
    lines = ran.stdout.splitlines()
    assert lines[:9] == ["x := 3", "1, 9", "2, 9", "9", "10", '"abc"', '[1,"a"]', "1/3", "5|  3.14|ab  |q%"]
    assert lines[9] == "Привет, a..b # × //"
    assert lines[10:] == ["s := -sqrt(2), sqrt(2)"]


def test_giacs_own_syntax(giac: Language, tmp_path: Path) -> None:
    code = (
        'f(x):={\n  local y;\n  y:=x^2;\n  print("in f", y);\n  return y;\n}:;\na:=f(3):; // silent\na; i^2; set[1,2];'
    )
    ran = run_cell(giac, tmp_path / "t", code, out_named=("a",))
    assert (ran.status, ran.stdout, ran.back.values) == (0, "in f, 9\n9\n-1\nset[1,2]\n", {"a": 9})


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('x := 1;\n\ny := error("boo \\"q\\" ж");', 'boo "q" ж (line 3 of the cell)'),
        ("x := 1;\ny := foo(\n\n3 4);\nz := 3;", "syntax error at '4' (line 4 of the cell)"),
        ("x := 2;\nx := x +* 2;", "syntax error at '*' (line 2 of the cell)"),
        ("f := proc(a, b) a + b end:\n\nf(1, 2, 3);", "(line 3 of the cell)"),
        ("L := [1, 2]:\nf := proc(n) L[n] end:\nf(5);", "Index outside range"),
        ("x := array(1..3);\n1;", "Giac crashed (line 1 of the cell)"),
        ("x := 0;\n0/x;", "the result is undefined (line 2 of the cell)"),
        ('1;\nx := input("a number?");', "the cell asks for input, and nobody can give it (line 2 of the cell)"),
        ("1;\n\nstep := 3;", "a word of Giac's own cannot be a name) (line 3 of the cell)"),
        ("1;\nx := input(q);", "the cell asks for input, and nobody can give it (line 2 of the cell)"),
        ("1;\nrhs := proc(a) a end proc:\nrhs(3);", "the name belongs to Giac and cannot be assigned (line 2"),
        ("import numpy as np;", "syntax error at "),
        ("#include <cstdio>\nint main() { return 0; };", "syntax error at "),
    ],
)
def test_an_error_names_the_cells_own_line_and_ends_it(maple: Language, tmp_path: Path, code: str, said: str) -> None:
    ran = run_cell(maple, tmp_path / "t", f'{code}\nprint("never");', inputs={"w": 1}, out_named=("w",))
    assert (ran.status != 0, ran.back.values, ran.back.finished) == (True, {}, False)
    assert said in ran.error, ran.error
    assert "never" not in ran.stdout


def test_what_does_not_match_is_not_sent() -> None:
    with pytest.raises(CellError, match="a semicolon is missing at the end of line 1, before 'y'"):
        GiacLanguage(syntax="maple").render(CellRequest("x := 1\ny := 2;"))
    with pytest.raises(CellError, match="the 'do' of line 2 is not closed"):
        GiacLanguage(syntax="maple").render(CellRequest("x := 1;\nfor i to 3 do\n x;"))


def test_lines_of_windows_and_a_missing_end(maple: Language, tmp_path: Path) -> None:
    ran = run_cell(
        maple, tmp_path / "t", "x := 1;\r\n# Комментарий: ×\r\nfor k to 2 do\r\n x := 2*x\r\nod;\r\nx", out_named=("x",)
    )
    assert (ran.error, ran.stdout, ran.back.values) == ("", "x := 1\n4\n", {"x": 4})


def test_a_restart_keeps_the_inputs(maple: Language, tmp_path: Path) -> None:
    ran = run_cell(maple, tmp_path / "t", "restart; b := a + 1:", inputs={"a": 2}, out_named=("b",))
    assert ran.back.values == {"b": 3}


def test_results_of_every_kind(maple: Language, tmp_path: Path) -> None:
    code = """S := sin(x)^2/2; D1 := 0.5*x; L := [[1, 2], [3, 1/2]]; M := matrix([[1, 2], [3, 4.5]]): N := M*M:
R := matrix([[1/3, y]]); c := 2*I + 1/2; st := {1, q}; pair := 1, 2; b := evalb(1 < 2);
t := table(): t["a"] := 1; t[2] := [x];
big := 2^20000: long := evalf(Pi, 40); short := evalf(Pi); down := -infinity; n := NULL;"""
    names = ("S", "D1", "L", "M", "N", "R", "c", "t", "st", "pair", "b", "big", "long", "short", "down", "n")
    back = run_cell(maple, tmp_path / "t", code, out_named=names).back
    assert back.problems == []
    values = back.values
    assert {k: values[k] for k in ("D1", "c", "t", "st", "pair", "b", "down", "n")} == {
        "D1": "0.5*x", "c": 0.5 + 2j, "t": {"a": 1, 2: ["x"]}, "st": {1, "q"}, "pair": [1, 2], "b": True,
        "down": -math.inf, "n": [],
    }  # fmt: skip
    assert values["M"].tolist() == [[1, 2], [3, 4.5]]
    assert values["N"].tolist() == [[7, 11], [16.5, 26.25]]
    assert values["R"].tolist() == [[values["L"][1][1] * 2 / 3, "y"]]
    assert values["big"] == 2**20000
    assert str(values["long"]).startswith("3.141592653589793238462643383279502884")
    assert isinstance(values["long"], Decimal)
    assert values["short"] == pytest.approx(math.pi, abs=1e-13)


def test_symbolic_results_as_sympys(maple: Language, tmp_path: Path) -> None:
    sympy = pytest.importorskip("sympy")
    language = maple.configured({"symbolic": "sympy"})
    code = "f := 2*sin(q)^2 + I*sqrt(3); L := [diff(g(s), s), 1]; M := matrix([[x, 1]]):"
    values = run_cell(language, tmp_path / "t", code, out_named=("f", "L", "M")).back.values
    q, s, x = sympy.symbols("q s x")
    assert values["f"] == 2 * sympy.sin(q) ** 2 + sympy.I * sympy.sqrt(3)
    assert values["L"] == [sympy.Derivative(sympy.Function("g")(s), s), 1]
    assert values["M"][0, 0] == x


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("x := proc(a) a end proc:", "a procedure cannot travel"),
        ("y := 1:", "did not assign it"),
        ("x := 2^4000000:", "more than a million digits"),
    ],
)
def test_what_cannot_come_back_says_why_and_the_rest_comes(
    maple: Language, tmp_path: Path, code: str, why: str
) -> None:
    back = run_cell(maple, tmp_path / "t", f"{code} z := 1;", out_named=("x", "z")).back
    assert back.values == {"z": 1}
    assert why in back.problems[0]
    assert back.problems[0].startswith("x: ")


@pytest.mark.parametrize(
    ("value", "why"),
    [(None, "NoneType"), (b"x", "bytes"), ("a\0b", "NUL"), ("\ud800", "surrogate"), ({1.5: 1}, "neither a string"),
     (np.array(["x"]), "<U1"), (np.zeros((2, 2, 2)), "two dimensions"), (np.zeros((0, 2)), "two dimensions"),
     (complex(math.inf, 1), "not finite"), ([[object()]], "object"), (np.longdouble(1), "no like")],
)  # fmt: skip
def test_what_giac_cannot_hold_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^v: .*{why}"):
        GiacLanguage().render(CellRequest("", inputs={"v": value}))


@pytest.mark.parametrize(("syntax", "names"), [
    ("giac", ["i", "e", "pi", "for", "everest_x", "ф", "sin", "Digits"]),
    ("maple", ["I", "Pi", "D", "proc", "Psi", "ln"]),
])  # fmt: skip
def test_names_that_giac_cannot_have(syntax: str, names: list[str]) -> None:
    language = GiacLanguage(syntax=syntax)
    for name in names:
        for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
            with pytest.raises(CellOptionError, match=f"'{name}' cannot be the name"):
                language.render(request)
    with pytest.raises(CellOptionError, match="x_i"):
        language.render(CellRequest("", inputs={"x_i": 1.5}))


def test_loop_variables_and_letters_can_be_named(maple: Language, giac: Language, tmp_path: Path) -> None:
    for language in (maple, giac):
        inputs = dict.fromkeys(("a", "k", "n", "t", "x", "y", "z", "A", "T", "rho", "sigma", "beta", "h"), 2)
        ran = run_cell(language, tmp_path / "t", "", inputs=inputs, out_named=tuple(inputs))
        assert (ran.error, ran.back.values) == ("", inputs)
    assert run_cell(maple, tmp_path / "t", "j := i + e;", inputs={"i": 1}, out_named=("i",)).back.values == {"i": 1}


def test_lyapunov_exponents_of_the_lorenz_system(maple: Language, tmp_path: Path) -> None:
    code = (Path(__file__).parent / "lorenz.mpl").read_text()
    inputs = {"sigma": 10.0, "rho": 28.0, "beta": 8 / 3}
    ran = run_cell(maple, tmp_path / "t", code, inputs=inputs, out_named=("lambda1", "lambda2", "lambda3"))
    assert ran.error == ""
    expected = lorenz_spectrum(**inputs)
    assert list(ran.back.values.values()) == pytest.approx(expected, abs=1e-6)
    assert ran.stdout == "rho = 28.00: " + " ".join(f"{value:9.5f}" for value in expected) + "\n"


def test_settings() -> None:
    language = find_language("giac")
    assert language is not None
    assert "syntax" in language.settings
    with pytest.raises(ConfigurationError, match="syntax of giac cannot be 'latex'"):
        language.configured({"syntax": "latex"})
    assert language.configured({"syntax": "maple"}).editing.check("x := 1;").status == "complete"
    assert language.editing.check("f(x):={ x;").status == "incomplete"


def test_sympy_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sympy", None)
    with pytest.raises(ConfigurationError, match="needs sympy"):
        GiacLanguage().configured({"symbolic": "sympy"})


def test_files_go_in_and_come_out(maple: Language, tmp_path: Path) -> None:
    code = 'read("data/a.txt"): b := q + 1; f := fopen("out.txt"): fprint(f, Unquoted, b): fclose(f):'
    ran = run_cell(maple, tmp_path / "t", code, staged={"file-1": b"q:=5;\n"},
                   files=(StagedFile("file-1", "data/a.txt"),),
                   fetch=("out.txt", "*.giac"), out_named=("b",))  # fmt: skip
    assert (ran.error, ran.back.values) == ("", {"b": 6})
    assert ran.fetched["out.txt"] == b"6"


@pytest.mark.parametrize(
    ("code", "marks"),
    [
        ("plot([sin(x), cos(x)], x=0..1);", ["<polyline", "<polyline"]),
        ("plotparam([cos(t)*t, sin(t)*t], t=0..6);", ["<polyline"]),
        ("point(1, 2); x := segment(point(1, 2), point(3, sqrt(2)));", ["<circle", "<polyline"]),
        ("circle(0, 1);", ["<polyline"]),
        ("plot(x^2, x=0..1):", []),
    ],
)
def test_plots_are_drawn(maple: Language, tmp_path: Path, code: str, marks: list[str]) -> None:
    ran = run_cell(maple, tmp_path / "t", code)
    assert (ran.error, ran.stdout) == ("", "")
    pictures = [picture.data["image/svg+xml"] for picture in ran.pictures]
    assert re.findall("<polyline|<circle", "".join(pictures)) == marks
    for picture in pictures:
        ElementTree.fromstring(picture)
        assert all(
            0 <= float(number) <= 640
            for number in re.findall(r"[\d.]+", " ".join(re.findall('points="(.*?)"', picture)))
        )


def test_a_plot_that_cannot_be_drawn_says_so(maple: Language, tmp_path: Path) -> None:
    ran = run_cell(maple, tmp_path / "t", "plot3d(x*y, x=0..1, y=0..1); mygraph := 3;")
    assert ran.stdout == "<a plot that cannot be shown here>\nmygraph := 3\n"


def test_another_encoding(tmp_path: Path) -> None:
    language = located(GiacLanguage(syntax="maple", encoding="cp1251"))
    code = 'a := "Привет": # Комментарий\nprint(a, s);'
    ran = run_cell(language, tmp_path / "t", code, inputs={"s": "Ж"}, out_named=("a", "s"))
    assert (ran.error, ran.stdout, ran.back.values) == ("", "Привет, Ж\n", {"a": "Привет", "s": "Ж"})
    with pytest.raises(ConfigurationError, match="'日' does not exist"):
        language.render(CellRequest('"日";'))


def test_a_flood_of_output(maple: Language, tmp_path: Path) -> None:
    code = 's := "0123456789": for k from 1 to 10 do s := cat(s, s); od:\nfor k from 1 to 1000 do print(s); od:'
    ran = run_cell(maple, tmp_path / "t", code + "\nx := 1;", out_named=("x",))
    assert len(ran.stdout) == 1000 * 10241 + 7
    assert ran.back.values == {"x": 1}


def test_output_comes_while_the_cell_runs(maple: Language, tmp_path: Path) -> None:
    program = maple.render(CellRequest('print("before");\nwhile true do x := 1 od;'))
    (tmp_path / "program.sh").write_text(program.text)
    command = ["sh", "program.sh"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=-3, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            stream, shown = GiacStream(), b""
            assert process.stderr is not None
            while b"before\n" not in shown:
                data = os.read(process.stderr.fileno(), 1000)
                assert data, "the cell has not ended"
                shown += b"".join(part.data for part in stream.feed("stderr", data) if part.stream == "stdout")
            assert process.poll() is None
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_the_stream_in_pieces() -> None:
    stderr = b"// Time 0\n// everest line 1\nWarning: odd\n\2x := 1\n\3\n// Success\n\2y\3\n// everest line 4\n"
    stdout = b'"Done",\n"xcas_mode: everest begin",\n0,\n"""a ""\nError: Bad Argument Value",\n0\n'
    for size in (1, 3, 1000):
        stream, shown = GiacStream(), {"stdout": b"", "stderr": b""}
        for name, data in (("stderr", stderr), ("stdout", stdout)):
            for start in range(0, len(data), size):
                for part in stream.feed(name, data[start : start + size]):
                    shown[part.stream] += part.data
        assert stream.close() == []
        assert shown == {"stdout": b"x := 1\ny", "stderr": b"Warning: odd\n"}
        assert stream.error.endswith("(line 4 of the cell)")


def test_the_giac_of_a_wheel_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "sage_wheels" / "bin" / "giac"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    info = tmp_path / "passagemath_giac-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: passagemath-giac\nVersion: 1\n")
    (info / "RECORD").write_text("sage_wheels/bin/giac,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = GiacLanguage().located(lambda name: None)
    assert (found.missing, found.language.program) == ("", str(program))
