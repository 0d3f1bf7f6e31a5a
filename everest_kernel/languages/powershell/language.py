"""PowerShell: the main program of a cell, for Windows PowerShell from version 3 on and for PowerShell 7."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import IO, Any, ClassVar

from ...wire import CellOptionError, ConfigurationError
from ..base import CellRequest, CellStream, Located, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..editing import Completeness, Editing
from ..records import read_records
from ..streams import ErrorStream
from .literals import ARRAYS, Literals

__all__ = ["PowerShellLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_TAKEN = frozenset(
    """
    _ args consolefilename enabledexperimentalfeatures error erroractionpreference event eventargs eventsubscriber
    executioncontext false foreach home host input iscoreclr islinux ismacos iswindows lastexitcode matches
    myinvocation nestedpromptlevel null outputencoding pid profile progresspreference psboundparameters pscmdlet
    pscommandpath psculture psdebugcontext psedition pshome psitem psscriptroot pssenderinfo psstyle psuiculture
    psversiontable pwd sender shellid stacktrace switch this true
    """.split()  # noqa: SIM905
)
_CODE = re.compile(
    r"""
    (?P<skip> `. | <\#.*?\#> | \#[^\n]* | '(?:[^']|'')*' | "(?:`.|""|[^"`])*"
        | @'[ \t]*\n.*?\n'@ | @"[ \t]*\n.*?\n"@ )
    | (?P<open> [({\[] ) | (?P<close> [)}\]] ) | (?P<broken> <\#|@?['"] ) | .
    """,
    re.VERBOSE | re.DOTALL,
)
_RUN = """
$everest_status = 0
$everest_cell = [IO.Path]::Combine($everest_home, '{cell}')
$everest_tokens = $everest_errors = $null
$null = [Management.Automation.Language.Parser]::ParseFile($everest_cell, [ref]$everest_tokens, [ref]$everest_errors)
if ($everest_errors.Count) {{
  $everest_line = $everest_errors[0].Extent.StartLineNumber
  everest_fail $everest_errors[0].Message $everest_line
  exit 1
}}
$global:LASTEXITCODE = 0
try {{
  . $everest_cell
  if (-not $? -and $LASTEXITCODE) {{ $everest_status = $LASTEXITCODE }}
}} catch {{
  $everest_line = 0
  $everest_place = $_.InvocationInfo
  if ($everest_place -and [IO.Path]::GetFileName("$($everest_place.ScriptName)") -eq '{cell}') {{
    $everest_line = $everest_place.ScriptLineNumber
  }} elseif ("$($_.ScriptStackTrace)" -match '{pattern}[^\\d\\r\\n]*(\\d+)') {{
    $everest_line = $Matches[1]
  }}
  everest_fail "$($_.Exception.Message)" $everest_line
  exit 1
}}
Set-StrictMode -Off
$ErrorActionPreference = 'Stop'
"""
_FILE = """
$everest_utf8 = New-Object System.Text.UTF8Encoding $false, $true
$everest_scalars = [bool], [char], [byte], [sbyte], [int16], [uint16], [int], [uint32], [long], [uint64], [single],
  [double], [decimal], [System.Numerics.BigInteger]
$everest_arrays = New-Object System.Collections.Hashtable
{arrays}
$everest_file = [IO.File]::Create([IO.Path]::Combine($everest_home, '{written}'))
"""
_PUT = """
if (-not (Test-Path variable:{name})) {{
  everest_text '{name}' 'missing' ''
}} else {{
  try {{ $everest_reason = everest_why ${name} 0 }} catch {{ $everest_reason = $_.Exception.Message }}
  if ($everest_reason) {{ everest_text '{name}' 'refused' $everest_reason }} else {{ everest_put '{name}' ${name} }}
}}
"""
_CODES = {"float64": "<f8", "float32": "<f4", "bool": "|b1", "int8": "|i1"} | {
    f"{sign}int{bits}": f"<{kind}{bits // 8}" for sign, kind in (("", "i"), ("u", "u")) for bits in (16, 32, 64)
}


def _is_complete(code: str) -> Completeness:
    """What is open at the end: a bracket, a text, a comment, or a line that goes on."""
    depth = 0
    for match in _CODE.finditer(code):
        if match["broken"]:
            return Completeness("incomplete")
        depth += bool(match["open"]) - bool(match["close"])
    if depth < 0:
        return Completeness("invalid")
    if depth or re.search(r"[`|,]\s*\Z", code):
        return Completeness("incomplete", "    " * depth)
    return Completeness("complete")


@dataclass(frozen=True)
class PowerShellLanguage(BatchLanguage):
    """PowerShell. Only named values travel; names know no upper and lower case."""

    platform: str = "windows"

    name: ClassVar[str] = "powershell"
    suffix: ClassVar[str] = "ps1"
    requirement: ClassVar[Requirement] = Requirement(
        ("powershell", "pwsh"), "PowerShell 7 (`pwsh`), or an Everest agent on a Windows machine, which has PowerShell"
    )
    editing: ClassVar[Editing] = Editing("powershell", "powershell", _is_complete, name=r"[A-Za-z_]\w*(?:-[A-Za-z]*)?")
    repeatable: ClassVar[bool] = False  # its cells are there for what they do

    def configured(self, settings: Mapping[str, Any]) -> PowerShellLanguage:
        """All texts are UTF-8, which every PowerShell can be told; on a POSIX system the program is `pwsh`.

        Raises:
            ConfigurationError: another encoding, or what any setting cannot be.
        """
        changed = super().configured(settings)
        if changed.encoding != "utf-8":
            raise ConfigurationError("encoding of powershell cannot be set: its texts are always UTF-8")
        if changed.platform == "posix" and not changed.program:
            changed = replace(changed, program="pwsh")
        return changed

    def located(self, find: Callable[[str], str | None]) -> Located:
        """This machine's, which tells the platform; one of Windows does not see files within Linux."""
        found = super().located(find)
        path = getattr(found.language, "program", "")
        if found.missing or path.lower().endswith("/powershell.exe"):
            return Located(self, missing=self.requirement.install)
        return Located(replace(self, program=path, platform="posix" if path.startswith("/") else "windows"))

    def arguments(self) -> tuple[str, ...]:
        """A script, run without questions, without the user's own start-up files, whatever the policy for scripts."""
        return (
            *("-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-OutputFormat", "Text"),
            *("-File", self.main_file),
        )

    def cell_text(self, code: str) -> str:
        """With the mark by which Windows PowerShell knows UTF-8."""
        return "\ufeff" + code

    def main(self, request: CellRequest) -> Main:
        """Values, the cell, and values back. It is ASCII: no mark is needed."""
        _check_names([*request.inputs, *request.out_named])
        literals = Literals()
        lines = [_part("begin.ps1")]
        for name, value in request.inputs.items():
            lines.append(f"${name} = {literals.input(name, value)}")
        lines.append(_RUN.format(cell=self.cell_file, pattern=re.escape(self.cell_file)).strip())
        arrays = "\n".join(f"$everest_arrays[[{ARRAYS[kind]}[]]] = '{code}'" for kind, code in _CODES.items())
        lines += [_part("end.ps1"), _FILE.format(arrays=arrays, written=self.written_file).strip()]
        lines += [_PUT.format(name=name).strip() for name in request.out_named]
        lines += [f"everest_head '{END_MARK}'", "$everest_file.Close()", "exit $everest_status"]
        return Main("\n".join(lines) + "\n", literals.attachments, literals.sizes)

    def reader(self) -> CellStream:
        """Errors are on standard error."""
        return ErrorStream.of_pattern(r"error: (?P<error>.*)", last=True)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records."""
        read_records(content, back)


def _check_names(names: list[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        lower = name.lower()
        if not _NAME.match(name) or lower in _TAKEN or lower.startswith("everest_"):
            raise CellOptionError(f"{name!r} cannot be the name of a variable in PowerShell", hint="Nothing was sent.")
        if seen.setdefault(lower, name) != name:
            raise CellOptionError(f"{seen[lower]!r} and {name!r} are one name in PowerShell", hint="Nothing was sent.")


@cache
def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8").rstrip("\n")
