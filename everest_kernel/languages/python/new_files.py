"""New files of a cell that are shown under it: pictures, pages (HTML) and tables (CSV, TSV).

Shipped with the cell, so it imports only the standard library; it runs on Python 3.8. Loaded only when a cell leaves
files behind.
"""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable, Iterator

SHOWN = "pictures.zip"
NOTES = "everest-notes"
MOST, LARGEST = 20, 10_000_000
LONG_AGO = 946_684_800  # seconds; a file that was given and has this time is unchanged
SUFFIXES = (".png", ".svg", ".jpg", ".jpeg", ".gif", ".html", ".htm", ".csv", ".tsv")


def pack(given: set[str], known: set[str], fetch: list[str]) -> None:
    """Pack them, with notes of what is not shown (see `languages/drivers/notes.py`).

    Args:
        given: files that were placed, which are shown only when the cell has changed them.
        known: absolute paths of files whose content is shown already.
        fetch: patterns of files that are brought back anyway.
    """
    found = [(path, size) for path, size in _find(given) if os.path.abspath(path) not in known]
    if not found:
        return
    notes = [f"large {size} {path}" for path, size in found if size > LARGEST]
    small = [path for path, size in found if size <= LARGEST]
    with zipfile.ZipFile(SHOWN, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path in small[:MOST]:
            content = _read(path)
            if content is not None:
                archive.writestr(path, content)
        if len(small) > MOST:
            notes.append(f"more {len(small) - MOST}")
        if notes:
            archive.writestr(NOTES, "\n".join([*notes, *(f"fetch {pattern}" for pattern in fetch)]))


def _find(given: set[str]) -> Iterator[tuple[str, int]]:
    """Paths and sizes."""
    for folder, folders, names in os.walk("."):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(folder, name)[2:].replace(os.sep, "/")
            if not name.lower().endswith(SUFFIXES) or name.startswith(".") or not _is_plain(path):
                continue
            try:
                status = os.lstat(path)
            except OSError:
                continue  # a process that still runs has taken it away
            if stat.S_ISREG(status.st_mode) and not (path in given and status.st_mtime == LONG_AGO):
                yield path, status.st_size


def _is_plain(path: str) -> bool:
    """Whether a path can be told: it is Unicode, and has no control characters."""
    return path.isprintable() and "\\" not in path


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read(LARGEST)
    except OSError:
        return None


def mark_given(paths: Iterable[str]) -> None:
    """Give files that were placed a time by which they are told from changed ones."""
    for path in paths:
        if path.lower().endswith(SUFFIXES):
            os.utime(path, (LONG_AGO, LONG_AGO))
