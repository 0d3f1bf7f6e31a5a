"""cmd.exe: the user's cell is a batch file; values are strings in environment variables.

The driver runs the main program in a cmd.exe of its own, and that calls the cell: so variables that the cell sets are
there when it returns, and an `exit` without `/b` ends no more than the inner cmd.exe.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO, Any, ClassVar

from ...wire import CellOptionError, ValueRefusedError
from ..base import CellRequest, Located, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..drivers.windows_text import bare, quoted
from ..editing import Completeness, Editing
from ..records import read_records

__all__ = ["CmdLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TAKEN = frozenset(
    """
    CD CMDCMDLINE CMDEXTVERSION COMSPEC DATE ERRORLEVEL HIGHESTNUMANODENUMBER PATH PATHEXT RANDOM SYSTEMDRIVE
    SYSTEMROOT TIME WINDIR
    """.split()  # noqa: SIM905
)
_LONGEST_LINE = 8000  # cmd reads lines of up to 8191 characters
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_BEGIN = """
@echo off
setlocal EnableExtensions DisableDelayedExpansion
set "everest_home=%CD%"
"""
_RUN = """
call {cell}
@set "everest_status=%ERRORLEVEL%"
@echo off
chcp 65001 >nul 2>&1
cd /d "%everest_home%"
"""
_PUT = """
type nul>everest-text
setlocal EnableDelayedExpansion
set "everest_value=!{name}!"
if defined everest_value set everest_value>everest-text
endlocal
for %%Z in (everest-text) do >>{written} echo {name} str - %%~zZ
for %%Z in (everest-text) do if not "%%~zZ"=="0" copy /y /b {written}+everest-text {written} >nul
>>{written} echo.
"""


def _is_complete(code: str) -> Completeness:
    """A caret at the end continues a line; a parenthesis that is open at the end of the text, a block."""
    lines = code.splitlines()
    if lines and re.search(r"(?<!\^)(\^\^)*\^\Z", lines[-1]):
        return Completeness("incomplete")
    depth = 0
    for line in lines:
        if re.match(r"\s*(@?\s*rem\b|::|:)", line, re.IGNORECASE):
            continue
        text = re.sub(r'\^.|"[^"]*"?', "", line)
        opened = len(re.findall(r"(?:^|\s|&)\(", text))
        depth = max(0, depth + opened - (text.count(")") - (text.count("(") - opened)))
    if code.endswith("\n\n"):  # an empty line ends it whatever is thought here
        return Completeness("complete")
    return Completeness("incomplete", "  " * depth) if depth else Completeness("complete")


@dataclass(frozen=True)
class CmdLanguage(BatchLanguage):
    """The command interpreter of Windows. Only named values travel; names know no upper and lower case."""

    platform: str = "windows"

    name: ClassVar[str] = "cmd"
    suffix: ClassVar[str] = "cmd"
    requirement: ClassVar[Requirement] = Requirement(
        ("cmd.exe",), "an Everest agent on a Windows machine, where cells of cmd can run"
    )
    editing: ClassVar[Editing] = Editing("bat", "cmd", check=_is_complete)
    repeatable: ClassVar[bool] = False  # its cells are there for what they do

    def located(self, find: Callable[[str], str | None]) -> Located:
        """There is one on every Windows, and nowhere else; from within Linux it does not see this machine's files."""
        path = find(self.program or self.requirement.names[0])
        if path is None or path.startswith("/"):
            return Located(self, missing=self.requirement.install)
        return Located(replace(self, program=path))

    def arguments(self) -> tuple[str, ...]:
        """Without commands that the registry would run first."""
        return "/d", "/c", self.main_file

    def cell_text(self, code: str) -> str:
        """With the line ends that labels need."""
        return "\r\n".join(re.split(r"\r\n|\n|\r", code.removesuffix("\n"))) + "\r\n"

    def main(self, request: CellRequest) -> Main:
        """Variables, the cell, and variables back: `set` prints a value without looking at what is in it."""
        _check_names([*request.inputs, *request.out_named])
        lines, sizes = _lines(_BEGIN), dict[str, int]()
        for name, value in request.inputs.items():
            text = _text(name, value)
            sizes[name] = len(text.encode())
            lines.append(_assignment(name, text))
            if len(lines[-1]) > _LONGEST_LINE:
                raise _refused(name, f"its text of {len(text):,} characters is too long for a line of cmd's")
        lines += _lines(_RUN.format(cell=self.cell_file))
        if request.out_named:
            lines.append(f"type nul >{self.written_file}")
        for name in request.out_named:
            lines += _lines(_PUT.format(name=name, written=self.written_file))
        lines += [f">>{self.written_file} echo {END_MARK}", "exit %everest_status%"]
        return Main("\r\n".join(lines) + "\r\n", sizes=sizes)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records of what `set` printed, which is nothing for a variable that is not there."""
        printed = Returned()
        read_records(content, printed)
        back.finished = printed.finished
        if not back.finished:
            back.error = "the cell stopped before its end, by a syntax error or by exit; write exit /b"
        for name, text in printed.values.items():
            if not text:
                back.problems.append(f"{name}: the cell did not assign it")
                continue
            value = text.removeprefix("everest_value=").removesuffix("\r\n")
            back.values[name], back.sizes[name] = value, len(value.encode())


def _lines(text: str) -> list[str]:
    return text.strip().split("\n")


def _check_names(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        upper = name.upper()
        if not _NAME.match(name) or upper in _TAKEN or upper.startswith("EVEREST_"):
            raise CellOptionError(f"{name!r} cannot be the name of a variable in cmd", hint="Nothing was sent.")
        if seen.setdefault(upper, name) != name:
            raise CellOptionError(f"{seen[upper]!r} and {name!r} are one name in cmd", hint="Nothing was sent.")


def _assignment(name: str, text: str) -> str:
    """A line that sets a variable; in quotes all but `%` is plain, and outside them a caret makes it so."""
    if '"' not in text:
        return f"set {quoted(f'{name}={text}')}"
    if "/?" in text:
        raise _refused(name, 'cmd may take /? for a call for help in a text with "')
    return f"set {name}={bare(text)}"


def _text(name: str, value: Any) -> str:
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind not in (int, float, str):
        raise _refused(name, f"a value of type {kind.__name__} cannot become a variable of cmd exactly")
    text = str(value)
    wrong = _CONTROL.search(text)
    if not text:
        raise _refused(name, "cmd has no variables with an empty text")
    if wrong:
        raise _refused(name, f"the character {wrong.group()!r} cannot be in a variable of cmd")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _refused(name, "its text has half a surrogate pair, which UTF-8 does not have") from error
    return text


def _refused(name: str, why: str) -> ValueRefusedError:
    hint = "cmd takes texts of one line, numbers and booleans; send the rest as a file with --files."
    return ValueRefusedError(f"{name}: {why}", name=name, hint=hint)
