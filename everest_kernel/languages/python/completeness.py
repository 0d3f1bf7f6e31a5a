"""Whether a Python cell is complete."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..editing import Completeness

__all__ = ["check"]


def check(code: str) -> Completeness:
    """IPython's own judgement, as for a plain cell."""
    try:
        status, spaces = _transformer().check_complete(code)
    except RecursionError:  # brackets in brackets, by the thousand
        return Completeness("unknown")
    return Completeness(status, " " * (spaces or 0))


@cache
def _transformer() -> Any:
    from IPython.core.inputtransformer2 import TransformerManager  # at hand in a kernel, needless anywhere else

    return TransformerManager()
