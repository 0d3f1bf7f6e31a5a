"""Sweeps that are started by a call; see `everest_kernel.sweep`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from ..lyapunov import System
from ..wire import CellError
from .channels import LocalChannel, channel_for, replaces_displays
from .lyapunov_cell import prepare_system
from .lyapunov_options import CODES, LyapunovOptions
from .session import NotebookSession
from .sweep_cell import PreparedSweep, prepare_sweep
from .sweep_job import SweepJob
from .sweep_options import SweepOptions
from .sweep_run import SweepRun

__all__ = ["start_sweep"]

_VALUES = "everest_values"


def start_sweep(
    session: NotebookSession,
    route: str | Sequence[str],
    code: str | System,
    parameters: Mapping[str, Any],
    *,
    outputs: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    exponents: Mapping[str, Any] | None = None,
    **options: Any,
) -> SweepJob:
    """Start a sweep and go on at once; see `everest_kernel.sweep`.

    Args:
        session: of the notebook.
        route: one or several.
        code: a text or a System.
        parameters: values by name.
        outputs: names.
        inputs: constants of a text.
        exponents: arguments that a System alone has, those that are None left out.
        options: fields of `SweepOptions`.
    """
    if isinstance(outputs, str):
        raise CellError(f"outputs must be a list of names, not the text {outputs!r}")
    routes = (route,) if isinstance(route, str) else tuple(route)
    given = dict(inputs or {})
    words = [_word(name, values, scalars=isinstance(code, System)) for name, values in parameters.items()]
    namespace = {**given, _VALUES: dict(parameters)}
    more = {name: value for name, value in (exponents or {}).items() if value is not None}
    if isinstance(code, System):
        prepared = _of_system(code, routes, words, namespace, outputs, options | more)
    else:
        prepared = _of_text(code, routes, words, namespace, outputs, options, more)
    from IPython.core.getipython import get_ipython

    shell: Any = get_ipython()
    channel = LocalChannel() if shell is None else channel_for(shell)
    replaces = shell is not None and replaces_displays(shell)
    run = SweepRun(prepared, channel, replaces=replaces, watched=False)
    job = SweepJob(run, session.thread.start(run.run(session)))
    session.sweeps[run.id] = job
    return job


def _of_text(
    code: str,
    routes: tuple[str, ...],
    words: list[str],
    namespace: Mapping[str, Any],
    outputs: Sequence[str] | None,
    options: Mapping[str, Any],
    more: Mapping[str, Any],
) -> PreparedSweep:
    if not isinstance(code, str):
        raise CellError(f"code must be the text of a program, or a System, not a {type(code).__name__}")
    if more:
        raise CellError(f"{next(iter(more))} is for the sweep of a System; this one's program is a text")
    inputs = tuple(name for name in namespace if name != _VALUES)
    chosen = SweepOptions(routes[0], inputs, tuple(outputs or ()), routes=routes, space=words)
    if not chosen.outputs:
        raise CellError("no outputs: name the results, as in outputs=['y']")
    _set(chosen, options)
    return prepare_sweep(chosen, code, namespace, {}, Path.cwd())


def _of_system(
    system: System,
    routes: tuple[str, ...],
    words: list[str],
    namespace: Mapping[str, Any],
    outputs: Sequence[str] | None,
    options: Mapping[str, Any],
) -> PreparedSweep:
    """The program of `%lyapunov`; its constants are numbers among the parameters."""
    if len(namespace) > 1:
        raise CellError("inputs are for a program that is a text; constants of a System go among its parameters")
    if not words:
        raise CellError("no parameters: give values of one at least, as in {'rho': '20:60:41'}")
    chosen = LyapunovOptions(routes[0], outputs=tuple(outputs or ()) or None, routes=routes, space=words)
    _set(chosen, options)
    chosen.vectorized = True
    if chosen.code not in CODES:
        raise CellError(f"kernel must be one of {', '.join(CODES)}, not {chosen.code!r}")
    return prepare_system(chosen, system, namespace, Path.cwd())


def _set(chosen: SweepOptions, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        setattr(chosen, name, value)


def _word(name: str, values: Any, *, scalars: bool) -> str:
    """The parameter as a line would have it: a text as it is, values by a name, and numbers, where they may be, too."""
    if isinstance(values, str):
        return f"{name}={values}"
    if scalars and isinstance(values, Real):
        return f"{name}={float(values)!r}"
    return f"{name}={_VALUES}[{name!r}]"
