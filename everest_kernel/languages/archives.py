"""Archives of files that come back from a resource. What is in them is hostile until checked."""

from __future__ import annotations

import tarfile
import zipfile
from typing import IO

from ..wire import ProtocolError, safe_path

__all__ = ["read_tar", "read_zip"]


def read_zip(source: IO[bytes]) -> dict[str, bytes]:
    """Paths to contents of a ZIP archive.

    Raises:
        ProtocolError: malformed, or with a path that leaves its folder.
    """
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            return {str(safe_path(entry.filename)): archive.read(entry) for entry in entries}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ProtocolError(f"the archive of fetched files is damaged: {error}") from error


def read_tar(source: IO[bytes]) -> dict[str, bytes]:
    """Paths to contents of the regular files in a tar archive; links and devices are refused.

    Raises:
        ProtocolError: malformed, with a link, or with a path that leaves its folder.
    """
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=source, mode="r:") as archive:
            for entry in archive:
                if entry.isdir():
                    continue
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is None:
                    raise ProtocolError(f"{entry.name!r} in the archive is not a regular file")
                name = entry.name[2:] if entry.name.startswith("./") else entry.name
                found[str(safe_path(name))] = content.read()
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise ProtocolError(f"the archive of files is damaged: {error}") from error
    return found
