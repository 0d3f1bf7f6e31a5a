"""Whether a Python cell is complete."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

from ..editing import Completeness

__all__ = ["check"]


def check(code: str) -> Completeness:
    """IPython's own judgement, as for a plain cell, but without magics: none works on a resource."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it has some to say of odd line ends, and would say it at every Enter
            status, spaces = _transformer().check_complete(code)
    except RecursionError:  # brackets in brackets, by the thousand
        return Completeness("unknown")
    return Completeness(status, " " * (spaces or 0))


@cache
def _transformer() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager  # at hand in a kernel, needless anywhere else

    manager = TransformerManager()
    for transforms in (manager.cleanup_transforms, manager.line_transforms, manager.token_transformers):
        transforms.clear()
    return manager
