"""The POSIX shell: values are strings in shell variables."""

from __future__ import annotations

import re
import shlex
from typing import IO, Any

from ...wire import CellOptionError, ProtocolError, ValueRefusedError
from ..archives import ArchivedFile, list_tar, read_tar
from ..base import CellRequest, CellStream, Display, Names, Program, Returned

__all__ = ["ShellLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OUT = ".everest-out"
VALUES, FETCHED = "values.tar", "fetched.tar"


class PlainStream:
    """Standard output that is text and nothing else."""

    def feed(self, data: bytes) -> list[bytes | Display]:
        """The bytes as they are."""
        return [data] if data else []

    def close(self) -> list[bytes | Display]:
        """Nothing is held back."""
        return []


class ShellLanguage:
    """A POSIX shell. Only named values travel: strings, numbers and booleans in; strings out, to the byte."""

    name = "shell"
    command = "sh program.sh"
    program_file = "program.sh"
    cell_file = "cell.sh"
    values_file = VALUES
    fetched_file = FETCHED

    def names(self, code: str) -> Names:
        """Nothing: a shell's variables cannot be told from its environment."""
        return Names()

    def render(self, request: CellRequest) -> Program:
        """Assignments, the cell (from its own file, so that its line numbers are right), and what goes back."""
        lines, sizes = ["set -e"], {}
        for file in request.files:
            lines += _place(file.staged, file.target)
        for staged in dict.fromkeys(file.staged for file in request.files):
            lines.append(f"rm -- {shlex.quote(staged)}")
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

    def read_back(self, values: IO[bytes]) -> Returned:
        """Variables from the tar archive that the program wrote."""
        back = Returned()
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


def _place(staged: str, target: str) -> list[str]:
    folder = target.rpartition("/")[0]
    make = [f"mkdir -p -- {shlex.quote(folder)}"] if folder else []
    return [*make, f"cp -- {shlex.quote(staged)} {shlex.quote(target)}"]


def _epilogue(request: CellRequest) -> list[str]:
    """A function that runs at the shell's end, however the cell ends, and keeps the cell's exit status."""
    if not (request.out_named or request.fetch):
        return []
    lines = [
        "everest_end() {",
        "everest_status=$?",
        "trap - EXIT",
        f"mkdir -p {_OUT}/set {_OUT}/unset {_OUT}/unmatched",
    ]
    for name in request.out_named:
        _check(name)
        keep, missing = f'printf %s "${name}" > {_OUT}/set/{name}', f": > {_OUT}/unset/{name}"
        lines.append(f'if [ "${{{name}+set}}" ]; then {keep}; else {missing}; fi')
    if request.fetch:
        lines.append("set --")
    for number, pattern in enumerate(request.fetch):
        found = f"everest_found=; for everest_file in {_glob(pattern)}; do"
        keep = '[ -f "$everest_file" ] && { everest_found=1; set -- "$@" "$everest_file"; }'
        note = f"printf %s {shlex.quote(pattern)} > {_OUT}/unmatched/{number}"
        lines.append(f'{found} {keep}; done; [ "$everest_found" ] || {note}')
    if request.fetch:
        lines.append(f'[ $# -gt 0 ] && tar -cf {FETCHED} -- "$@"')
    lines += [f"tar -cf {VALUES} {_OUT}", "exit $everest_status", "}", "trap everest_end EXIT"]
    return lines


def _glob(pattern: str) -> str:
    """The pattern with everything quoted but the characters that make it one."""
    parts = re.split(r"([*?\[\]!-])", pattern)
    return "".join(p if p in set("*?[]!-") else shlex.quote(p) for p in parts if p)
