"""Which cell of which notebook is running."""

from __future__ import annotations

from typing import Any

from .channels import cell_id
from .job_source import Caller
from .place import notebook_identity

__all__ = ["caller_of"]


def caller_of(shell: Any) -> Caller:
    """The cell that a shell runs now."""
    return Caller(notebook_identity(shell.user_ns), cell_id(shell))
