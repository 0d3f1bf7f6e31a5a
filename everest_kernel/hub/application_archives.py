"""An application as a ZIP archive: `application.json`, and its files below `ApplicationFiles/`.

This is what Everest's web interface exports and imports.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from ..wire import MALFORMED, Application, ProtocolError
from .archives import unpack
from .contents import Content, Contents

__all__ = ["Described", "pack_application", "unpack_application"]

_DESCRIPTION = "application.json"
_FILES = "ApplicationFiles/"


class Described(NamedTuple):
    """An application and its files by their path in a task's directory."""

    application: Application
    contents: dict[str, Content]


def unpack_application(source: IO[bytes], contents: Contents) -> Described:
    """The application in an archive, its files taken into the store. Blocks: call on a thread.

    Raises:
        ProtocolError: it is no such archive, or a hostile one. Nothing is left then.
    """
    found = unpack(source, contents)
    files = {path.removeprefix(_FILES): found.pop(path) for path in list(found) if path.startswith(_FILES)}
    try:
        if _DESCRIPTION not in found:
            raise ProtocolError(f"the archive has no {_DESCRIPTION}")
        application = _described(contents.read(found[_DESCRIPTION]))
    except BaseException:
        for content in files.values():
            contents.discard(content)
        raise
    finally:
        for content in found.values():
            contents.discard(content)
    # what its `files` say is another server's; the folder of files is what counts
    return Described(msgspec.structs.replace(application, files=()), files)


def _described(data: bytes) -> Application:
    try:
        return msgspec.json.decode(data, type=Application)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"its {_DESCRIPTION} does not fit: {error}") from error
    except MALFORMED as error:
        raise ProtocolError(f"its {_DESCRIPTION} is not JSON: {error}") from error


def pack_application(application: Application, target: IO[bytes], open_file: Callable[[str], bytes | Path]) -> None:
    """Write an application as an archive. Blocks: call on a thread.

    Args:
        application: what to export; ids and owner, which belong to this server, are left out.
        target: where to.
        open_file: gives the content behind the URI of one of its files.
    """
    described = msgspec.to_builtins(application)
    for name in ("id", "user", "resources"):
        del described[name]
    described["files"] = [{"path": file.path, "length": file.length} for file in application.own_files]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_DESCRIPTION, msgspec.json.format(msgspec.json.encode(described), indent=2))
        archive.writestr(zipfile.ZipInfo(_FILES), b"")  # the folder itself, as in Everest's own exports
        for file in application.own_files:
            content = open_file(file.uri)
            if isinstance(content, bytes):
                archive.writestr(_FILES + file.path, content)
            else:
                archive.write(content, _FILES + file.path)
