"""What an editor knows of a `%lyapunov` line: systems, their parameters, and the values of its options.

The equations of a system are read by sympy; it is imported when the line names a system, and not before.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..routes import load_configuration, route_table
from ..wire import ConfigurationError
from .cell_text import CellText, MagicLine, read_cell, read_line, words_of
from .line_values import Choices, Notebook, line_choices
from .line_words import LineWord
from .lyapunov_options import CODES, LYAPUNOV_OPTIONS
from .sweep_parameters import parameters_of

if TYPE_CHECKING:
    from ..lyapunov import System

__all__ = ["find_system", "lyapunov_choices", "system_told"]

_MOST_EQUATIONS = 12


def find_system(name: str, namespace: Mapping[str, Any]) -> System | None:
    """The user's System of this name, or else the catalogue's; None where there is neither.

    Args:
        name: a variable, or a name of the catalogue.
        namespace: the user's names.
    """
    from ..lyapunov import System

    mine = namespace.get(name)
    return mine if isinstance(mine, System) else _of_catalogue(name)


def lyapunov_choices(line: CellText, cursor: int, notebook: Notebook) -> Choices:
    """What could stand at a place of a `%lyapunov` line.

    Args:
        line: from `locate_lyapunov_line`.
        cursor: position in the line, in characters.
        notebook: names and files.
    """
    words = words_of(line, cursor)
    current = words.pop() if words and words[-1].start + len(words[-1].raw) == cursor else LineWord(cursor, "", "")
    before, whole = read_line(words, line.magic), read_cell(line)
    option, equals, value = current.raw.partition("=")
    if option.startswith("--") and equals:
        own = _values(option, value, whole, notebook)
        return line_choices(line, cursor, notebook) if own is None else own
    if before.waits and not current.raw.startswith("--"):
        own = _values(before.waits, current.raw, whole, notebook)
        return line_choices(line, cursor, notebook) if own is None else own
    options = tuple((name, "option") for name in LYAPUNOV_OPTIONS)
    if current.raw.startswith("-"):
        return Choices(current.raw, options)
    if not before.route:
        return Choices(current.raw, (*((name, "name") for name in _system_names(notebook.namespace)), *options))
    system = find_system(before.route, notebook.namespace)
    given = parameters_of(whole, notebook.namespace, notebook.folder)
    free = [name for name in system.parameters if name not in given] if system is not None else []
    return Choices(current.raw, (*((f"{name}=", "name") for name in free), *options))


def system_told(system: System, name: str, detail: int) -> tuple[str, str, tuple[str, ...]]:
    """Equations; what it is; parameters with their own values, and the start.

    Args:
        system: to be told.
        name: under which the line has it.
        detail: 1 for the catalogue's text with the source, too.
    """
    equations = str(system).splitlines()
    more = len(equations) - _MOST_EQUATIONS
    if more > 0:
        equations[_MOST_EQUATIONS:] = [f"… and {more} more"]
    driven = "driven " if system.driven else ""
    step = f", dt = {system.dt:g}" if system.kind == "flow" else ""
    what = f"{system.name or name}: a {driven}{system.kind} of {_counted(system.dimension, 'state')}{step}"
    parameters = [f"{n} = {system.defaults[n]:.6g}" if n in system.defaults else n for n in system.parameters]
    pairs = list(zip(system.states, system.start, strict=True))[:_MOST_EQUATIONS]
    start = ", ".join(f"{state} = {value:.6g}" for state, value in pairs) + (", …" if more > 0 else "")
    told = (f"Parameters: {', '.join(parameters) or 'none'}.", f"Start: {start}.")
    source = _catalogue_text(name) if detail and system is _of_catalogue(name) else ""
    return "\n".join(equations), what, (*told, source) if source else told


def _values(option: str, written: str, line: MagicLine, notebook: Notebook) -> Choices | None:
    """Values of the options that mean something else here than on other lines."""
    given, _, prefix = written.rpartition(",")
    taken = given.split(",")
    if option == "--code":
        return Choices(written, tuple((word, "value") for word in CODES))
    if option == "--route":
        return Choices(prefix, tuple((n, "route") for n in _python_routes(notebook.folder) if n not in taken))
    columns = _columns(line, notebook)
    if option == "--out":
        return Choices(prefix, tuple((name, "name") for name in (*columns, "kernel") if name not in taken))
    if option in ("--live", "--refine"):
        numbers = [name for name in line.outputs or columns if name not in ("orbit", "kernel")]
        end = "=" if option == "--refine" else ""
        return Choices(written, () if "=" in written else tuple((name + end, "name") for name in numbers))
    return None


def _columns(line: MagicLine, notebook: Notebook) -> Iterable[str]:
    from ..lyapunov.worker import numbered_columns

    system = find_system(line.route, notebook.namespace)
    if system is None:
        return ()
    leading = line.value("--leading")
    count = min(int(leading), system.dimension) if leading.isdecimal() else system.dimension
    return numbered_columns(count + system.driven)


def _python_routes(folder: Path) -> list[str]:
    try:
        table = route_table(load_configuration(folder))
    except ConfigurationError:
        return []  # the line itself will say what is wrong
    return sorted(name for name, route in table.items() if route.language.name == "python")


def _system_names(namespace: Mapping[str, Any]) -> list[str]:
    from ..lyapunov import System, systems

    mine = [name for name, value in [*namespace.items()] if isinstance(value, System) and not name.startswith("_")]
    return sorted({*mine, *systems.names()})


@cache
def _of_catalogue(name: str) -> System | None:
    from ..lyapunov import systems

    try:
        return systems.named(name) if name.strip() else None
    except ValueError:
        return None


def _catalogue_text(name: str) -> str:
    from ..lyapunov import systems

    return inspect.getdoc(getattr(systems, name, None)) or ""


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
