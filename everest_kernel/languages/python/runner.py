"""Runs one cell on a resource: files and values in, the cell, values and files out.

Shipped with the cell, so it imports only the standard library; it runs on Python 3.8. The cell is the program's
`__main__`, its file name in tracebacks is `<cell>`, and line numbers are the notebook's.
"""

from __future__ import annotations

import ast
import base64
import io
import linecache
import os
import sys
import traceback
import types
from typing import Any

from . import displays
from .values import Bundle, CannotTravelError, Encoded, encode, kind_of, write_bundle

CELL_NAME = "<cell>"
CO_COROUTINE = 0x80  # of the data model; `inspect` has it too, and is slow to import
LAST = "_everest_last_value"
LAST_LIMIT = 1_000_000
VALUES, FETCHED = "values.zip", "fetched.zip"


def main(spec: dict[str, Any]) -> None:
    """Run the cell that `spec` describes (written by `program.render`) and end the process with its status."""
    for stream in (sys.stdout, sys.stderr):
        # lines go out whole, also where PYTHONUNBUFFERED is set: a print is two writes
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", line_buffering=True, write_through=False
        )
    home = os.getcwd()
    ours = {*os.listdir("."), VALUES, FETCHED, "stdout", "stderr"}
    report: dict[str, Any] = {}
    values: dict[str, Encoded] = {}
    try:
        _place(spec["files"])
        with open(spec["cell"], encoding="utf-8") as stream:
            source = stream.read()
        module = _namespace(spec, source)
        status = _run(source, module.__dict__, spec["show_last"], report)
        os.chdir(home)  # the cell may have gone elsewhere
        if status == 0:
            _collect(module.__dict__, spec, values, report)
        _fetch(spec["fetch"], ours, report)
        _show_files(spec, ours)
    except (CannotTravelError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        report["error"] = {"ename": type(error).__name__, "evalue": str(error), "line": 0}
        status = 1
    with open(VALUES, "wb") as stream:
        write_bundle(stream, values, report)
    sys.stdout.flush()
    sys.exit(status)


def _place(files: list[list[str]]) -> None:
    if not files:
        return
    import shutil

    from .new_files import mark_given

    for staged, target in files:
        folder = os.path.dirname(target)
        if folder:
            os.makedirs(folder, exist_ok=True)
        shutil.copyfile(staged, target)  # one upload may stand for several files of equal content
    mark_given(target for _, target in files)
    for staged in {staged for staged, _ in files}:
        os.remove(staged)


def _namespace(spec: dict[str, Any], source: str) -> types.ModuleType:
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = __builtins__
    if spec["inputs"]:
        kind, text = spec["inputs"]
        with io.BytesIO(base64.b64decode(text)) if kind == "inline" else open(text, "rb") as stream:
            bundle = Bundle(stream, trusted=True)
            for name in bundle.names:
                try:
                    module.__dict__[name] = bundle.value(name)
                except CannotTravelError as error:
                    raise CannotTravelError(f"input {name}: {error}") from error
        if kind != "inline":
            os.remove(text)
    sys.modules["__main__"] = module
    lines = source.splitlines(keepends=True)
    linecache.cache[CELL_NAME] = (len(source), None, lines, CELL_NAME)
    displays.install(source)
    return module


def _run(source: str, namespace: dict[str, Any], show_last: bool, report: dict[str, Any]) -> int:
    try:
        tree = ast.parse(source, CELL_NAME)
        last = tree.body[-1] if tree.body else None
        if show_last and isinstance(last, ast.Expr):
            target = ast.copy_location(ast.Name(LAST, ast.Store()), last)
            tree.body[-1] = ast.copy_location(ast.Assign([target], last.value, lineno=last.lineno), last)
        code = compile(tree, CELL_NAME, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if code.co_flags & CO_COROUTINE:
            import asyncio  # slow to import, and few cells need it

            asyncio.run(eval(code, namespace))
        else:
            exec(code, namespace)
        displays.show_figures()
    except SystemExit as error:
        return _exit_status(error)
    except BaseException as error:  # noqa: BLE001 - whatever the cell raises is the cell's result
        _report_error(error, report)
        return 1
    return 0


def _exit_status(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return int(error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _report_error(error: BaseException, report: dict[str, Any]) -> None:
    position = error.__traceback__
    while position is not None and position.tb_frame.f_code.co_filename != CELL_NAME:
        position = position.tb_next  # our own frames would only hide the cell's
    line = 0
    frame = position
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == CELL_NAME:
            line = frame.tb_lineno
        frame = frame.tb_next
    if isinstance(error, SyntaxError) and error.filename == CELL_NAME:
        line = error.lineno or 0
    sys.stdout.flush()
    traceback.print_exception(type(error), error, position)
    report["error"] = {"ename": type(error).__name__, "evalue": str(error), "line": line}


def _collect(
    namespace: dict[str, Any], spec: dict[str, Any], values: dict[str, Encoded], report: dict[str, Any]
) -> None:
    left: dict[str, str] = {}
    too_large: dict[str, int] = {}
    refused: dict[str, str] = {}
    for name in spec["named"]:
        if name not in namespace:
            refused[name] = "the cell did not assign it"
            continue
        try:
            values[name] = encode(namespace[name])
        except CannotTravelError as error:
            refused[name] = str(error)
    for name in spec["found"]:
        if name not in namespace:
            continue
        try:
            encoded = encode(namespace[name])
        except CannotTravelError:
            left[name] = kind_of(namespace[name])
            continue
        if encoded.size > spec["limit"]:
            too_large[name] = encoded.size
        else:
            values[name] = encoded
    report.update(left=left, too_large=too_large, refused=refused)
    if namespace.get(LAST) is not None:
        _collect_last(namespace[LAST], values, report)


def _collect_last(value: Any, values: dict[str, Encoded], report: dict[str, Any]) -> None:
    try:
        encoded = encode(value)
        if encoded.size <= LAST_LIMIT and not isinstance(value, types.ModuleType):
            values[LAST] = encoded
            return
    except CannotTravelError:
        pass  # it is shown in the forms that it has here
    data, metadata = displays.bundle_of(value)
    report["last"] = {"data": data, "metadata": metadata}


def _fetch(patterns: list[str], ours: set[str], report: dict[str, Any]) -> None:
    if not patterns:
        return
    import glob
    import zipfile

    found: list[str] = []
    unmatched: list[str] = []
    for pattern in patterns:
        paths = [path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)]
        paths = [os.path.normpath(path) for path in paths]
        paths = [path for path in paths if path not in ours and not path.startswith("..")]
        if not paths:
            unmatched.append(pattern)
        found.extend(path for path in sorted(paths) if path not in found)
    report["unmatched"] = unmatched
    if found:
        with zipfile.ZipFile(FETCHED, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in found:
                archive.write(path, path.replace(os.sep, "/"))


def _show_files(spec: dict[str, Any], ours: set[str]) -> None:
    if set(os.listdir(".")) <= {*ours, "__pycache__"}:
        return
    from . import new_files

    given = {os.path.normpath(target).replace(os.sep, "/") for _, target in spec["files"]}
    known = {path for figure, path in displays.saved if figure.get("shown")}
    new_files.pack(given, known, spec["fetch"])
