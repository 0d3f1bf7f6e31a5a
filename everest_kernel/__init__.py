"""Run notebook cells on the machines you have, through Everest."""

from __future__ import annotations

from typing import Any

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]
__version__ = "0.1.0"

_ATTRIBUTE = "_everest"


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext everest_kernel`: the magics in any IPython."""
    from .notebook import load

    if not hasattr(shell, _ATTRIBUTE):
        object.__setattr__(shell, _ATTRIBUTE, load(shell))


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext everest_kernel`."""
    from .notebook import unload

    if hasattr(shell, _ATTRIBUTE):
        unload(shell, getattr(shell, _ATTRIBUTE))
        delattr(shell, _ATTRIBUTE)
