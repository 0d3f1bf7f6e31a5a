"""Pictures that a program wrote, as displays."""

from __future__ import annotations

import base64

from .base import Display

__all__ = ["show_picture"]

_TYPES = {
    "png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    "jpg": ("image/jpeg", b"\xff\xd8\xff"),
    "jpeg": ("image/jpeg", b"\xff\xd8\xff"),
    "gif": ("image/gif", b"GIF8"),
    "svg": ("image/svg+xml", b""),
}


def show_picture(path: str, content: bytes) -> Display | None:
    """A display of a picture; None for what is none, as a file that is not finished."""
    kind, begin = _TYPES[path.rpartition(".")[2].lower()]
    if not content.startswith(begin):
        return None
    if kind == "image/svg+xml":
        try:
            data = content.decode("utf-8")
        except UnicodeDecodeError:
            return None
        if "<svg" not in data:
            return None
    else:
        data = base64.b64encode(content).decode()
    return Display({kind: data, "text/plain": f"<picture {path}>"})
