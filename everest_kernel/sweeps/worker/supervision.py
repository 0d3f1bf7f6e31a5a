"""Lets a child compute, where the system can fork: it hands results to its parent as it goes.

A point that ends the process (a crash in a library, no memory left) costs that point, and the next child goes on after
it. Elsewhere everything happens in one process.
"""

from __future__ import annotations

import marshal  # between a process and its own child only
import mmap
import os
import struct
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

FLUSH_SECONDS = 0.002
"""How much work before a point at fault is lost at most, and computed again."""


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
