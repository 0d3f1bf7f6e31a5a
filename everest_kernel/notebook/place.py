"""Which notebook this kernel belongs to, as far as a kernel can know: no part of the Jupyter protocol tells it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil

__all__ = ["notebook_identity", "notebook_path"]

_SERVER_VARIABLE = "JPY_SESSION_NAME"
"""Set by Jupyter Server for the kernels that it starts: the notebook's path, or the name of a console."""
_LAUNCHER_VARIABLE = "JPY_PARENT_PID"
"""Set by jupyter_client for every kernel that it starts: the process that started it."""
_VSCODE_NAME = "__vsc_ipynb_file__"
"""Set by VS Code in the namespace, before the first cell."""
_NO_NOTEBOOK = "no notebook: "


def _folder() -> Path:
    try:
        return Path.cwd()
    except OSError:  # it was removed
        return Path(os.environ.get("PWD") or os.curdir)


_STARTED_IN = _folder()
"""Notebooks may change the working directory later."""


class _Names:
    """The names that files have now: front ends rename notebooks, and what they told the kernel stays.

    A file is known by its number in the file system, which renaming within a folder keeps; saving keeps it, too, with
    Jupyter Server.
    """

    def __init__(self) -> None:
        self._now: dict[Path, Path] = {}
        self._numbers: dict[Path, int] = {}

    def follow(self, first: Path) -> Path:
        """The present path of the file that once had this one, as far as it was seen under each name."""
        path = self._now.get(first, first)
        number = _number(path)
        if number is None and path in self._numbers:
            renamed = _find(path.parent, self._numbers[path])
            if renamed is not None:
                number, path = self._numbers[path], renamed
                self._now[first] = path
        if number is not None:
            self._numbers[path] = number
        return path


def _number(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except OSError:
        return None


def _find(folder: Path, number: int) -> Path | None:
    try:
        with os.scandir(folder) as entries:
            return next((folder / e.name for e in entries if e.name.endswith(".ipynb") and e.inode() == number), None)
    except OSError:
        return None


_names = _Names()


@cache
def _is_inherited(session: str) -> bool:
    """Whether a notebook's own kernel runs the program that started this one, as papermill is often used.

    Then the variable came with the environment, and names that notebook, not ours.
    """
    try:
        launcher = psutil.Process(int(os.environ.get(_LAUNCHER_VARIABLE, ""))).environ()
    except (ValueError, OSError, psutil.Error):
        return False
    return launcher.get(_SERVER_VARIABLE) == session and _LAUNCHER_VARIABLE in launcher


def notebook_path(namespace: Mapping[str, Any] | None = None) -> Path | None:
    """The notebook's file, with symbolic links resolved; None in a console, and where nothing tells.

    A notebook that was renamed is found under its new name when it was asked for under the old one. The file need not
    exist.

    Args:
        namespace: the user's names; by default those of the running shell.
    """
    # VS Code wins: towards a Jupyter Server it names sessions after files that do not exist
    said = (_shell_names() if namespace is None else namespace).get(_VSCODE_NAME)
    if not isinstance(said, str) or not said:
        said = os.environ.get(_SERVER_VARIABLE, "")
        said = "" if said and _is_inherited(said) else said
    if not said or "\0" in said:
        return None
    path = Path(said)
    if not path.is_absolute():  # below the server's root, which a kernel does not know; it starts in the file's folder
        path = _STARTED_IN / path.name
    path = _names.follow(Path(os.path.realpath(path)))
    return path if path.suffix == ".ipynb" or path.is_file() else None


def notebook_identity(namespace: Mapping[str, Any] | None = None) -> str:
    """A text that is the same for all kernels of one notebook.

    The path of its file; without one the folder in which the kernel started, marked as no notebook.

    Args:
        namespace: the user's names; by default those of the running shell.
    """
    path = notebook_path(namespace)
    return str(path) if path is not None else f"{_NO_NOTEBOOK}{_STARTED_IN}"


def _shell_names() -> Mapping[str, Any]:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return {} if shell is None else shell.user_ns
