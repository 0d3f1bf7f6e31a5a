"""A cell is run again while its job is still running: `--running ask` lets the user decide."""

from __future__ import annotations

from typing import Any

from ..wire import CellError
from .header import format_age
from .job_source import AlreadyRunningError, JobSource, Submission

__all__ = ["decide"]


def decide(source: JobSource, found: AlreadyRunningError, shell: Any) -> None:
    """Ask what to do, and tell the source.

    Raises:
        CellError: the front end cannot be asked, or the user wants neither.
    """
    assert isinstance(source, Submission)
    since = f"this cell's job has been running for {format_age(found.seconds)}"
    kernel = getattr(shell, "kernel", None)
    if kernel is not None and not (kernel.get_parent("shell").get("content") or {}).get("allow_stdin"):
        raise CellError(
            since,
            job_id=found.job.id,
            hint="This front end cannot be asked: --running attach follows it, --running new starts a second one.",
        )
    answer = input(f"{since} (job {found.job.id}). [a]ttach to it, start a [n]ew one, or neither? ").strip().lower()
    if answer in ("a", "attach"):
        source.chosen = found.job.id
    elif answer in ("n", "new"):
        source.running = "new"
    else:
        raise CellError(f"{since}, and nothing was started", job_id=found.job.id)
