"""Sweeps that are started by a call; see `everest_kernel.sweep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..wire import CellError
from .channels import LocalChannel, channel_for, replaces_displays
from .session import NotebookSession
from .sweep_cell import prepare_sweep
from .sweep_job import SweepJob
from .sweep_options import SweepOptions
from .sweep_run import SweepRun

__all__ = ["start_sweep"]

_VALUES = "everest_values"


def start_sweep(
    session: NotebookSession,
    route: str | Sequence[str],
    code: str,
    parameters: Mapping[str, Any],
    *,
    outputs: Sequence[str],
    inputs: Mapping[str, Any] | None = None,
    **options: Any,
) -> SweepJob:
    """Start a sweep and go on at once; see `everest_kernel.sweep`."""
    if isinstance(outputs, str):
        raise CellError(f"outputs must be a list of names, not the text {outputs!r}")
    routes = (route,) if isinstance(route, str) else tuple(route)
    given = dict(inputs or {})
    words = [f"{name}={values}" if isinstance(values, str) else _word(name) for name, values in parameters.items()]
    chosen = SweepOptions(routes[0], tuple(given), tuple(outputs), routes=routes, space=words)
    for name, value in options.items():
        setattr(chosen, name, value)
    namespace = {**given, _VALUES: dict(parameters)}
    prepared = prepare_sweep(chosen, code, namespace, {}, Path.cwd())
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    channel = LocalChannel() if shell is None else channel_for(shell)
    replaces = shell is not None and replaces_displays(shell)
    run = SweepRun(prepared, channel, replaces=replaces, watched=False)
    job = SweepJob(run, session.thread.start(run.run(session)))
    session.sweeps[run.id] = job
    return job


def _word(name: str) -> str:
    return f"{name}={_VALUES}[{name!r}]"
