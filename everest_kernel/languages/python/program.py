"""The program for a Python cell: a loader, the modules that it needs as text, and what to do."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ...wire import ValueRefusedError
from ..base import VALUE_LIMIT, CellRequest, Program
from .values import CannotTravelError, Encoded, encode, write_bundle

__all__ = ["CELL_FILE", "PACKAGE", "PROGRAM_FILE", "cell_modules", "loader", "render"]

PROGRAM_FILE, CELL_FILE = "program.py", "cell.py"
PACKAGE = "everest_cell"
INLINE_LIMIT = 48_000
"""Bytes of values up to which they travel inside the program instead of as a file of their own."""
_MODULES = ("encoding", "decoding", "frames", "values", "displays", "figures", "new_files", "runner")

_HEAD = '"""A notebook cell, packaged to run where nothing but Python is installed. Its own text is in {cell}."""\n'
_LOADER = """\
import json, sys
from importlib.machinery import ModuleSpec
SOURCES = json.loads({sources})
class Sources:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self, is_package="." not in name) if name in SOURCES else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        exec(compile(SOURCES[module.__name__], module.__name__, "exec"), module.__dict__)
sys.meta_path.append(Sources())
"""
_RUN = """\
import {package}.runner
{package}.runner.main(json.loads({spec}))
"""


def render(request: CellRequest, *, show_last: bool) -> Program:
    """The program for a cell.

    Args:
        request: the cell with its values and files.
        show_last: whether the value of the last line is to be shown.

    Raises:
        ValueRefusedError: an input cannot travel exactly.
    """
    encoded = {name: _encode(name, value) for name, value in request.inputs.items()}
    attachments: dict[str, bytes] = {}
    spec: dict[str, Any] = {
        "cell": CELL_FILE,
        "inputs": _pack(encoded, attachments),
        "named": request.out_named,
        "found": request.out_found,
        "limit": VALUE_LIMIT,
        "files": [[file.staged, file.target] for file in request.files],
        "fetch": request.fetch,
        "show_last": show_last,
    }
    run = _RUN.format(package=PACKAGE, spec=repr(json.dumps(spec)))
    text = f"{_HEAD.format(cell=CELL_FILE)}{_cell_loader()}{run}"
    return Program(text, request.code, attachments, {name: value.size for name, value in encoded.items()})


def _encode(name: str, value: Any) -> Encoded:
    try:
        return encode(value)
    except CannotTravelError as error:
        raise ValueRefusedError(
            f"{name}: {error}",
            name=name,
            hint="Plain data, arrays and frames travel; define functions and classes in the cell itself.",
        ) from error


def _pack(encoded: dict[str, Encoded], attachments: dict[str, bytes]) -> list[str] | None:
    if not encoded:
        return None
    stream = io.BytesIO()
    write_bundle(stream, encoded)
    content = stream.getvalue()
    if len(content) <= INLINE_LIMIT:
        return ["inline", base64.b64encode(content).decode()]
    name = f"values-{hashlib.sha256(content).hexdigest()[:16]}.zip"
    attachments[name] = content
    return ["file", name]


@cache
def _cell_loader() -> str:
    return loader(cell_modules())


def loader(sources: Mapping[str, str]) -> str:
    """Program text that makes modules importable.

    Args:
        sources: the texts of the modules by their full names; a name without a dot is a package.
    """
    return _LOADER.format(sources=repr(json.dumps(dict(sources))))


@cache
def cell_modules() -> Mapping[str, str]:
    """The texts of the modules that read and write values, and run a cell."""
    folder = files(__package__)
    sources = {f"{PACKAGE}.{name}": (folder / f"{name}.py").read_text("utf-8") for name in _MODULES}
    return {PACKAGE: "", **sources}
