"""The driver for Windows: a batch file of cmd.exe.

It rests on nothing but cmd.exe and what every Windows since 7 has in its system folder, and leaves tar.exe
(Windows 10 and later, with names in the system's code page only) and PowerShell (slow to start, closed by some
policies) alone: files are packed by `copy /b` (see `joined`). Delayed expansion is off, so `!` means nothing; names
go through variables and `for` to lines where they stand in quotes, so that no character of theirs has a meaning.
The text is UTF-8 and the code page 65001 but while the program runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...wire import CellOptionError, ConfigurationError
from ..base import StagedFile
from .base import END_MARK, Job
from .notes import NOTES_FILE, fetch_notes
from .posix_parts import MOST_BLOCKS, MOST_SHOWN, SHOWN_SUFFIXES, is_shown
from .windows_text import bare, code_page, command_line, quoted, windows_path, windows_pattern

__all__ = ["WindowsDriver"]

_PROGRAM = "program.cmd"
_BEGIN = r"""
@echo off
setlocal EnableExtensions DisableDelayedExpansion
for /f "tokens=2 delims=:." %%P in ('chcp') do set "everest_page=%%P"
chcp 65001 >nul 2>&1
"""
_COLLECT = rf"""
set "everest_status=%ERRORLEVEL%"
if not "%everest_status%"=="0" goto everest_collect
"%SystemRoot%\System32\findstr.exe" /b /l /c:"{END_MARK}" WRITTEN >nul 2>&1
if errorlevel 1 set "everest_status=1"
:everest_collect
chcp 65001 >nul 2>&1
if not exist .everest mkdir .everest
if exist WRITTEN move /y WRITTEN .everest\written >nul
move /y everest-* .everest >nul 2>&1
type nul >.everest\facts
set "everest_root="
for /r %%D in (.) do if not defined everest_root set "everest_root=%%D"
call :everest_zero
"""
_END = r"""
if %everest_count% gtr MOST >>.everest\NOTES echo more %everest_more%
TELL
if exist .everest\fetched-index call :everest_finish fetched FETCHED
if exist .everest\pictures-index call :everest_finish pictures PICTURES
>>.everest\facts echo.
if not exist .everest\written type nul >.everest\written
copy /y /b .everest\facts+.everest\written VALUES >nul
if defined everest_page chcp %everest_page% >nul 2>&1
exit /b %everest_status%
"""
_ROUTINES = r"""
:everest_fetch
for %%Z in ("%everest_file%") do set "everest_kind=%%~aZ"
if not exist "%everest_file%" exit /b
if /i "%everest_kind:~0,1%"=="d" exit /b
OURS
set "everest_found=1"
set "everest_store=fetched"
goto everest_add
:everest_draw_htm
for %%Z in ("%everest_file%") do set "everest_kind=%%~xZ"
if /i not "%everest_kind%"==".htm" exit /b
:everest_draw
for %%Z in ("%everest_file%") do if %%~zZ geq LARGE goto everest_large
set /a everest_count+=1
set /a everest_more=everest_count-MOST
if %everest_count% gtr MOST exit /b
set "everest_store=pictures"
goto everest_add
:everest_large
for %%Z in ("%everest_file%") do >>.everest\NOTES echo large %%~zZ "%everest_file%"
exit /b
:everest_tell
set "everest_file=.everest\NOTES"
set "everest_store=pictures"
:everest_add
if not exist ".everest\%everest_store%" call :everest_begin
for %%Z in ("%everest_file%") do if "%%~zZ"=="0" goto everest_added
copy /y /b ".everest\%everest_store%"+"%everest_file%" ".everest\%everest_store%" >nul 2>&1
if errorlevel 1 goto everest_unreadable
:everest_added
for %%Z in (".everest\%everest_store%") do >>".everest\%everest_store%-index" echo %%~zZ "%everest_file%"
exit /b
:everest_unreadable
>>.everest\facts echo problem "%everest_file%" could not be read
for %%Z in (".everest\%everest_store%") do >>".everest\%everest_store%-index" echo %%~zZ ?
exit /b
:everest_begin
>".everest\%everest_store%" echo everest-files
for %%Z in (".everest\%everest_store%") do >".everest\%everest_store%-index" echo %%~zZ "%everest_root%"
exit /b
:everest_finish
for %%Z in (.everest\%1) do >>.everest\%1-index echo index %%~zZ
copy /y /b .everest\%1+.everest\%1-index .everest\%1 >nul
move /y .everest\%1 %2 >nul
exit /b
:everest_zero
exit /b 0
"""


@dataclass(frozen=True)
class WindowsDriver:
    """A batch file that runs a main program, which is staged beside it: batch files have no here-documents."""

    program_file: str = _PROGRAM
    command: str = f"cmd.exe /d /c {_PROGRAM}"
    fetched_file: str = "fetched.files"
    pictures_file: str = "pictures.files"

    def render(self, job: Job) -> tuple[str, dict[str, bytes]]:
        """The batch file, and the main program."""
        if job.preparation:
            raise ConfigurationError("cells that must be prepared by a POSIX shell cannot run on Windows")
        shown = [file for file in job.request.files if is_shown(file.target)]
        lines = [*_lines(_BEGIN), *_place(job, shown)]
        page = code_page(job.encoding)
        if page != 65001:
            lines.append(f"chcp {page} >nul 2>&1")
        lines.append(f"{command_line(job.command)} <NUL")
        lines += _lines(_COLLECT, WRITTEN=quoted(job.written_file))
        fetching = [_fetch(pattern, number) for number, pattern in enumerate(job.request.fetch)]
        for fetch, _ in fetching:
            lines += fetch
        lines += _draw(shown)
        names = {"FETCHED": self.fetched_file, "PICTURES": self.pictures_file, "MOST": str(MOST_SHOWN)}
        names |= {"LARGE": str(512 * MOST_BLOCKS), "NOTES": NOTES_FILE}
        lines += _lines(_END, VALUES=job.values_file, **names, TELL="\n".join(_tell(job)))
        ours = [f'if /i "%everest_file%"=={quoted(name)} exit /b' for name in (*_ours(job), "stdout", "stderr")]
        lines += _lines(_ROUTINES, OURS="\n".join(ours), **names)
        for _, routines in fetching:
            lines += routines
        return "\r\n".join(lines) + "\r\n", {job.main_file: job.main}


def _lines(text: str, **words: str) -> list[str]:
    for name, word in words.items():
        text = text.replace(name, word)
    return text.strip().split("\n")


def _ours(job: Job) -> tuple[str, ...]:
    return _PROGRAM, job.main_file, job.cell_file


def _place(job: Job, shown: list[StagedFile]) -> Iterator[str]:
    """Lines that copy staged files to where the cell expects them, and remove what was staged."""
    taken = {name.lower(): "" for name in (*_ours(job), job.written_file, job.values_file)}
    folders, staged = dict[str, None](), dict[str, None]()
    for file in job.request.files:
        target = windows_path(file.target)
        _check_new(file.target, taken)
        folder = target.rpartition("\\")[0]
        if folder.lower() not in folders and folder:
            folders[folder.lower()] = None
            yield f"if not exist {quoted(folder)} mkdir {quoted(folder)}"
        staged[file.staged] = None
        wrong = bare(f"{file.target} cannot be put in its place")
        yield f"copy /y /b {quoted(file.staged)} {quoted(target)} >nul"
        yield f"if not exist {quoted(target)} (>&2 echo {wrong}& exit /b 1)"
    for number, file in enumerate(shown):  # what was there is told by its content from what the cell has written
        yield f"copy /y /b {quoted(file.staged)} everest-given-{number} >nul"
    for name in staged:
        yield f"del /f /q {quoted(name)}"
    if job.encoded_cell:
        yield f"move /y {quoted(job.encoded_cell)} {quoted(job.cell_file)} >nul"


def _check_new(target: str, taken: dict[str, str]) -> None:
    other = taken.setdefault(target.lower(), target)
    if other is target and not target.lower().startswith(("everest-", ".everest/")):
        return
    why = "begins like our own files" if other is target else "is another file's name" if other else "is one of ours"
    raise CellOptionError(f"{target!r} {why} on Windows", hint="Nothing was sent. Rename it.")


def _fetch(pattern: str, number: int) -> tuple[list[str], list[str]]:
    """Lines that pack the files that match a pattern, and the routines that they call.

    `for` looks for `*` and `?` only in the last part of a path; for those in a folder's name, a routine goes on in each
    folder that matches.
    """
    parts = pattern.removeprefix("./").split("/")
    word = windows_pattern("/".join(parts))
    levels = [level for level, part in enumerate(parts[:-1], 1) if set(part) & set("*?")]
    if levels:
        word = windows_pattern("/".join(parts[: levels[0]]))
    lines = ['set "everest_found="', _loop(word, number, 0 if levels else None)]
    lines.append(f"if not defined everest_found >>.everest\\facts echo unmatched {bare(pattern)}")
    routines = []
    for step, level in enumerate(levels):
        last = step + 1 == len(levels)
        below = windows_pattern("/".join(parts[level : None if last else levels[step + 1]])).strip('"')
        routines += [
            f":everest_below_{number}_{step}",
            'if /i "%everest_folder%"==".everest" exit /b',
            _loop(f'"%everest_folder%\\{below}"', number, None if last else step + 1),
            "exit /b",
        ]
    return lines, routines


def _loop(word: str, number: int, step: int | None) -> str:
    if step is None:
        return f'for %%F in ({word}) do (set "everest_file=%%~F"& call :everest_fetch)'
    return f'for /d %%F in ({word}) do (set "everest_folder=%%~F"& call :everest_below_{number}_{step})'


def _draw(shown: Iterable[StagedFile]) -> Iterator[str]:
    """Lines that pack new files that are shown; what was given and is unchanged is removed."""
    for number, file in enumerate(shown):
        target, given = quoted(windows_path(file.target)), f".everest\\everest-given-{number}"
        alike = f"for %%A in ({target}) do for %%B in ({given}) do if %%~zA equ %%~zB"
        same = f'"%SystemRoot%\\System32\\fc.exe" /b {target} {given} >nul 2>&1'
        yield f"if exist {target} {alike} {same}&& del /f /q {target}"
    yield "set everest_count=0"
    # `*.htm` means `.html` too where files have short names, so that its routine looks again
    patterns = " ".join(f"*.{suffix}" for suffix in SHOWN_SUFFIXES if suffix != "htm")
    for group, routine in ((patterns, "everest_draw"), ("*.htm", "everest_draw_htm")):
        yield f'for /r %%F in ({group}) do (set "everest_file=%%F"& call :{routine})'


def _tell(job: Job) -> Iterator[str]:
    """Lines that complete the notes of what is shown and what is not, and pack them with it."""
    notes = [bare(line) for line in fetch_notes(job.request.fetch)]
    if job.encoding != "utf-8":
        yield f"if exist .everest\\pictures-index >>.everest\\{NOTES_FILE} echo encoding {job.encoding}"
    for line in [*notes, 'root "%everest_root%"']:
        yield f"if exist .everest\\{NOTES_FILE} >>.everest\\{NOTES_FILE} echo {line}"
    yield f"if exist .everest\\{NOTES_FILE} call :everest_tell"
