"""Computes a chunk and writes its answer."""

from __future__ import annotations

import json
import os
import sys
import time

from .computing import in_pieces, one_by_one, told
from .exchange import add, columns_of, packed
from .supervision import supervised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(spec: dict[str, Any]) -> None:
    """Compute the chunk that `spec` describes (written by `python_chunks`), write its answer, and end the process."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    target_file = os.path.abspath(spec["answer"])  # the cell may go elsewhere
    try:
        _place(spec["files"])
        with open(spec["cell"], encoding="utf-8") as stream:
            spec["code"] = stream.read()
        spec["constants"] = _constants(spec["constants"]) if spec["constants"] else {}
        answer, blobs = answer_of(spec)
    except Exception as error:  # noqa: BLE001 - it is the whole chunk's
        import traceback

        traceback.print_exc()
        answer, blobs = {"error": told(error)}, []
    with open(target_file, "wb") as target:
        target.write(json.dumps(answer).encode() + b"\n")
        target.writelines(blobs)
    sys.stdout.flush()
    sys.exit("error" in answer)


def answer_of(spec: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """Compute a chunk; its answer, and the blobs that follow it.

    `groups` are points whose outputs have the same types and shapes, `failed` points with their errors, and `seconds`
    what it all took. Points that are in neither were not reached.
    """
    began = time.perf_counter()
    columns = columns_of(spec)
    compute = in_pieces if spec["vectorized"] else one_by_one
    work = compute(spec, columns, began + (spec["budget"] or float("inf")))
    groups: dict[Any, Any] = {}
    failed: dict[int, str] = {}
    count = spec["count"]
    for part in supervised(work, count) if hasattr(os, "fork") else work(range(count), lambda index: None):
        add(part, spec["outputs"], groups, failed)
    blobs: list[bytes] = []
    described = [
        {
            "index": packed(group["index"], blobs),
            "seconds": packed(group["seconds"], blobs),
            "values": [packed(values, blobs) for values in group["values"].values()],
        }
        for group in groups.values()
    ]
    return {"groups": described, "failed": list(failed.items()), "seconds": time.perf_counter() - began}, blobs


def _place(files: list[list[str]]) -> None:
    """Staged files to where the cell expects them."""
    if not files:
        return
    import shutil

    for staged, target in files:
        if os.path.dirname(target):
            os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(staged, target)
    for staged in {staged for staged, _ in files}:
        os.remove(staged)


def _constants(name: str) -> dict[str, Any]:
    """The values that all points share, from their file; what reads it travels beside these modules."""
    import importlib

    with open(name, "rb") as stream:
        bundle = importlib.import_module("everest_cell.values").Bundle(stream, trusted=True)
        return {name: bundle.value(name) for name in bundle.names}
