"""Executes an example notebook with this kernel and keeps what it makes."""

from __future__ import annotations

import shutil
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from .kernelspec import KERNEL_NAME
from .wire import ConfigurationError

__all__ = ["run_demo"]


def run_demo(notebook: Path, output: Path) -> int:
    """Execute `notebook` in a folder of its own and leave the executed copy and its pictures in `output`.

    Prints where they are and how long each part took. Gives 0, or 1 when a cell failed.

    Raises:
        ConfigurationError: nbclient is not installed.
    """
    try:
        import nbformat
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError
    except ImportError as error:
        raise ConfigurationError(
            "executing a notebook needs nbclient", hint="pip install 'everest-kernel[examples]'"
        ) from error
    started = time.monotonic()
    document = nbformat.read(notebook, as_version=4)
    target = output / notebook.name
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            document, kernel_name=KERNEL_NAME, timeout=600, resources={"metadata": {"path": folder}}
        )
        try:
            client.execute()
        except CellExecutionError as error:
            print(error)
            status = 1
        nbformat.write(document, target)
        made = [Path(shutil.copy(path, output)) for path in sorted(Path(folder).glob("*.png"))]
    _report(document, target, made, time.monotonic() - started)
    return status


def _report(document: Any, target: Path, made: list[Path], seconds: float) -> None:
    for index, cell in enumerate(document.cells):
        if cell.cell_type == "code":
            print(f"  cell {index}: {_cell_seconds(cell):6.1f} s  {cell.source.strip().splitlines()[0][:70]}")
    print(f"executed in {seconds:.1f} s")
    print(f"notebook: {target.resolve()}")
    for path in made:
        print(f"picture:  {path.resolve()}")


def _cell_seconds(cell: Any) -> float:
    times = cell.metadata.get("execution", {})
    begin, end = times.get("iopub.execute_input"), times.get("shell.execute_reply")
    if not (begin and end):
        return 0.0
    return (datetime.fromisoformat(end.rstrip("Z")) - datetime.fromisoformat(begin.rstrip("Z"))).total_seconds()
