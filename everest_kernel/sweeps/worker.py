"""Computes the points of one chunk on a resource, one after another, until all are done or its time is up.

Its *source text* is the program that a chunk sends, so it imports only the standard library, of it as little as it can
(a chunk of tiny points is over sooner than an import), and it runs on Python 3.8.

Where the system can fork, a child computes and hands results to its parent as it goes: a point that ends the process
(a crash in a library, no memory left) costs that point, and the next child goes on after it. Elsewhere everything
happens in one process.
"""

# ruff: noqa: B905 - Python 3.8 has no strict zip
from __future__ import annotations

import array
import binascii
import json
import marshal  # between a process and its own child only
import mmap
import os
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

FLUSH_SECONDS = 0.002
"""How much work before a point at fault is lost at most, and computed again."""
MOST_ERROR = 4000
FIRST_PIECE = 64
MEASURED = 1.0
"""Seconds of time from which on a chunk's size comes from a measured speed: arrays of all its points are right then."""
SHORT = 5.0
"""Seconds up to which the first point does not count as time that the chunk has used."""
CELL = "<cell>"
CODES: dict[type, str] = {float: "d", int: "q", bool: "b"}

# a part is what is known of one point: (index, seconds, values or None, error)


def main(spec: dict[str, Any], read_constants: Callable[[str], dict[str, Any]]) -> None:
    """Compute a chunk, write its answer, and end the process.

    Args:
        spec: see `python_chunks`.
        read_constants: reads the file of values that all points share.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    try:
        _place(spec["files"])
        with open(spec["cell"], encoding="utf-8") as stream:
            spec["code"] = stream.read()
        spec["constants"] = read_constants(spec["constants"]) if spec["constants"] else {}
        answer, blobs = answer_of(spec)
    except Exception as error:  # noqa: BLE001 - it is the whole chunk's
        import traceback

        traceback.print_exc()
        answer, blobs = {"error": _told(error)}, []
    with open(spec["answer"], "wb") as target:
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
    columns = _columns(spec)
    compute = in_pieces if spec["vectorized"] else one_by_one
    work = compute(spec, columns, began + (spec["budget"] or float("inf")))
    groups: dict[Any, Any] = {}
    failed: dict[int, str] = {}
    count = spec["count"]
    for part in supervised(work, count) if hasattr(os, "fork") else work(range(count), lambda index: None):
        _add(part, spec["outputs"], groups, failed)
    blobs: list[bytes] = []
    packed = [
        {
            "index": _packed(group["index"], blobs),
            "seconds": _packed(group["seconds"], blobs),
            "values": [_packed(values, blobs) for values in group["values"].values()],
        }
        for group in groups.values()
    ]
    return {"groups": packed, "failed": list(failed.items()), "seconds": time.perf_counter() - began}, blobs


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


def _columns(spec: dict[str, Any]) -> dict[str, Any]:
    """The points' values, by parameter."""
    if spec["points"]:
        with open(spec["points"], "rb") as stream:
            data = stream.read()
    else:
        data = binascii.a2b_base64(spec["data"])
    columns, at = {}, 0
    for name, code, content in spec["columns"]:
        if code == "list":
            columns[name] = content
            continue
        columns[name] = _numbers(code, data[at : at + content])
        at += content
    return columns


def _numbers(code: str, data: bytes) -> Any:
    numbers = array.array("d" if code == "D" else code)
    numbers.frombytes(data)
    if code == "D":
        return [complex(numbers[i], numbers[i + 1]) for i in range(0, len(numbers), 2)]
    return [bool(number) for number in numbers] if code == "b" else numbers.tolist()


# --- computing


def one_by_one(chunk: dict[str, Any], columns: dict[str, Any], end: float) -> Callable[..., Iterator[Any]]:
    """Runs the cell for each point, in a namespace of its own."""
    names, outputs = list(columns), chunk["outputs"]
    constants = dict(chunk["constants"], __name__="__main__", __builtins__=__builtins__)

    code = compile(chunk["code"], CELL, "exec", dont_inherit=True)

    def work(indices: Iterable[int], begin: Callable[[int], None]) -> Iterator[Any]:
        rows = list(zip(*(columns[name] for name in names)))
        clock, until, first = time.perf_counter, end, True
        for index in indices:
            begin(index)
            before = clock()
            namespace = dict(constants)
            namespace.update(zip(names, rows[index]))
            values, error = None, ""
            try:
                exec(code, namespace)
                values = tuple(_plain(_found(namespace, name), name) for name in outputs)
            except (Exception, SystemExit) as raised:  # noqa: BLE001 - what a point raises is its answer
                error = _told(raised)
            after = clock()
            yield index, after - before, values, error
            if first and after - before < SHORT:
                until += after - before  # it may have imported what the others find imported
            elif after >= until:
                return
            first = False

    return work


def in_pieces(chunk: dict[str, Any], columns: dict[str, Any], end: float) -> Callable[..., Iterator[Any]]:
    """Runs a cell that takes arrays: pieces that grow while there is time; one that fails is halved."""
    import numpy

    code = compile(chunk["code"], CELL, "exec", dont_inherit=True)
    arrays = {name: numpy.asarray(values) for name, values in columns.items()}
    constants = dict(chunk["constants"], __name__="__main__", __builtins__=__builtins__)

    def compute(indices: Sequence[int]) -> list[Any]:
        chosen = numpy.asarray(indices)
        namespace = dict(constants)
        namespace.update((name, values[chosen]) for name, values in arrays.items())
        exec(code, namespace)
        found = {name: numpy.asarray(_found(namespace, name)) for name in chunk["outputs"]}
        for name, values in found.items():
            if values.shape[:1] != (len(indices),):
                shown, wanted = values.shape, len(indices)
                raise ValueError(f"{name} has shape {shown}; a vectorized cell gives a row for each of {wanted} points")
        return [tuple(_plain(values[row], name) for name, values in found.items()) for row in range(len(indices))]

    def work(indices: Iterable[int], begin: Callable[[int], None]) -> Iterator[Any]:
        waiting = list(indices)
        size = FIRST_PIECE if chunk["budget"] < MEASURED else len(waiting)
        halves: list[list[int]] = []
        while waiting or halves:
            if halves:
                piece = halves.pop()
            else:
                piece, waiting = waiting[:size], waiting[size:]
            begin(piece[0])
            before = time.perf_counter()
            try:
                rows = compute(piece)
            except (Exception, SystemExit) as raised:  # noqa: BLE001 - what a point raises is its answer
                middle = len(piece) // 2
                if middle:
                    halves += [piece[middle:], piece[:middle]]
                else:
                    yield piece[0], time.perf_counter() - before, None, _told(raised)
                continue
            after = time.perf_counter()
            each = max((after - before) / len(piece), 1e-9)
            for index, values in zip(piece, rows):
                yield index, each, values, ""
            if size == FIRST_PIECE and after - before < SHORT:
                size *= 8  # whatever the time: small pieces tell little of how fast large ones are
            elif after >= end and not halves:
                return
            else:
                size = max(1, min(size * 8, int((end - after) / each)))

    return work


def _found(namespace: dict[str, Any], name: str) -> Any:
    if name not in namespace:
        raise NameError(f"the cell did not set {name}")
    return namespace[name]


def _plain(value: Any, name: str) -> Any:
    """A number or a text of Python's own, or an array of numbers or texts."""
    kind = type(value)
    if kind in (float, bool, complex):
        return value
    if kind is str:
        if value.endswith("\0"):
            raise ValueError(f"{name} ends with a zero character, which an array of texts does not keep")
        return value
    if kind is int:
        if not -(2**63) <= value < 2**63:
            raise OverflowError(f"{name} has more than 64 bits; make it a float or a text")
        return value
    numpy = sys.modules.get("numpy")
    if kind in (list, tuple) or (numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic))):
        return _plain_array(value, name)
    if hasattr(kind, "__float__"):  # a fraction, a decimal number, a symbolic constant
        return float(value)
    raise TypeError(f"{name} is a {kind.__name__}; an output is a number, a text, or an array of them")


def _plain_array(value: Any, name: str) -> Any:
    import numpy

    found = numpy.ascontiguousarray(value) if numpy.ndim(value) else numpy.asarray(value)
    if found.dtype.kind not in "biufcUS":
        raise TypeError(f"{name} is an array of dtype {found.dtype}; an output has numbers or texts")
    return _plain(found.item(), name) if found.shape == () and found.dtype.kind != "S" else found


def _told(raised: BaseException) -> str:
    """What was raised, in one line, with the line of the cell."""
    line, place = 0, raised.__traceback__
    while place is not None:
        if place.tb_frame.f_code.co_filename == CELL:
            line = place.tb_lineno
        place = place.tb_next
    if isinstance(raised, SyntaxError) and raised.filename == CELL:
        line = raised.lineno or 0
    where = f" (line {line} of the cell)" if line else ""
    try:
        text = str(raised)
    except Exception:  # noqa: BLE001 - an error whose text fails is an error all the same
        text = "(it has no text)"
    return f"{type(raised).__name__}: {text}{where}"[:MOST_ERROR]


# --- supervision


def supervised(work: Callable[..., Iterator[Any]], count: int) -> Iterator[Any]:
    """What `work` gives, computed by a child; a child that dies is replaced, and the point it died of has failed."""
    left, current = list(range(count)), mmap.mmap(-1, 8)
    while left:
        current[:8] = struct.pack("q", -1)
        answered = set()
        reader, child = _fork(work, left, current)
        with os.fdopen(reader, "rb") as stream:
            for part in _parts(stream):
                answered.add(part[0])
                yield part
        status = os.waitpid(child, 0)[1]
        if status == 0:
            return
        fault = struct.unpack("q", current[:8])[0]
        if fault < 0 or fault in answered:
            raise RuntimeError(f"the process that computes {_ended(status)}, between two points")
        yield fault, 0.0, None, f"the process {_ended(status)}"
        left = [index for index in left if index not in answered and index != fault]


def _fork(work: Callable[..., Iterator[Any]], indices: list[int], current: mmap.mmap) -> tuple[int, int]:
    """A child that computes: the end of the pipe from which its parts come, and its process id."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(writer)
        return reader, child
    status = 1
    try:
        os.close(reader)
        _compute(work, indices, current, writer)
        status = 0
    except BaseException:  # noqa: BLE001 - it must not get into the parent's code
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _compute(work: Callable[..., Iterator[Any]], indices: list[int], current: mmap.mmap, writer: int) -> None:
    buffer: list[Any] = []
    flushed = time.perf_counter()

    def begin(index: int) -> None:
        current[:8] = struct.pack("q", index)

    def flush() -> None:
        body = marshal.dumps(buffer)
        data = memoryview(struct.pack("q", len(body)) + body)
        while data:
            data = data[os.write(writer, data) :]
        buffer.clear()

    for index, seconds, values, error in work(indices, begin):
        buffer.append((index, seconds, None if values is None else tuple(map(_to_wire, values)), error))
        if time.perf_counter() - flushed >= FLUSH_SECONDS:
            flush()
            flushed = time.perf_counter()
    flush()


def _parts(stream: Any) -> Iterator[Any]:
    while len(head := stream.read(8)) == 8:
        size = struct.unpack("q", head)[0]
        body = stream.read(size)
        if len(body) < size:
            return  # it died while it wrote: these points are computed again
        for index, seconds, values, error in marshal.loads(body):
            yield index, seconds, None if values is None else tuple(map(_from_wire, values)), error


def _to_wire(value: Any) -> Any:
    if type(value) in (float, int, bool, str, complex):
        return value
    return value.dtype.str, value.shape, value.tobytes()


def _from_wire(value: Any) -> Any:
    if type(value) is not tuple:
        return value
    import numpy

    return numpy.frombuffer(value[2], dtype=value[0]).reshape(value[1])


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"was ended by signal {number}" + (" (no memory left?)" if number == 9 else "")
    return f"ended with status {os.WEXITSTATUS(status)}"


# --- packing


def _add(part: Any, outputs: list[str], groups: dict[Any, Any], failed: dict[int, str]) -> None:
    index, seconds, values, error = part
    if values is None:
        failed[index] = error
        return
    form = tuple((v.dtype.str, v.shape) if hasattr(v, "dtype") else type(v) for v in values)
    if form not in groups:
        groups[form] = {"index": [], "seconds": [], "values": {name: [] for name in outputs}}
    group = groups[form]
    group["index"].append(index)
    group["seconds"].append(seconds)
    for name, value in zip(outputs, values):
        group["values"][name].append(value)


def _packed(values: list[Any], blobs: list[bytes]) -> list[Any]:
    """How values of one kind are read: numbers and arrays from a blob, texts as they are."""
    kind = type(values[0])
    if kind in CODES:
        blobs.append(array.array(CODES[kind], values).tobytes())
        return [CODES[kind], len(values)]
    if kind is complex:
        blobs.append(array.array("d", [part for value in values for part in (value.real, value.imag)]).tobytes())
        return ["D", len(values)]
    if kind is str:
        return ["list", values]
    blobs += [value.tobytes() for value in values]
    return [values[0].dtype.str, len(values), *values[0].shape]
