"""The POSIX shell: values are strings in shell variables."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import IO, Any

from ...wire import CellOptionError, ProtocolError, ValueRefusedError
from ..archives import ArchivedFile, list_tar, read_tar
from ..base import CellRequest, CellStream, Located, Names, PlainStream, Program, Returned
from ..drivers.posix_parts import FETCHED, PICTURES, fetch_files, pack_shown, place_files
from ..editing import Editing
from ..settings import no_settings
from .completeness import check

__all__ = ["ShellLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OUT = ".everest-out"
_OURS = ("program.sh", "cell.sh", "values.tar", "fetched.tar", "pictures.tar", "stdout", "stderr")
VALUES = "values.tar"


class ShellLanguage:
    """A POSIX shell. Only named values travel: strings, numbers and booleans in; strings out, to the byte."""

    name = "shell"
    command = "sh program.sh"
    runs = "sh"
    program_file = "program.sh"
    cell_file = "cell.sh"
    values_file = VALUES
    fetched_file = FETCHED
    pictures_file = PICTURES
    repeatable = False  # its cells are there for what they do
    settings: Mapping[str, str] = {}
    editing = Editing("bash", "shell", check)

    def configured(self, settings: Mapping[str, Any]) -> ShellLanguage:
        """There is nothing to set."""
        no_settings(self.name, settings)
        return self

    def located(self, find: Callable[[str], str | None]) -> Located:
        """Every POSIX system has its shell."""
        return Located(self, missing="" if find("sh") else "a POSIX shell, `sh`")

    def names(self, code: str) -> Names:
        """Nothing: a shell's variables cannot be told from its environment."""
        return Names()

    def render(self, request: CellRequest) -> Program:
        """Assignments, the cell (from its own file, so that its line numbers are right), and what goes back."""
        lines, sizes = ["set -e"], {}
        lines += place_files(request.files)
        for name, value in request.inputs.items():
            text = _text(name, value)
            sizes[name] = len(text.encode())
            lines.append(f"{_check(name)}={shlex.quote(text)}")
        lines += _epilogue(request)
        lines += ["set +e", f". ./{self.cell_file}"]
        return Program("\n".join(lines) + "\n", request.code, {}, sizes)

    def stream(self) -> CellStream:
        """Plain text."""
        return PlainStream()

    def read_back(self, values: IO[bytes] | None) -> Returned:
        """Variables from the tar archive that the program wrote; there is none when the shell was killed."""
        back = Returned()
        if values is None:
            return back
        for path, content in read_tar(values).items():
            kind, _, name = path.removeprefix(f"{_OUT}/").partition("/")
            try:
                text = content.decode()
            except UnicodeDecodeError:
                back.problems.append(f"{name}: its text is not UTF-8")
                continue
            if kind == "set" and _NAME.match(name):
                back.values[name], back.sizes[name] = text, len(content)
            elif kind == "unset" and _NAME.match(name):
                back.problems.append(f"{name}: the cell did not assign it")
            elif kind == "unmatched":
                back.problems.append(f"no file matches --fetch {text!r}")
            else:
                raise ProtocolError(f"unexpected {path!r} in what the program sent back")
        return back

    def read_fetched(self, archive: IO[bytes]) -> dict[str, ArchivedFile]:
        """Files from the program's tar archive."""
        return list_tar(archive)


def _check(name: str) -> str:
    if not _NAME.match(name):
        raise CellOptionError(f"{name!r} cannot be the name of a shell variable")
    return name


def _text(name: str, value: Any) -> str:
    kind = type(value)
    if kind is bool:
        return "true" if value else "false"
    if kind in (int, float, str) and "\0" not in str(value):
        return str(value)
    raise ValueRefusedError(
        f"{name}: a value of type {kind.__name__} cannot become a shell variable exactly",
        name=name,
        hint="A shell takes strings without NUL, numbers and booleans; send the rest as a file with --files.",
    )


def _epilogue(request: CellRequest) -> list[str]:
    """A function that runs at the shell's end, however the cell ends, and keeps the cell's exit status."""
    lines = [
        "everest_home=$PWD",
        'everest_note() { mkdir -p "${1%/*}"; printf %s "$2" > "$1"; }',
        "everest_end() {",
        "everest_status=$?",
        "trap - EXIT",
        'cd "$everest_home"',  # the cell may have gone elsewhere
    ]
    if request.out_named:
        lines.append(f"mkdir -p {_OUT}/set {_OUT}/unset")
    for name in request.out_named:
        _check(name)
        keep, missing = f'printf %s "${name}" > {_OUT}/set/{name}', f": > {_OUT}/unset/{name}"
        lines.append(f'if [ "${{{name}+set}}" ]; then {keep}; else {missing}; fi')
    if request.fetch:
        lines += fetch_files(request.fetch, f"everest_note {_OUT}/unmatched/$everest_number", _OURS)
    lines += pack_shown(request.files, request.fetch, "utf-8", _OURS)
    return [*lines, f"[ ! -d {_OUT} ] || tar -cf {VALUES} {_OUT}", "exit $everest_status", "}", "trap everest_end EXIT"]
