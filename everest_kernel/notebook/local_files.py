"""Files beside the notebook: those that go with a cell, and those that come back."""

from __future__ import annotations

import glob
import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..languages import StagedFile
from ..wire import CellOptionError, ProtocolError, safe_path

__all__ = ["LocalFile", "find_files", "save_files"]

_BLOCK = 1 << 20


@dataclass(frozen=True)
class LocalFile:
    """A file to send: where it is, how large, and how it is staged."""

    path: Path
    size: int
    staging: StagedFile


def find_files(patterns: list[str], folder: Path) -> list[LocalFile]:
    """Files that match the patterns, in order, each once.

    A file inside `folder` keeps its relative path on the resource; another one is put under its bare name. Each is
    staged under a name made of its content, so that equal contents are uploaded once.

    Raises:
        CellOptionError: a pattern matches nothing, a file cannot be read, or two files would get the same path.
    """
    found: dict[str, LocalFile] = {}
    for pattern in patterns:
        matches = sorted(glob.glob(os.path.expanduser(pattern), root_dir=folder, recursive=True))
        paths = [folder / match for match in matches]
        paths = [path for path in paths if path.is_file()]
        if not paths:
            raise CellOptionError(f"--files {pattern!r}: there is no such file in {folder}", hint="Nothing was sent.")
        for path in paths:
            file = _local_file(path, folder)
            present = found.setdefault(file.staging.target, file)
            if present.path.resolve() != path.resolve():
                raise CellOptionError(f"--files: {present.path} and {path} would both become {path.name}")
    return list(found.values())


def _local_file(path: Path, folder: Path) -> LocalFile:
    target = path.resolve()
    inside = target.is_relative_to(folder.resolve())
    name = target.relative_to(folder.resolve()).as_posix() if inside else path.name
    try:
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        checked = str(safe_path(name))
        return LocalFile(path, path.stat().st_size, StagedFile(f"file-{digest.hexdigest()[:24]}", checked))
    except (OSError, ProtocolError) as error:
        raise CellOptionError(f"--files: {path} cannot be sent: {error}") from error


def save_files(contents: Mapping[str, Iterable[bytes]], folder: Path) -> list[str]:
    """Write fetched files, given in blocks, under `folder`, each whole or not at all; gives their paths.

    Raises:
        ProtocolError: a path that would leave the folder, also through a link that lies in it.
        OSError: a file cannot be written.
    """
    root = folder.resolve()
    targets: dict[Path, Iterable[bytes]] = {}
    for name, content in contents.items():
        target = folder / safe_path(name)
        if not target.parent.resolve().is_relative_to(root):
            raise ProtocolError(f"the fetched file {name!r} would be written outside {folder}")
        targets[target] = content
    for target, content in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(target, content)
    return list(contents)


def _write_whole(target: Path, content: Iterable[bytes]) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:40]}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(content)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise
