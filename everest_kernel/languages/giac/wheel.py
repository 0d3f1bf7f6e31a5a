"""The Giac that the package passagemath-giac of PyPI brings."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

__all__ = ["giac_of_wheel"]

_PACKAGE = "passagemath-giac"


def giac_of_wheel() -> str | None:
    """The path of its program, which finds its libraries by itself; None when the package is not installed here."""
    try:
        listed = distribution(_PACKAGE).files or []
    except PackageNotFoundError:
        return None
    for file in listed:
        if file.name in ("giac", "giac.exe") and file.parent.name == "bin":
            path = Path(str(file.locate())).resolve()
            if os.access(path, os.X_OK):
                return str(path)
    return None
