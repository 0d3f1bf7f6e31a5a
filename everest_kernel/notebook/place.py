"""Which notebook this kernel belongs to, as far as a kernel can know: no part of the Jupyter protocol tells it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["notebook_identity", "notebook_path"]

_SERVER_VARIABLE = "JPY_SESSION_NAME"
"""Set by Jupyter Server for the kernels that it starts: the notebook's path, or the name of a console."""
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


def notebook_path(namespace: Mapping[str, Any] | None = None) -> Path | None:
    """The notebook's file, with symbolic links resolved; None in a console, and where nothing tells.

    The file need not exist: the notebook may have been renamed since the kernel started.

    Args:
        namespace: the user's names; by default those of the running shell.
    """
    # VS Code wins: towards a Jupyter Server it names sessions after files that do not exist
    said = (_shell_names() if namespace is None else namespace).get(_VSCODE_NAME)
    if not isinstance(said, str) or not said:
        said = os.environ.get(_SERVER_VARIABLE, "")
    if not said or "\0" in said:
        return None
    path = Path(said)
    if not path.is_absolute():  # below the server's root, which a kernel does not know; it starts in the file's folder
        path = _STARTED_IN / path.name
    path = Path(os.path.realpath(path))
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
