"""From a `%lyapunov` line to a sweep that is ready to run."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..languages import StagedFile
from ..lyapunov import System, systems
from ..lyapunov.codegen import program_for
from ..lyapunov.compiled import cache_folder
from ..lyapunov.program import Program
from ..lyapunov.schedule import Schedule
from ..lyapunov.shipping import WORKER_NAME, worker_text
from ..lyapunov.spectrum import check_options, schedule_for
from ..lyapunov.starts import starting_states
from ..lyapunov.step_check import step_advice
from ..lyapunov.worker import column_names
from ..wire import CellError, CellOptionError
from .local_files import LocalFile
from .lyapunov_cost import Plan, announcement
from .lyapunov_options import LyapunovOptions
from .sweep_cell import PreparedSweep, prepare_sweep
from .sweep_options import check_sweep

__all__ = ["prepare_lyapunov", "prepare_system"]

_TRY_HELP = "`%lyapunov?` shows the options with examples."
_SAMPLE = 8


def prepare_lyapunov(
    options: LyapunovOptions, namespace: Mapping[str, Any], hidden: Mapping[str, Any], folder: Path
) -> PreparedSweep:
    """The sweep of a `%lyapunov` line, with a line that says what it will be; see `prepare_system`."""
    system = _system(options.system, namespace)
    prepared, plan = _prepared(options, system, namespace, hidden, folder)
    outputs = prepared.cell.outputs
    options.live = options.live or ("L1" if "L1" in outputs else "")
    print(announcement(system, plan, prepared.space.size, options.code))
    return prepared


def prepare_system(
    options: LyapunovOptions, system: System, namespace: Mapping[str, Any], folder: Path
) -> PreparedSweep:
    """Make the program of a system, and the sweep of it. A step that is too large for some points is told.

    Args:
        options: all but the system's name.
        system: of which the exponents are wanted.
        namespace: names that values in `options.space` use.
        folder: where configuration is found.

    Raises:
        CellError: something about the options or the system; nothing was submitted.
        ConfigurationError: no such route, or a faulty configuration.
    """
    return _prepared(options, system, namespace, {}, folder)[0]


def _prepared(
    options: LyapunovOptions, system: System, namespace: Mapping[str, Any], hidden: Mapping[str, Any], folder: Path
) -> tuple[PreparedSweep, Plan]:
    constants = _constants(options, system, namespace)
    try:
        check_options(system, options.leading, trace_rule=options.trace_rule)
        given = {name: getattr(options, name) for name in ("T", "dt", "transient", "renormalize")}
        # an int would be another program than the same float
        times = {name: None if time is None else float(time) for name, time in given.items()}
        schedule = schedule_for(system, **times)
        program = program_for(system, leading=options.leading, trace_rule=options.trace_rule)
        starts = starting_states(system, options.starts)
    except ValueError as error:
        raise CellOptionError(str(error), hint=_TRY_HELP) from error
    _choose_outputs(options, program)
    check_sweep(options, _TRY_HELP)
    text = worker_text(program, schedule, starts, constants, code=options.code)
    names = [word.partition("=")[0].partition("[")[0] for word in options.space]
    prepared = prepare_sweep(options, _cell(names, options.outputs or ()), namespace, hidden, folder, [_file(text)])
    _check_parameters(system, prepared.space.names, constants)
    _check_step(program, schedule, starts[0], constants, prepared)
    return prepared, Plan(program, schedule, len(starts))


def _system(name: str, namespace: Mapping[str, Any]) -> System:
    mine = namespace.get(name)
    if isinstance(mine, System):
        return mine
    try:
        return systems.named(name)
    except ValueError as error:
        more = "" if mine is None else f"; your variable {name} is a {type(mine).__name__}, and no System"
        raise CellOptionError(f"{error}{more}", hint=_TRY_HELP) from error


def _constants(options: LyapunovOptions, system: System, namespace: Mapping[str, Any]) -> dict[str, float]:
    """Parameters with one value, which are taken out of the space; and the system's own values of the others."""
    found: dict[str, float] = {}
    varying = []
    for word in options.space:
        name, _, text = word.partition("=")
        value = _number(text, namespace)
        if value is None or "[" in name:
            varying.append(word)
        else:
            found[name] = value
    if not varying and options.space and not (options.frame or options.plan_file):
        name, _, _ = options.space[0].partition("=")  # a grid of one point has one axis
        found.pop(name, None)
        varying = options.space[:1]
    options.space[:] = varying
    return {**system.defaults, **found}


def _number(text: str, namespace: Mapping[str, Any]) -> float | None:
    try:
        value = eval(text, {"pi": np.pi}, dict(namespace))
        return float(value) if np.ndim(value) == 0 and not isinstance(value, str) else None
    except Exception:  # noqa: BLE001 - then it is values in another spelling, whose reader says what is wrong with them
        return None


def _choose_outputs(options: LyapunovOptions, program: Program) -> None:
    columns = column_names(program)
    known = (*columns, "kernel")
    unknown = [name for name in options.outputs or () if name not in known]
    if unknown:
        raise CellOptionError(f"--out {unknown[0]}: the columns are {', '.join(known)}", hint=_TRY_HELP)
    options.outputs = options.outputs or columns


def _check_parameters(system: System, names: tuple[str, ...], constants: Mapping[str, float]) -> None:
    known = ", ".join(system.parameters) or "none"
    for name in (*names, *constants):
        if name not in system.parameters:
            raise CellOptionError(f"{system.name or 'the system'} has no parameter {name!r}; its parameters: {known}")
    missing = [name for name in system.parameters if name not in names and name not in constants]
    if missing:
        raise CellOptionError(f"no value for {', '.join(missing)}", hint=f"Write {missing[0]}=VALUES. {_TRY_HELP}")


def _cell(names: list[str], outputs: tuple[str, ...]) -> str:
    given = ", ".join(f"{name}={name}" for name in names)
    lines = ["import sys", 'sys.path.insert(0, "")', f"from {WORKER_NAME} import exponents as _exponents"]
    lines += [f"_found = _exponents({given})", *(f"{name} = _found[{name!r}]" for name in outputs)]
    return "\n".join(lines) + "\n"


def _file(text: str) -> LocalFile:
    """The engine, on disk, where uploads find it; it is named by its content there."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()[:24]
    path = cache_folder() / f"{WORKER_NAME}_{digest}.py"
    if not path.is_file() or path.read_bytes() != data:
        handle, written = tempfile.mkstemp(dir=path.parent, suffix=".new")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        os.replace(written, path)
    return LocalFile(path, len(data), StagedFile(f"file-{digest}", f"{WORKER_NAME}.py"))


def _check_step(
    program: Program, schedule: Schedule, start: Any, constants: Mapping[str, float], prepared: PreparedSweep
) -> None:
    """Tell of a step that is too large, from a few points of the space."""
    space = prepared.space
    if not program.flow or not space.size:
        return
    try:
        first, last = space.first_last()
        columns = space.columns(np.unique(np.linspace(first, last, _SAMPLE).astype(np.int64)))
    except (CellError, ValueError):
        return  # points that a condition leaves out
    count = max((len(column) for column in columns.values()), default=1)
    rows = [np.broadcast_to(np.asarray(columns.get(n, constants.get(n)), float), count) for n in program.parameters]
    advice = step_advice(program, np.array(rows).reshape(len(rows), count), np.asarray(start), schedule)
    if advice:
        print(f"StepWarning: {advice}", file=sys.stderr)
