"""PowerShell: values against a model of its expressions, and the text of programs; by PowerShell itself where it is."""

from __future__ import annotations

import io
import re
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import CellRequest, Language, Returned, StagedFile, Text, find_language
from everest_kernel.languages.powershell import PowerShellLanguage
from everest_kernel.wire import CellOptionError, ConfigurationError, ValueRefusedError

from .powershell_model import assignments
from .running import located, run_cell

POWERSHELL = PowerShellLanguage()
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
DECIMALS = st.builds(
    lambda digits, places, sign: Decimal(digits).scaleb(-places) * sign,
    *(st.integers(0, 10**27), st.integers(0, 27), st.sampled_from([1, -1])),
).filter(lambda d: not (d.is_zero() and d.is_signed()))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=20) | DECIMALS
KEYS = st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0x4FF), min_size=1, max_size=5)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3).filter(lambda d: distinct(d)),
    max_leaves=8,
)
TYPES = ["f8", "f4", "i1", "i2", "i4", "i8", "u2", "u4", "u8", "?"]
ARRAYS = st.sampled_from(TYPES).flatmap(lambda kind: st_numpy.arrays(np.dtype(kind), st.integers(0, 5)))


def distinct(keys: Any) -> bool:
    return len({key.casefold() for key in keys}) == len(keys)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, float):
        return a.hex() == b.hex()
    return repr(a) == repr(b)


def values_of(inputs: dict[str, Any]) -> dict[str, Any]:
    program = POWERSHELL.render(CellRequest("", inputs=inputs))
    return assignments(program.attachments["everest-main.ps1"].decode(), program.attachments)


@given(NESTED | ARRAYS)
def test_every_value_is_an_expression_that_gives_it(value: Any) -> None:
    assert same(values_of({"v": value})["v"], value)


@pytest.mark.parametrize("value", [0, 1, -1, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**40])
def test_integers_keep_their_digits(value: int) -> None:
    assert values_of({"v": value}) == {"v": value}


def test_long_values_are_files_and_a_program_stays_short() -> None:
    inputs = {"a": "Ляпунов" * 2000, "b": bytes(20_000), "c": np.arange(5000.0)}
    program = POWERSHELL.render(CellRequest("", inputs=inputs))
    found = values_of(inputs)
    assert (found["a"], found["b"]) == (inputs["a"], inputs["b"])
    assert np.array_equal(found["c"], inputs["c"])
    assert len(program.attachments["everest-main.ps1"]) < 12_000
    assert program.sizes["b"] > 20_000


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("\ud800", "surrogate"),
        ({1: 2}, "the key 1 of a dictionary is not a text"),
        ({"": 2}, "is not a text"),
        ({"a": 1, "A": 2}, "the keys 'a' and 'A' are one"),
        (1j, "type complex"),
        (Decimal("1e-29"), "28 digits"),
        (Decimal(2**96), "28 digits"),
        (Decimal("-0.0"), "28 digits"),
        (Decimal("NaN"), "28 digits"),
        (np.zeros((2, 2)), "a list of rows goes"),
        (np.zeros(2, "c16"), "complex128"),
        (np.zeros(2, "u1"), "uint8"),
        (object(), "type object"),
    ],
)
def test_what_powershell_has_not_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^x: .*{why}") as caught:
        values_of({"x": value})
    assert caught.value.name == "x"


def test_deep_nesting_is_refused() -> None:
    value: Any = 1
    for _ in range(102):
        value = [value]
    with pytest.raises(ValueRefusedError, match="nested"):
        values_of({"x": value})


@pytest.mark.parametrize("name", ["é", "a-b", "Error", "PSItem", "true", "everest_x", "HOME", "_"])
def test_names_that_powershell_cannot_have(name: str) -> None:
    with pytest.raises(CellOptionError, match="cannot be the name"):
        POWERSHELL.render(CellRequest("", out_named=(name,)))
    with pytest.raises(CellOptionError, match="'a' and 'A' are one name"):
        POWERSHELL.render(CellRequest("", inputs={"a": 1}, out_named=("A",)))


def test_the_command_line_and_the_files_beside_it() -> None:
    program = POWERSHELL.render(CellRequest("'Ляпунов'\n", out_named=("x",)))
    options = "-NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -OutputFormat Text"
    assert f"\r\ncall powershell {options} -File everest-main.ps1 <NUL\r\n" in program.text
    assert program.cell == "\ufeff'Ляпунов'\n"
    main = program.attachments["everest-main.ps1"].decode("ascii")
    assert "everest_put 'x' $x" in main
    assert "[IO.Path]::Combine($everest_home, 'cell.ps1')" in main
    assert main.endswith("everest_head '. end - 0'\n$everest_file.Close()\nexit $everest_status\n")
    assert main.count("{") == main.count("}")
    posix = POWERSHELL.configured({"platform": "posix"}).render(CellRequest(""))
    assert f"\npwsh {options} -File everest-main.ps1 < /dev/null\n" in posix.text


def test_settings() -> None:
    with pytest.raises(ConfigurationError, match="always UTF-8"):
        POWERSHELL.configured({"encoding": "cp866"})
    assert POWERSHELL.configured({"encoding": "UTF8"}) == POWERSHELL
    assert shlex.split(POWERSHELL.command)[0] == "cmd.exe"
    assert find_language("powershell") == POWERSHELL


def test_where_it_is_found() -> None:
    assert "Windows machine" in POWERSHELL.located(lambda name: None).missing
    inside = POWERSHELL.located(lambda name: "/mnt/c/Windows/powershell.exe")
    assert "Windows machine" in inside.missing
    linux = POWERSHELL.located(lambda name: "/usr/bin/pwsh" if name == "pwsh" else None).language
    assert linux == PowerShellLanguage("/usr/bin/pwsh", "posix")
    windows = POWERSHELL.located(lambda name: rf"C:\{name}.exe").language
    assert windows == PowerShellLanguage(r"C:\powershell.exe")


def test_the_error_is_found_in_pieces_of_output() -> None:
    stream = POWERSHELL.stream()
    shown = stream.feed("stderr", b"warning\r\nerror: Attempted to di")
    shown += stream.feed("stderr", b"vide by zero. (line 3 of the cell)\r\n")
    assert b"".join(part.data for part in shown if isinstance(part, Text)).count(b"\r\n") == 2
    assert stream.error == "Attempted to divide by zero. (line 3 of the cell)"


def test_values_that_come_back() -> None:
    """What the end of a program writes, byte for byte as .NET prints it."""
    records = (
        b"a decimal - 4\n1.10\nb float - 23\n4.9406564584124654E-324\nc str - 2\n\xd0\x96\nd dict - 1\n"
        b"a%20b none - 0\n\ne <i4 2 8\n\1\0\0\0\2\0\0\0\nf refused - 3\nwhy\n. end - 0\n"
    )
    back = POWERSHELL.read_back(io.BytesIO(b"\r\n" + records))
    assert (back.finished, back.problems) == (True, ["f: why"])
    assert (back.values["a"], str(back.values["a"])) == (Decimal("1.10"), "1.10")
    assert (back.values["b"], back.values["c"], back.values["d"]) == (5e-324, "Ж", {"a b": None})
    assert back.values["e"].tolist() == [1, 2]
    assert isinstance(back, Returned)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("1 + 1", "complete"),
        ("if ($x) {", "incomplete"),
        ("if ($x) {\n 1 }", "complete"),
        ("'it''s {'", "complete"),
        ('"a `" {', "incomplete"),
        ("@'\n{ it's\n'@", "complete"),
        ("@'\n{", "incomplete"),
        ("# {", "complete"),
        ("<# {\n#>", "complete"),
        ("<# ", "incomplete"),
        ("Get-Item |", "incomplete"),
        ("1 + `", "incomplete"),
        ("`{", "complete"),
        (")", "invalid"),
    ],
)
def test_whether_a_text_is_complete(code: str, status: str) -> None:
    assert POWERSHELL.editing.check(code).status == status


def test_patterns_for_lines_find_the_cells_own() -> None:
    main = POWERSHELL.render(CellRequest("")).attachments["everest-main.ps1"].decode()
    match = re.search(r"-match '(.*)'\)", main)
    assert match
    trace = "at f, /t/library2.ps1: line 9\nat <ScriptBlock>, C:\\t1\\cell.ps1: line 12\nat cell.ps1: line 40"
    found = re.search(match[1], trace)
    assert found
    assert found[1] == "12"


# -- by PowerShell itself --


@pytest.fixture(scope="module")
def powershell() -> Language:
    return located(POWERSHELL)


@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NESTED | ARRAYS, min_size=5, max_size=12))
def test_values_come_back_as_they_went(powershell: Language, tmp_path: Path, values: list[Any]) -> None:
    inputs = {f"v{i}": value for i, value in enumerate(values)}
    back = run_cell(powershell, tmp_path / "t", "1", inputs=inputs, out_named=tuple(inputs)).back
    assert back.problems == []
    for name, value in inputs.items():
        assert same(back.values[name], value), name


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("$x = 1\n\n1/0", "divide by zero. (line 3 of the cell)"),
        ("\nthrow 'Ляпунов'", "Ляпунов (line 2 of the cell)"),
        ("function f { throw 'in f' }\n\nf", "in f (line 1 of the cell)"),
        ("$x = 1\nif ($x {", "(line 2 of the cell)"),
    ],
)
def test_errors_have_the_cells_line(powershell: Language, tmp_path: Path, code: str, error: str) -> None:
    ran = run_cell(powershell, tmp_path / "t", code)
    assert ran.status == 1
    assert ran.error.endswith(error)


def test_files_pictures_and_the_exit_status(powershell: Language, tmp_path: Path) -> None:
    code = "$x = Get-Content data/a.txt\nSet-Content b.svg '<svg/>'\nGet-Item nowhere\nSet-Location ..\n'Ж'\nexit 3"
    ran = run_cell(
        powershell,
        tmp_path / "t",
        code,
        staged={"file-1": b"one\n"},
        files=(StagedFile("file-1", "data/a.txt"),),
        out_named=("x", "y"),
        fetch=("*.svg",),
    )
    assert (ran.status, ran.stdout.strip(), ran.back.values) == (3, "Ж", {"x": "one"})
    assert "nowhere" in ran.stderr
    assert ran.back.problems == ["y: the cell did not assign it"]
    assert (list(ran.fetched), len(ran.pictures)) == (["b.svg"], 1)
