"""Files joined into one by `copy /b`, which every Windows has: how its driver sends files back.

A line `everest-files`; the files' contents, one after another; then an index of lines, the last of which is
`index START` with the position at which the index begins. The others are `END "PATH"`: where in the file that content
ends, and it begins where the one before it ends; PATH is relative, or begins with the folder that the first of these
lines names. `?` stands for a content that is damaged. The positions are taken after each content was added, so that a
file which still grows does no harm.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import IO

from ..wire import ProtocolError, safe_path
from .archives import ArchivedFile, list_tar, list_zip

__all__ = ["list_archive", "list_joined", "relative_path"]

_MAGIC = b"everest-files\r\n"
_ZIP = b"PK\3\4"
_LAST = re.compile(rb"index (\d+)\r\n\Z")
_LINE = re.compile(r'(\d+) (?:\?|"(.*)")')
_LARGEST_INDEX = 10_000_000


def list_archive(source: IO[bytes]) -> dict[str, ArchivedFile]:
    """Paths to the files in a driver's archive: joined files, a ZIP archive, or else a tar archive.

    Raises:
        ProtocolError: malformed, or with a path that leaves its folder.
    """
    source.seek(0)
    begin = source.read(len(_MAGIC))
    if begin == _MAGIC:
        return list_joined(source)
    return list_zip(source) if begin.startswith(_ZIP) else list_tar(source)


def list_joined(source: IO[bytes]) -> dict[str, ArchivedFile]:
    """Paths (with `/`) to joined files; their contents are read when they are asked for.

    Raises:
        ProtocolError: malformed, or with a path that leaves its folder.
    """
    end = source.seek(0, io.SEEK_END)
    source.seek(max(0, end - 40))
    last = _LAST.search(source.read())
    begin = int(last[1]) if last else end
    if last is None or not len(_MAGIC) <= begin < end or end - begin > _LARGEST_INDEX:
        raise ProtocolError("the files that came back are cut off or damaged")
    source.seek(begin)
    found: dict[str, ArchivedFile] = {}
    position, root = 0, ""
    for number, line in enumerate(source.read().decode("utf-8", "replace").split("\r\n")[:-2]):
        match = _LINE.fullmatch(line)
        until = int(match[1]) if match else -1
        if match is None or not position <= until <= begin:
            raise ProtocolError(f"the list of the files that came back cannot be read: {line[:80]!r}")
        if number == 0:
            root = (match[2] or "").removesuffix(".")
        elif match[2] is not None:
            path = str(safe_path(relative_path(match[2], root)))
            found[path] = ArchivedFile(until - position, _part(source, position, until))
        position = until
    return found


def relative_path(path: str, root: str) -> str:
    """A path of Windows as one in the task's folder, with `/`.

    Raises:
        ProtocolError: it is on another drive.
    """
    if root and path.lower().startswith(root.lower()):
        path = path[len(root) :]
    if ":" in path:
        raise ProtocolError(f"{path[:80]!r} among the files that came back is not in the task's folder")
    path = path.replace("\\", "/").removeprefix("./")
    return path.removeprefix(".everest/")  # where the driver puts files whose names begin like ours


def _part(source: IO[bytes], begin: int, end: int) -> Callable[[], IO[bytes]]:
    return lambda: io.BufferedReader(_Part(source, begin, end))


class _Part(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, source: IO[bytes], begin: int, end: int) -> None:
        self._source, self._at, self._end = source, begin, end

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes."""
        self._source.seek(self._at)
        data = self._source.read(min(len(buffer), self._end - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
