"""Cells of cmd: the program as text, names and values; and, under wine, a true cmd.exe."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everest_kernel.languages import CellRequest, StagedFile, find_language
from everest_kernel.languages.cmd import CmdLanguage
from everest_kernel.wire import CellOptionError, ConfigurationError, ValueRefusedError

from .running import run_cell
from .wine import Wine

CMD = CmdLanguage()
VALUES = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f"), min_size=1)
SPECIAL = st.text(st.sampled_from("&|<>^\"%!()=,;@ ~'`:*?\\/\tab1"), min_size=1, max_size=30)
WINE_SPECIAL = st.text(st.sampled_from("&|<>^\"()=,;@ ~'`:*?\\/ab1"), min_size=1, max_size=30).filter(
    lambda text: '"' not in text or "/?" not in text
)

BATCH_FAILED = 1
"""What wine's `call` makes of any status with which a batch file ends; that of Microsoft's keeps it."""


def variables(program: str) -> dict[str, str]:
    """A model of how cmd reads lines with `set`: percent signs, then quotes and carets, then the assignment."""
    found = {}
    for line in program.split("\r\n"):
        if not line.startswith("set ") or "everest_" in line:
            continue
        text = re.sub(r"%(%?)[^%]*(?(1)|%?)", lambda m: m[0][1:] if m[1] else "", line.removeprefix("set "))
        if text.startswith('"'):
            rest = text[1 : text.rindex('"')]
        else:
            assert re.fullmatch(r'([^&|<>()^"]|\^.)*', text), "something would have its meaning"
            rest = re.sub(r"\^(.)", r"\1", text)
        name, _, value = rest.partition("=")
        found[name] = value
    return found


def main_of(**inputs: object) -> str:
    return CMD.render(CellRequest("", inputs=inputs)).attachments["everest-main.cmd"].decode()


def test_a_cell_is_called_between_its_values_and_what_goes_back() -> None:
    program = CMD.render(CellRequest("echo %a%\nexit /b 3\n", inputs={"a": "A & 5%"}, out_named=("b",)))
    assert program.cell == "echo %a%\r\nexit /b 3\r\n"
    assert program.sizes == {"a": 6}
    main = program.attachments["everest-main.cmd"].decode()
    assert main.startswith(
        '@echo off\r\nsetlocal EnableExtensions DisableDelayedExpansion\r\nset "everest_home=%CD%"\r\n'
    )
    assert '\r\nset "a=A & 5%%"\r\ncall cell.cmd\r\n@set "everest_status=%ERRORLEVEL%"\r\n' in main
    assert main.endswith("\r\n>>everest-written echo . end - 0\r\nexit %everest_status%\r\n")
    assert "\r\ncmd.exe /d /c everest-main.cmd <NUL\r\n" in program.text
    assert CMD.command == "cmd.exe /d /c program.cmd"


@given(VALUES | SPECIAL)
def test_any_text_of_one_line_reaches_its_variable(text: str) -> None:
    if '"' in text and "/?" in text:
        with pytest.raises(ValueRefusedError):
            main_of(a=text)
    else:
        assert variables(main_of(a=text)) == {"a": text}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("", "empty"),
        ("a\nb", "'\\\\n' cannot be"),
        ("a\rb", "'\\\\r' cannot be"),
        ("a\0b", "cannot be"),
        ("a\x1ab", "cannot be"),
        ("\ud800", "surrogate"),
        ('"/?', "call for help"),
        ("x" * 9000, "too long"),
        ([1], "type list"),
        (None, "type NoneType"),
    ],
)
def test_what_cannot_be_a_variable_is_refused_by_name(value: object, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^a: .*{why}") as caught:
        main_of(a=value)
    assert caught.value.name == "a"


@pytest.mark.parametrize("name", ["a b", "é", "PATH", "ErrorLevel", "everest_x", "1a", "a%", "Cd"])
def test_names_that_cmd_cannot_have(name: str) -> None:
    with pytest.raises(CellOptionError, match="cannot be the name"):
        CMD.render(CellRequest("", out_named=(name,)))


def test_names_that_differ_in_case_only_are_one_name() -> None:
    with pytest.raises(CellOptionError, match="'ab' and 'aB' are one name"):
        CMD.render(CellRequest("", inputs={"ab": "1"}, out_named=("aB",)))


def test_numbers_and_booleans_go_as_texts() -> None:
    assert variables(main_of(a=-3, b=0.1, c=True)) == {"a": "-3", "b": "0.1", "c": "true"}


def test_another_machine_is_needed() -> None:
    assert "Windows" in CMD.located(lambda name: None).missing
    assert "Windows" in CMD.located(lambda name: "/mnt/c/Windows/system32/cmd.exe").missing
    found = CMD.located(lambda name: r"C:\Windows\system32\cmd.exe").language
    assert "\nC:\\Windows\\system32\\cmd.exe /d" in found.render(CellRequest("")).text
    assert find_language("cmd") == CMD


def test_cyrillic_in_the_code_page_of_the_machine() -> None:
    language = CMD.configured({"encoding": "cp866"})
    program = language.render(CellRequest("rem показатель\necho Ляпунов", inputs={"a": "Лоренц"}))
    assert program.attachments["everest-cell.cmd"] == "rem показатель\r\necho Ляпунов\r\n".encode("cp866")
    assert 'set "a=Лоренц"'.encode("cp866") in program.attachments["everest-main.cmd"]
    assert "\r\nchcp 866 >nul 2>&1\r\ncmd.exe " in program.text
    with pytest.raises(ConfigurationError, match="'λ' in line 2 of the cell does not exist in the encoding cp866"):
        language.render(CellRequest("rem\nrem λ"))


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("echo a", "complete"),
        ("echo a ^", "incomplete"),
        ("echo a ^^", "complete"),
        ("if x==y (", "incomplete"),
        ("if x==y (\necho (hello)\n)", "complete"),
        ('echo "("', "complete"),
        ("rem (", "complete"),
        ("for %%a in (1 2) do (", "incomplete"),
        ("for %%a in (1 2) do (\n\n", "complete"),
    ],
)
def test_whether_a_text_is_complete(code: str, status: str) -> None:
    assert CMD.editing.check(code).status == status


def test_words_are_known_in_any_case() -> None:
    assert CMD.editing.complete("SETLO", 5).matches == ("SETLOCAL",)
    powershell = find_language("powershell")
    assert powershell is not None
    assert powershell.editing.complete("Get-Con", 7).matches == ("Get-Content",)


@pytest.mark.wine
def test_values_files_pictures_and_the_exit_status(wine: Wine, tmp_path: Path) -> None:
    ran = run_cell(
        CMD,
        tmp_path / "t",
        'type data\\in.txt\necho err>&2\nset "b=<%a%>"\nmkdir out\n>out\\z.txt echo two\n>p.svg echo ^<svg/^>\n'
        "cd out\nexit /b 3",
        staged={"file-1": b"one\r\n", "file-2": b"<svg/>\r\n"},
        files=(StagedFile("file-1", "data/in.txt"), StagedFile("file-2", "given.svg")),
        inputs={"a": "A & B"},
        out_named=("b", "c"),
        fetch=("out/*", "*.none"),
        start=wine,
    )
    assert (ran.status, ran.stdout, ran.stderr) == (BATCH_FAILED, "one\r\n", "err\r\n")
    assert ran.back.values == {"b": "<A & B>"}
    assert ran.back.problems == ["c: the cell did not assign it", "no file matches --fetch '*.none'"]
    assert ran.fetched == {"out/z.txt": b"two\r\n"}
    assert [picture.data["text/plain"] for picture in ran.pictures] == ["<picture p.svg>"]


@pytest.mark.wine
@pytest.mark.parametrize(
    ("code", "status"), [("exit 4", 4), ("exit", 1), ("exit /b 5", BATCH_FAILED), ("goto :eof", 0)]
)
def test_ways_to_end(wine: Wine, tmp_path: Path, code: str, status: int) -> None:
    ran = run_cell(
        CMD, tmp_path / "t", f"set a=1\n>x.txt echo x\n{code}", out_named=("a",), fetch=("*.txt",), start=wine
    )
    assert ran.fetched == {"x.txt": b"x\r\n"}
    if code != "exit":  # wine's findstr finds the mark of the end everywhere
        assert ran.status == status
    if "exit /b" in code or "goto" in code:
        assert (ran.back.finished, ran.back.values) == (True, {"a": "1"})
    else:
        assert (ran.back.finished, ran.back.values) == (False, {})
        assert "exit /b" in ran.back.error


@pytest.mark.wine
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WINE_SPECIAL, min_size=10, max_size=20))
def test_values_come_back_as_they_went(wine: Wine, tmp_path: Path, values: list[str]) -> None:
    inputs = {f"v{i}": value for i, value in enumerate(values)}
    back = run_cell(CMD, tmp_path / "t", "rem", inputs=inputs, out_named=tuple(inputs), start=wine).back
    assert (back.problems, back.values) == ([], inputs)


@pytest.mark.wine
def test_nothing_waits_for_standard_input(wine: Wine, tmp_path: Path) -> None:
    ran = run_cell(CMD, tmp_path / "t", "set /p a=name?\nset b=got-%a%", out_named=("b",), start=wine)
    assert (ran.status, ran.back.values) == (0, {"b": "got-"})


@pytest.mark.wine
def test_cyrillic_is_right_in_both_directions(wine: Wine, tmp_path: Path) -> None:
    language = CMD.configured({"encoding": "cp866"})
    ran = run_cell(
        language,
        tmp_path / "t",
        "rem показатель\necho Ляпунов %a%\nset b=%a%?\n>out.txt echo Ляпунов",
        inputs={"a": "Лоренц"},
        out_named=("b",),
        fetch=("*.txt",),
        start=wine,
    )
    assert (ran.status, ran.stdout) == (0, "Ляпунов Лоренц\r\n")
    assert ran.back.values == {"b": "Лоренц?"}
    assert ran.fetched == {"out.txt": "Ляпунов\r\n".encode("cp866")}
