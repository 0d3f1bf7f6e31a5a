"""Pictures that a program wrote, as displays."""

from __future__ import annotations

import base64
from typing import IO

from .base import Display
from .joined import list_archive

__all__ = ["read_pictures"]

_TYPES = {
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "gif": ("image/gif", b"GIF8"),
    "svg": ("image/svg+xml", b""),
}


def read_pictures(archive: IO[bytes]) -> list[Display]:
    """Displays of the pictures in a driver's archive, in order of their names; what is none is left out.

    Raises:
        ProtocolError: malformed, or with a path that leaves its folder.
    """
    displays = []
    for path, file in sorted(list_archive(archive).items()):
        kind, begin = _TYPES.get(path.rpartition(".")[2].lower(), ("", b""))
        content = b"".join(file)
        if not kind or not content.startswith(begin):
            continue  # a file that is only called so, or is not finished
        if kind == "image/svg+xml":
            try:
                data = content.decode("utf-8")
            except UnicodeDecodeError:
                continue
            if "<svg" not in data:
                continue
        else:
            data = base64.b64encode(content).decode()
        displays.append(Display({kind: data, "text/plain": f"<picture {path}>"}))
    return displays
