"""Jobs and records as tests need them."""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from everest_kernel.records import JobRecord
from everest_kernel.wire import Job, JobState

__all__ = ["job_of", "mode_of", "record_of", "start_process"]


def record_of(**fields: Any) -> JobRecord:
    return JobRecord(**{"key": uuid.uuid4().hex, "server": "embedded", "route": "python", **fields})


def job_of(job_id: str, state: JobState = JobState.RUNNING, **fields: Any) -> Job:
    return Job(job_id, state, **fields)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def start_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Another Python, which has the package and the arguments in `sys.argv`; it says a line when it is ready."""
    command = [sys.executable, "-c", code, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
