"""ZIP archives of the hub: those that users send, hostile until checked, and those that it makes of results."""

from __future__ import annotations

import hashlib
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ..wire import ProtocolError, safe_path
from .contents import Content, Contents

__all__ = ["ResultsArchive", "TooLargeError", "unpack"]

MAX_RATIO = 100
"""How many times its own size an archive may expand to."""
SMALL = 1 << 20
"""Bytes up to which the ratio does not matter: a file of zeros is no attack."""
MAX_EXPANDED = 16 << 30
MAX_ENTRIES = 200_000
_BLOCK = 1 << 18
_DAMAGED = (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)


class TooLargeError(ProtocolError):
    """An archive expands too far."""


def unpack(source: IO[bytes], contents: Contents) -> dict[str, Content]:
    """Every file of a ZIP archive as a content that is on disk, or will be with its `write`. Blocks: call on a thread.

    Nothing is written before the whole archive has been checked.

    Raises:
        ProtocolError: it is damaged or encrypted, has a link or the same path twice, a path leaves its folder, it has
            too many entries, or it expands to more than `MAX_RATIO` times its size.
    """
    with _reading("the archive"), zipfile.ZipFile(source) as archive:
        taken: dict[str, Content] = {}
        try:
            for path, entry in _checked(archive, _size(source)).items():
                with archive.open(entry) as stream:
                    taken[path] = contents.take(stream)
        except BaseException:
            for content in taken.values():
                contents.discard(content)
            raise
        return taken


@contextmanager
def _reading(what: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise ProtocolError(f"{what} cannot be read as a ZIP archive: {error}") from error


def _size(source: IO[bytes]) -> int:
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    return size


def _checked(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    if len(archive.filelist) > MAX_ENTRIES:
        raise TooLargeError(f"the archive has more than {MAX_ENTRIES:,} entries")
    for entry in archive.filelist:
        if entry.is_dir():
            continue
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise ProtocolError(f"{entry.filename[:80]!r} in the archive is a link or another special file")
        path = str(safe_path(entry.filename))
        if path in entries:
            raise ProtocolError(f"{path[:80]!r} is in the archive twice")
        entries[path] = entry
    # zipfile gives no more bytes of an entry than it declares, so what is declared is what can come out
    expanded = sum(entry.file_size for entry in entries.values())
    if expanded > max(MAX_RATIO * size, SMALL):
        raise TooLargeError(f"the archive expands to more than {MAX_RATIO} times its size")
    if expanded > MAX_EXPANDED:
        raise TooLargeError(f"the archive expands to more than {MAX_EXPANDED >> 30} GB")
    return entries


class ResultsArchive:
    """Collects the results of a sweep in a ZIP file: a folder for each task, named by its number.

    In it are the task's outputs, `parameters.txt` with lines `name = value`, and for one that failed `failure.txt`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, allowZip64=True)

    def add(self, number: int, values: dict[str, str], outputs: dict[str, bytes | Path], failure: str) -> None:
        """One task's folder."""
        lines = "".join(f"{name} = {value}\n" for name, value in values.items())
        files: dict[str, bytes | Path] = {_free("parameters.txt", outputs): lines.encode(), **outputs}
        if failure:
            files[_free("failure.txt", outputs)] = f"{failure}\n".encode()
        for path, content in files.items():
            self._write(f"{number}/{path}", content)

    def _write(self, name: str, content: bytes | Path) -> None:
        # no time stamps: the same results give the same archive
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o644 << 16
        if isinstance(content, bytes):
            # deflating a few bytes costs more than it saves
            entry.compress_type = zipfile.ZIP_DEFLATED if len(content) > 128 else zipfile.ZIP_STORED
            self._archive.writestr(entry, content)
            return
        entry.compress_type = zipfile.ZIP_DEFLATED
        with content.open("rb") as source, self._archive.open(entry, "w", force_zip64=True) as target:
            while block := source.read(_BLOCK):
                target.write(block)

    def store(self, contents: Contents) -> Content:
        """The archive as a content that is on disk, or will be with its `write`."""
        self._archive.close()
        digest = hashlib.sha256()
        with self._path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
            os.fsync(stream.fileno())
            size = stream.tell()
        return contents.adopt(self._path, digest.digest(), size)

    def abandon(self) -> None:
        """Forget it."""
        self._archive.close()
        self._path.unlink(missing_ok=True)


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, or one like it when a task's own output is called so."""
    return name if name not in taken else _free(f"sweep-{name}", taken)
