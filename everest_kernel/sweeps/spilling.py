"""Where the arrays of a grid live: in memory, or in files when they are too large for it.

An array that needs more than a quarter of the memory that is free becomes a `.npy` file that numpy maps; it then
reads and writes like any other array, and can be opened by `numpy.load` too.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

__all__ = ["Spill", "free_memory"]

_SHARE = 4
"""An array may take one part in this many of the free memory."""
_CONTROL_GROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def free_memory() -> int:
    """Bytes of memory that this process may still take.

    In a container (a JupyterHub's, for instance) the limit of its control group counts, not the machine's memory.
    """
    free = int(psutil.virtual_memory().available)
    for limit_file, used_file in _CONTROL_GROUPS:
        try:
            limit, used = int(Path(limit_file).read_text()), int(Path(used_file).read_text())
        except (OSError, ValueError):  # no such control group, or "max"
            continue
        free = min(free, max(0, limit - used))
    return free


class Spill:
    """Makes arrays, in memory or in files.

    Args:
        folder: for the files; made at the first one. None: a temporary folder that goes when the arrays are gone.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._own = folder is None
        self._made = 0

    def array(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """A new array: NaN for floating point and complex, empty texts for objects, zeros for the rest.

        Raises:
            OSError: the disk has no room for it, or the folder cannot be written.
            MemoryError: texts that do not fit into memory.
        """
        if dtype.kind == "O":
            return np.full(shape, "", dtype=object)
        need = math.prod(shape) * dtype.itemsize
        if need * _SHARE > free_memory():
            array: NDArray[Any] = self._file(name, shape, dtype, need)
        else:
            array = np.zeros(shape, dtype)
        if dtype.kind in "fc":
            array.fill(np.nan)
        return array

    def path(self, array: NDArray[Any] | None) -> Path | None:
        """The file of an array, or None when it is in memory."""
        return Path(str(array.filename)) if isinstance(array, np.memmap) else None

    def drop(self, array: NDArray[Any]) -> None:
        """Delete the file of an array that is not written any more; views that are in use stay readable."""
        path = self.path(array)
        if path is not None:
            try:
                path.unlink(missing_ok=True)
            except OSError:  # some systems keep files that are still mapped: it goes with the folder
                return

    def _file(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any], need: int) -> np.memmap[Any, Any]:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="everest-sweep-"))
            weakref.finalize(self, shutil.rmtree, self._folder, True)
        self._folder.mkdir(parents=True, exist_ok=True)
        room = shutil.disk_usage(self._folder).free
        if need > room:
            raise OSError(f"{self._folder} has {room / 2**30:.2g} GB left")
        self._made += 1
        path = self._folder / (f"{name}.npy" if self._made == 1 else f"{name}-{self._made}.npy")
        array: np.memmap[Any, Any] = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
        return array
