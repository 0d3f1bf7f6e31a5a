"""Files that a program wrote and that are shown under its cell: pictures, pages (HTML) and tables (CSV, TSV)."""

from __future__ import annotations

from typing import IO

from .base import Display
from .drivers.notes import NOTES_FILE, read_notes
from .joined import list_archive
from .pictures import show_picture

__all__ = ["read_shown"]

_LARGEST = 11_000_000  # bytes; no driver packs more


def read_shown(archive: IO[bytes]) -> list[Display]:
    """Displays of the files in a driver's archive, in order of their names; what cannot be shown is left out.

    The last display may tell of files that are too large, or too many.

    Raises:
        ProtocolError: malformed, or with a path that leaves its folder.
    """
    files = list_archive(archive)
    noted = files.pop(NOTES_FILE, None)
    notes = read_notes(b"" if noted is None or noted.size > _LARGEST else b"".join(noted))
    displays = []
    for path, file in sorted(files.items()):
        display = None if file.size > _LARGEST else _show(path, b"".join(file), notes.encoding)
        if display is not None:
            displays.append(display)
    sentences = notes.sentences()
    return [*displays, Display({"text/plain": "\n".join(sentences)})] if sentences else displays


def _show(path: str, content: bytes, encoding: str) -> Display | None:
    suffix = path.rpartition(".")[2].lower()
    # imported when they are needed: every kernel loads this module, and few show such files
    if suffix in ("png", "svg", "jpg", "jpeg", "gif"):
        return show_picture(path, content)
    if suffix in ("csv", "tsv"):
        from .delimited import show_table

        return show_table(path, content, encoding)
    if suffix in ("html", "htm"):
        from .pages import show_page

        return show_page(path, content, encoding)
    return None
