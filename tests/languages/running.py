"""Runs cells as a resource would: in an empty folder, with the true program."""

from __future__ import annotations

import io
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.languages import CellRequest, Display, Language, Returned, Text, read_shown

__all__ = ["Ran", "located", "run_cell"]


@dataclass
class Ran:
    """What one run gave."""

    status: int
    stdout: str
    stderr: str
    error: str
    back: Returned
    fetched: dict[str, bytes] = field(default_factory=dict)
    pictures: list[Display] = field(default_factory=list)


def located(language: Language) -> Language:
    """The language with this machine's program; skips the test where there is none."""
    found = language.located(shutil.which)
    if found.missing:
        pytest.skip(f"needs {found.missing}")
    return found.language


def start(command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """Run a command as an agent does."""
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)


def run_cell(
    language: Language,
    folder: Path,
    code: str,
    staged: dict[str, bytes] | None = None,
    *,
    start: Callable[[list[str], Path], subprocess.CompletedProcess[bytes]] = start,
    **request: Any,
) -> Ran:
    """Render a cell, run it in `folder` (emptied before), and read what it left."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    program = language.render(CellRequest(code, **request))
    (folder / language.program_file).write_text(program.text, encoding="utf-8", newline="")
    (folder / language.cell_file).write_text(program.cell, encoding="utf-8", newline="")
    for name, content in {**program.attachments, **(staged or {})}.items():
        (folder / name).write_bytes(content)
    done = start(shlex.split(language.command), folder)
    stream = language.stream()
    shown = [*stream.feed("stdout", done.stdout), *stream.feed("stderr", done.stderr), *stream.close()]
    texts: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    for part in shown:
        if isinstance(part, Text):
            texts[part.stream].append(part.data)
    values, archive, pictures = (
        io.BytesIO((folder / name).read_bytes()) if name and (folder / name).exists() else None
        for name in (language.values_file, language.fetched_file, language.pictures_file)
    )
    return Ran(
        done.returncode,
        b"".join(texts["stdout"]).decode("utf-8", "replace"),
        b"".join(texts["stderr"]).decode("utf-8", "replace"),
        stream.error,
        language.read_back(values),
        {} if archive is None else {k: b"".join(v) for k, v in language.read_fetched(archive).items()},
        [*(p for p in shown if isinstance(p, Display)), *([] if pictures is None else read_shown(pictures))],
    )
