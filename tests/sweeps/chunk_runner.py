"""Runs a chunk's program as an agent would: staged into a folder, by the language's command."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from everest_kernel.languages import Language, find_language
from everest_kernel.routes import find_route, load_configuration, route_table
from everest_kernel.sweeps.chunks import Answer, ChunkLanguage

PYTHON = find_route("python", route_table(load_configuration(Path("/")))).language


def language(name: str) -> Language:
    found = find_language(name)
    assert found is not None
    return found


def run_chunk(
    chunks: ChunkLanguage, columns: Mapping[str, Any], folder: Path, *, on: Language = PYTHON, budget: float = 60.0
) -> Answer:
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    count = len(next(iter(arrays.values())))
    program = chunks.render(arrays, count, budget)
    (folder / on.program_file).write_text(program.text, "utf-8")
    (folder / on.cell_file).write_text(program.cell, "utf-8")
    for name, content in program.attachments.items():
        (folder / name).write_bytes(content)
    ended = subprocess.run(on.command, shell=True, cwd=folder, capture_output=True, timeout=100, check=False)
    left = folder / on.values_file
    values = io.BytesIO(left.read_bytes()) if left.exists() else None
    problem = f"exit code {ended.returncode}: {ended.stderr.decode()}" if ended.returncode else ""
    return chunks.read(values, count, problem, {"stdout": ended.stdout, "stderr": ended.stderr})
