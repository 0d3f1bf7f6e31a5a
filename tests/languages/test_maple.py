"""Maple without Maple.

Its program is checked in three ways: what in it is plain Maple runs in Giac's Maple syntax; the stream's reader
reads transcripts as Maple 17 and 2020 write them, put down from knowledge of those formats and not recorded here; and a
stand-in `maple` records its arguments and files, and writes what Maple would write.
"""

from __future__ import annotations

import math
import re
import stat
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everest_kernel.languages import CellRequest, Language, find_language
from everest_kernel.languages.algebra import MAPLE, split_statements
from everest_kernel.languages.maple import MapleLanguage
from everest_kernel.languages.maple.literals import MapleLiterals
from everest_kernel.languages.maple.stream import MapleStream
from everest_kernel.wire import CellError, CellOptionError, ConfigurationError, ValueRefusedError

from .running import run_cell
from .test_giac_values import NESTED

STAND_IN = """#!/bin/sh
printf '%s\\n' "$@" > arguments
cat > stdin
cp cell.mpl read.mpl
printf '\\002line 1\\003x := 3\\n'
{output}
"""


def stand_in(folder: Path, output: str) -> str:
    """A program that does what Maple would."""
    path = folder / "maple"
    path.write_text(STAND_IN.format(output=output))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def mark(place: str) -> str:
    return f"\2{place}\3"


# -- the command line and the files, by the stand-in --


def test_the_command_line_and_the_files(tmp_path: Path) -> None:
    written = (
        "printf 'a [1/3]\\nM [matrix[[1,.5],[2,3]]]\\nz [everest_complex(.5,-1)]\\ns [everest_text([208,159,34,10])]\\n"
        "e [everest_symbolic([120,94,50])]\\np [everest_refused([110,111])]\\nn [everest_symbolic([110])]\\n"
        ". end - 0\\n' > everest-written; printf '\\002end\\003'"
    )
    language = MapleLanguage(program=stand_in(tmp_path, written))
    names = ("a", "M", "z", "s", "e", "p", "n")
    ran = run_cell(language, tmp_path / "t", "x := 3", inputs={"b": 1}, out_named=names)
    assert (ran.status, ran.error, ran.stdout) == (0, "", "x := 3\n")
    assert (tmp_path / "t" / "arguments").read_text().split() == ["-s", "-q", "everest-main.mpl"]
    assert (tmp_path / "t" / "stdin").read_text() == ""
    assert (tmp_path / "t" / "read.mpl").read_text() == "everest_at(1): x := 3;\neverest_done := true:\n"
    values = ran.back.values
    assert values["M"].tolist() == [[1, 0.5], [2, 3]]
    del values["M"]
    assert values == {"a": Fraction(1, 3), "z": 0.5 - 1j, "s": 'П"\n', "e": "x^2"}
    assert ran.back.problems == ["p: no", "n: the cell did not assign it"]


def test_a_run_that_stops_has_failed_although_it_exits_with_0(tmp_path: Path) -> None:
    output = "printf 'Error, (in f) numeric exception: division by zero\\n'"
    ran = run_cell(MapleLanguage(program=stand_in(tmp_path, output)), tmp_path / "t", "f(0);", out_named=("x",))
    assert (ran.status, ran.back.finished, ran.back.values) == (1, False, {})
    assert ran.error == "numeric exception: division by zero in f (line 1 of the cell)"


def test_a_picture_that_the_cell_draws_is_shown(tmp_path: Path) -> None:
    output = "printf 'GIF89a...' > everest-plot-001.gif; printf '. end - 0\\n' > everest-written"
    ran = run_cell(MapleLanguage(program=stand_in(tmp_path, output)), tmp_path / "t", "plot(sin(x), x = 0 .. 1);")
    assert [list(picture.data) for picture in ran.pictures] == [["image/gif", "text/plain"]]


def test_texts_in_another_encoding(tmp_path: Path) -> None:
    output = "printf 's [everest_text([207])]\\n. end - 0\\n' > everest-written; cat cell.mpl > copy.mpl"
    language = MapleLanguage(program=stand_in(tmp_path, output), encoding="cp1251")
    ran = run_cell(language, tmp_path / "t", "# Привет\nx := 1;", out_named=("s",))
    assert ran.back.values == {"s": "П"}
    assert (tmp_path / "t" / "copy.mpl").read_bytes().startswith("# Привет".encode("cp1251"))
    with pytest.raises(ValueRefusedError, match="does not exist in the encoding cp1251"):
        language.render(CellRequest("", inputs={"v": "\n日本"}))


# -- what is rendered --


def test_each_statement_says_its_line_and_the_lines_stay(tmp_path: Path) -> None:
    code = "restart;\r\n# c; d\nf := proc(x)\n  x; end proc: f(2);\nif a then\n plot(x) fi"
    cell = MapleLanguage().cell_text(code)
    assert cell == (
        "everest_at(1): NULL;\r\n# c; d\neverest_at(3): f := proc(x)\n  x; end proc: everest_at(4): f(2);\n"
        'everest_draw(5, "gif"): if a then\n plot(x) fi;\neverest_done := true:\n'
    )
    with pytest.raises(CellError, match="the 'do' of line 2 is not closed"):
        MapleLanguage().render(CellRequest("x := 1;\nfor i to 3 do\n x;"))


SIMPLE = st.sampled_from(
    ["x := 1", "f := proc(x)\n x end", "for i to 3 do\n x; od", 'print("a;\nb")', "plot(x)", "`a;b`"]
)


@given(st.lists(st.tuples(st.sampled_from(["", "\n", "# c;\n"]), SIMPLE, st.sampled_from(";:")), max_size=8))
def test_marks_are_put_between_statements_only(written: list[tuple[str, str, str]]) -> None:
    code = "".join(map("".join, written))
    cell = MapleLanguage().cell_text(code)
    without = re.sub(r"everest_(at|draw)\((\d+)(, \"gif\")?\): ", "", cell)
    assert without == code.rstrip("\n") + "\neverest_done := true:\n"
    places = [line for line, text in enumerate(cell.split("\n"), 1) for _ in re.findall(r"everest_(?:at|draw)\(", text)]
    assert places == [int(n) for n in re.findall(r"everest_(?:at|draw)\((\d+)", cell)]
    assert places == [statement.line for statement in split_statements(code, MAPLE)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (-1.5e-300, "-1.5e-300"),
        (math.inf, "Float(infinity)"),
        (-math.inf, "-Float(infinity)"),
        (math.nan, "Float(undefined)"),
        (Decimal("1.50"), "1.50"),
        (Decimal(3), "3."),
        (Decimal("1E+5"), "1e+5"),
        (2**70, "1180591620717411303424"),
        (Fraction(-1, 3), "(-1)/3"),
        (1 - 2j, "Complex(1.0,-2.0)"),
        (True, "true"),
        ('a"\\', '"a\\"\\\\"'),
        ("a\nП", "convert([97,10,208,159],'bytes')"),
        ([1, ["a"]], '[1,["a"]]'),
        ({1}, "{1}"),
        ({"a": 1, 2: [0.5]}, 'table(["a"=1,2=[0.5]])'),
        (np.eye(2), "Matrix(2,2,[[1.0,0.0],[0.0,1.0]])"),
        (np.arange(2), "Vector([0,1])"),
    ],
)
def test_literals(value: Any, text: str) -> None:
    assert MapleLiterals().input("x", value) == text


def test_nothing_is_rounded_while_values_are_read() -> None:
    long = Decimal("1." + "3" * 60)
    text = MapleLanguage().render(CellRequest("", inputs={"d": long})).text
    digits, assigned = re.findall(r"Digits := (\d+):[^~]*?d := ([\d.]+):", text)[0]
    assert int(digits) >= 61
    assert Decimal(assigned) == long


@pytest.mark.parametrize("name", ["I", "Pi", "gamma", "D", "O", "end", "sin", "everest_x", "ф", "Digits"])
def test_names_that_maple_cannot_have(name: str) -> None:
    for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
        with pytest.raises(CellOptionError, match="cannot be the name"):
            MapleLanguage().render(request)


def test_settings_and_platforms() -> None:
    language = find_language("maple")
    assert isinstance(language, MapleLanguage)
    assert language.configured({"syntax": "maple"}) == language
    with pytest.raises(ConfigurationError, match="plots of maple cannot be 'pdf'"):
        language.configured({"plots": "pdf"})
    assert language.requirement.names[0] == "maple"
    assert MapleLanguage(platform="windows").requirement.names[0] == "cmaple"


def test_where_maple_is_missing_giac_takes_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("everest_kernel.languages.giac.language.giac_of_wheel", lambda: None)
    language = MapleLanguage(symbolic="sympy")
    found = language.located({"maple": "/opt/maple", "giac": "/usr/bin/giac"}.get)
    assert (found.language, found.note, found.missing) == (MapleLanguage("/opt/maple", symbolic="sympy"), "", "")
    found = language.located({"giac": "/usr/bin/giac"}.get)
    assert (found.language.name, found.note, found.missing) == ("giac", "Giac in Maple syntax", "")
    assert found.language.configured({"syntax": "maple"}) == found.language
    missing = language.located(lambda name: None).missing
    assert "Maple" in missing
    assert "everest-kernel[giac]" in missing


# -- transcripts, put down from knowledge of Maple's formats --


@pytest.mark.parametrize(
    ("transcript", "error"),
    [
        (f"{mark('line 1')}x := 3\n{mark('end')}", ""),
        (f"{mark('line 3')}Error, (in f) numeric exception: division by zero\n",
         "numeric exception: division by zero in f (line 3 of the cell)"),
        (f"{mark('line 2')}Error, invalid subscript selector\n", "invalid subscript selector (line 2 of the cell)"),
        (f"{mark('line 1')}x := 1\non line 2, syntax error, missing operator or `;`:\ny := 3 4;\n       ^\n"
         "Error, while reading `cell.mpl`\n", "syntax error, missing operator or `;` (line 2 of the cell)"),
        ("Error, on line 4, syntax error, reserved word `end` unexpected:\nend do;\n^\n",
         "syntax error, reserved word `end` unexpected (line 4 of the cell)"),
        (f"{mark('line 1')}Error, (in Matrix) first\r\nError, second\r\n", "first in Matrix (line 1 of the cell)"),
        (f"{mark('line 1')}abc{mark('line 2')}Error, no newline before\n", "no newline before (line 2 of the cell)"),
        (f"{mark('line 1')}Error, so says the cell itself\n{mark('end')}", ""),
        (f"{mark('input tau')}Error, attempting to assign to `tau` which is protected\n",
         "'tau' cannot be the name of an input in Maple: attempting to assign to `tau` which is protected"),
        (f"{mark('output M')}Error, (in everest_put) too long\n", "too long in everest_put (the output M)"),
        ("Error, license denied", "license denied"),
    ],
)  # fmt: skip
def test_transcripts(transcript: str, error: str) -> None:
    expected = re.sub("\2[^\3]*\3", "", transcript)
    for size in (1, 7, 10_000):
        stream, shown = MapleStream(), b""
        data = transcript.encode()
        for start in range(0, len(data), size):
            shown += b"".join(part.data for part in stream.feed("stdout", data[start : start + size]))
        stream.close()
        assert (shown.decode(), stream.error) == (expected, error)


def test_what_is_no_mark_is_shown() -> None:
    stream = MapleStream()
    data = b"\2" + b"x" * 10_000
    assert sum(len(part.data) for part in stream.feed("stdout", data)) >= 10_000
    assert [part.stream for part in stream.feed("stderr", b"warning\n")] == ["stderr"]


# -- plain Maple, run by Giac in Maple's syntax --


@pytest.fixture(scope="module")
def giac() -> Language:
    found = MapleLanguage().located({"giac": "giac"}.get)
    assert found.note == "Giac in Maple syntax"
    return found.language


def plain(value: Any) -> bool:
    """Without what Giac writes otherwise than Maple."""
    if isinstance(value, list):
        return all(map(plain, value))
    if isinstance(value, (complex, dict)):
        return False
    return value.isprintable() and value.isascii() if isinstance(value, str) else value == value and abs(value) < 1e300


@pytest.mark.system("xcas")
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NESTED.filter(plain), min_size=1, max_size=10))
def test_giac_reads_the_literals(giac: Language, tmp_path: Path, values: list[Any]) -> None:
    literals = MapleLiterals()
    code = "\n".join(f"w{i} := {literals.input('w', value)}:" for i, value in enumerate(values))
    names = tuple(f"w{i}" for i in range(len(values)))
    ran = run_cell(giac, tmp_path / "t", code, out_named=names)
    assert (ran.error, ran.back.problems) == ("", [])
    for name, value in zip(names, values, strict=True):
        assert close(ran.back.values[name], value), (value, ran.back.values[name])


def close(found: Any, value: Any) -> bool:
    """Equal but for the digits that Giac's doubles lack."""
    if isinstance(value, list):
        return isinstance(found, list) and len(found) == len(value) and all(map(close, found, value))
    if isinstance(value, (float, Decimal)):
        return math.isclose(found, value, rel_tol=1e-12, abs_tol=1e-300)
    return bool(found == value)


@pytest.mark.system("xcas")
def test_giac_runs_the_marked_cell_and_the_procedures_parse(giac: Language, tmp_path: Path) -> None:
    cell = MapleLanguage().cell_text(
        "a := 2;\nf := proc(n)\n  a*n; end proc:\n\nb := f(4):\nif b > 1 then c := 3 end if"
    )
    code = f"lines := []: everest_at := proc(n) global lines; lines := [op(lines), n]; end proc:\n{cell}"
    ran = run_cell(giac, tmp_path / "t", code, out_named=("lines", "b", "c", "everest"))
    assert ran.error == ""
    assert {name: ran.back.values[name] for name in ("lines", "b", "c")} == {"lines": [1, 2, 5, 6], "b": 8, "c": 3}
    main = MapleLanguage().render(CellRequest("x := 1;", out_named=("x",))).text
    begin = main.index("<<'EVEREST")
    text = main[main.index("\n", begin) + 1 : main.index("\nEVEREST", begin + 12)]
    procedures = text[text.index("everest_done :=") :]
    procedures = procedures[: procedures.index("if everest_done")].replace('read "cell.mpl";', "")
    assert run_cell(giac, tmp_path / "t", f"everest_digits := 10: {procedures}").error == "", "all of it is Maple"
    words = [statement.words for statement in split_statements(text, MAPLE)]
    assert all(w[1:2] == [":="] or w[0] in ("interface", "read", "everest_mark", "if") for w in words), words
