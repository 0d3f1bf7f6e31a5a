"""The shell lines that compile a cell and run it."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

__all__ = ["RUN", "compile_lines", "here_document", "part"]

INPUTS_FILE = "everest-inputs"
RUN = ("sh", "everest-run.sh")
_PARTS = ("everest-in.hpp", "everest-out.hpp", "everest-support.cpp", "everest-messages.awk", "run.sh")


@cache
def part(name: str) -> str:
    """A text of this package."""
    return (files(__package__) / name).read_text("utf-8")


def compile_lines(
    compiler: str, flags: str, libraries: Iterable[str], inputs: Iterable[str], cell: str, where: str
) -> list[str]:
    """Lines that define `everest_build`, which leaves `everest-program`, or fails and shows what the compiler said.

    Args:
        compiler: by name or path; empty for the first that is there.
        flags: as words of the shell.
        libraries: flags that come behind the names of files.
        inputs: lines of the file of values.
        cell: the file of the cell.
        where: the variables that go back must be, for the message when one is not there.
    """
    lines = here_document(INPUTS_FILE, "\n".join(inputs))
    for name in _PARTS:
        lines += here_document(name if name.startswith("everest-") else f"everest-{name}", part(name))
    return [
        *lines,
        f"everest_cell={shlex.quote(cell)}",
        f"everest_where={shlex.quote(where)}",
        f"everest_cxx={shlex.quote(compiler)}",
        f'everest_flags() {{ "$@" {flags}; }}',
        f'everest_libraries() {{ "$@" {shlex.join(libraries)}; }}',
        part("build.sh").removesuffix("\n"),
    ]


def here_document(path: str, text: str) -> list[str]:
    """Lines that write a text into a file."""
    end = f"EVEREST-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return [f"cat > {shlex.quote(path)} <<'{end}'", *([text.removesuffix("\n")] if text else []), end]
