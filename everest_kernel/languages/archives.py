"""Archives of files that come back from a resource. What is in them is hostile until checked."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from ..wire import ProtocolError, safe_path

__all__ = ["ArchivedFile", "list_tar", "list_zip", "read_tar"]

_BLOCK = 1 << 18
_DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),  # encrypted, of an unknown kind, or with impossible numbers
)


@dataclass(frozen=True)
class ArchivedFile:
    """One file of an archive. Iterating over it gives its content in blocks, as long as the archive's file is open.

    Raises:
        ProtocolError: while iterating: the archive is damaged there.
    """

    size: int
    _open: Callable[[], IO[bytes]]

    def __iter__(self) -> Iterator[bytes]:
        try:
            with self._open() as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except _DAMAGED as error:
            raise _damaged(error) from error


def list_zip(source: IO[bytes]) -> dict[str, ArchivedFile]:
    """Paths to files of a ZIP archive; their contents are read when they are asked for.

    Raises:
        ProtocolError: malformed, or with a path that leaves its folder.
    """
    try:
        archive = zipfile.ZipFile(source)
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except _DAMAGED as error:
        raise _damaged(error) from error
    return {str(safe_path(e.filename)): ArchivedFile(e.file_size, _opener(archive, e)) for e in entries}


def _opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(entry)


def list_tar(source: IO[bytes]) -> dict[str, ArchivedFile]:
    """Paths to the regular files in a tar archive; links and devices are refused.

    Raises:
        ProtocolError: malformed, with a link, or with a path that leaves its folder.
    """
    found: dict[str, ArchivedFile] = {}
    source.seek(0)  # whoever filled the file left it at its end
    try:
        archive = tarfile.open(fileobj=source, mode="r:")  # noqa: SIM115 - its files are read later
        for entry in archive:
            if entry.isdir():
                continue
            if not entry.isreg():
                raise ProtocolError(f"{entry.name!r} in the archive is not a regular file")
            name = entry.name[2:] if entry.name.startswith("./") else entry.name
            found[str(safe_path(name))] = ArchivedFile(entry.size, _member(archive, entry))
    except _DAMAGED as error:
        raise _damaged(error) from error
    return found


def _member(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], IO[bytes]]:
    def open_member() -> IO[bytes]:
        stream = archive.extractfile(entry)
        assert stream is not None  # it is a regular file
        return stream

    return open_member


def read_tar(source: IO[bytes]) -> dict[str, bytes]:
    """Paths to contents of the regular files in a tar archive of small files; see `list_tar`."""
    return {path: b"".join(file) for path, file in list_tar(source).items()}


def _damaged(error: Exception) -> ProtocolError:
    return ProtocolError(f"the archive of files is damaged: {error}")
