"""The route that a notebook's metadata hold, `metadata.everest.route`: read from its file, and written there."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path

import msgspec

from ..wire import CellError
from .json_text import drop_member, put_member

__all__ = ["metadata_text", "read_stored_route", "store_route"]

_PATH = ("metadata", "everest", "route")


class _Everest(msgspec.Struct):
    route: str = ""


class _Metadata(msgspec.Struct):
    everest: _Everest = msgspec.field(default_factory=_Everest)


class _Notebook(msgspec.Struct):
    """Only what is wanted: the cells, which may be large, are passed over."""

    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _Kind(msgspec.Struct):
    """What every notebook has, in all versions of the format since 2011."""

    nbformat: int
    metadata: dict[str, msgspec.Raw]


def read_stored_route(path: Path) -> str:
    """The line that a notebook's metadata hold; empty when there is none, or no such notebook."""
    if not path.is_file():
        return ""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Notebook).metadata.everest.route
    except (OSError, msgspec.DecodeError, RecursionError):
        return ""  # what cannot be read holds no choice of the user's


def metadata_text(line: str) -> str:
    """The part of a notebook's metadata that holds a line, to be put there by hand."""
    return json.dumps({"everest": {"route": line}}, ensure_ascii=False)


def store_route(path: Path | None, line: str) -> bool:
    """Write the line into a notebook's metadata, or remove what is there when the line is empty.

    The file is replaced as a whole or not at all, and keeps every other byte.

    Args:
        path: the notebook; None when that is not known.
        line: route and options.

    Returns:
        Whether the file was changed: not when it is as it should be.

    Raises:
        CellError: it is not known, not a notebook, or cannot be written; nothing is changed.
    """
    if path is None:
        raise CellError("this kernel cannot tell which notebook it belongs to", hint=_by_hand(line))
    try:
        before = os.stat(path)
        content = path.read_bytes()
        msgspec.json.decode(content, type=_Kind)
        text = content.decode()
        changed = put_member(text, _PATH, line) if line else drop_member(text, _PATH)
        if changed != text:
            _replace(path, changed.encode(), before)
        return changed != text
    except OSError as error:
        raise CellError(f"{path} cannot be changed: {error.strerror or error}", hint=_by_hand(line)) from error
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors, too
        raise CellError(f"{path} is not a notebook: {error}", hint=_by_hand(line)) from error


def _replace(path: Path, content: bytes, before: os.stat_result) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(path, name)
        now = os.stat(path)
        if (now.st_mtime_ns, now.st_size, now.st_ino) != (before.st_mtime_ns, before.st_size, before.st_ino):
            raise OSError("something else writes it at the same time; try again")
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _by_hand(line: str) -> str:
    if not line:
        return 'Nothing was changed. By hand: remove "everest" from the notebook\'s metadata.'
    return f"Nothing was changed. By hand: put this into the notebook's metadata: {metadata_text(line)}"
