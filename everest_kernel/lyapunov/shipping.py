"""The engine as one file, for machines on which nothing of ours is installed: it needs Python and numpy."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .engine import Array
from .program import Program
from .schedule import Schedule

__all__ = ["WORKER_NAME", "worker_text"]

WORKER_NAME = "lyapunov_worker"
"""The module's name; its function is `exponents(name=values, ...)`."""

_PARTS = (
    *("schedule", "program", "compiled", "numpy_steps", "engine"),
    *("classes", "tables", "result", "computing", "worker"),
)
"""Modules that travel, each after those that it imports. They import numpy and each other alone."""

_LOADER = '''

def exponents(**parameters):
    """Exponents, their errors, the Kaplan-Yorke dimension and the orbit's class, by name, each an array."""
    return _loaded().columns(json.loads(TASK), parameters)


def _loaded():
    # the modules keep their names, so that their imports of each other work
    package = "everest_lyapunov_" + DIGEST
    if package not in sys.modules:
        sys.modules[package] = types.ModuleType(package)
        sys.modules[package].__path__ = []
        for name, text in SOURCES.items():
            module = types.ModuleType(package + "." + name)
            module.__package__ = package
            sys.modules[module.__name__] = module
            setattr(sys.modules[package], name, module)
            exec(compile(text, "<" + name + ">", "exec"), module.__dict__)
    return sys.modules[package + ".worker"]
'''


def worker_text(
    program: Program,
    schedule: Schedule,
    starts: Array,
    constants: Mapping[str, float],
    *,
    code: str = "auto",
    threads: int = 1,
) -> str:
    """A module `lyapunov_worker` that computes one system.

    Args:
        program: the system.
        schedule: times and step.
        starts: initial states, shape (starts, n).
        constants: parameters that are the same at all points.
        code: `auto`, `numba` or `numpy`.
        threads: of the compiled code.
    """
    task: dict[str, Any] = {
        "program": dataclasses.asdict(program),
        "schedule": dataclasses.asdict(schedule),
        "starts": starts.tolist(),
        "constants": dict(constants),
        "code": code,
        "threads": threads,
    }
    sources = {name: (Path(__file__).parent / f"{name}.py").read_text("utf-8") for name in _PARTS}
    digest = hashlib.sha256(json.dumps(sources).encode()).hexdigest()[:12]
    title = f'"""Exponents of {program.name or "a system"}: generated; needs numpy, and uses numba if it is there."""'
    lines = [title, "", "import json", "import sys", "import types", "", f"DIGEST = {digest!r}"]
    lines += [f"TASK = {json.dumps(task)!r}", "SOURCES = {", *(f"    {n!r}: {t!r}," for n, t in sources.items()), "}"]
    return "\n".join(lines) + "\n" + _LOADER
