"""The options of a `%%sweep` line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..wire import CellOptionError
from .line_words import LineWord, split_sweep_line
from .options import FLAGS, VALUES, RemoteOptions, set_option

__all__ = [
    "SAMPLINGS",
    "SWEEP_FLAGS",
    "SWEEP_HELP",
    "SWEEP_OPTIONS",
    "SWEEP_VALUES",
    "SWEEP_WITH_VALUE",
    "SweepOptions",
    "check_sweep",
    "parse_sweep_line",
    "read_sweep_words",
    "route_names",
]

SWEEP_HELP = """\
Run this cell once for each point of a parameter space, on one or several routes, and get a labelled grid.

    %%sweep ROUTE[,ROUTE…] NAME=VALUES [NAME=VALUES…] --out Y[,Z…] [options]

The cell is the program for one point: it finds the parameters as variables, and sets the outputs. Points are packed
into jobs of a few seconds. Finished points are on disk at once: the same cell again, after an interrupt or a restart,
computes only what is missing.

VALUES          20:50:31 (31 values from 20 to 50), 20:50:0.5s (in steps of 0.5), 10,16 (these), linspace(0, 1, 5),
                logspace(...), geomspace(...), arange(...), or any Python expression that gives a sequence;
                NAME[unit]=... gives the parameter a unit
--out Y,Z       names of the results: numbers, texts, or arrays of one shape
--into NAME     name of the grid in the notebook (default: grid)
--in a,b        constants to send; for Python the default is every name that the cell uses and you have
--zip           the parameters run in step, instead of each with each
--where EXPR    only points for which this is true: --where 'a < b'
--sample N      N points drawn from the ranges
--seed S        with --sample: makes them the same again
--sampling HOW  with --sample: `uniform`, `lhs` (Latin hypercube) or `sobol`
--frame NAME    the rows of a pandas frame are the points
--plan-file F   parameters from an Everest plan file
--vectorized    the cell takes arrays of points and gives arrays (Python)
--refine Y=0    compute a coarse grid, then only points near Y=0
--refine-budget N      with --refine: compute at most N points
--live Y        draw Y while the points come
--chunk N       points in a job (default: by their time)
--retries N     how often a job that failed is tried again before it is split (default 1)
--retry-failed  compute points again that failed
--fresh         compute all points again
--application   run it as one job of the server's parameter-sweep application (results come at the end)
--dry-run       show the space, the first and the last program and the plan, and send nothing
--bg            go on at once; `grid` fills while other cells run
--files, --name, --time-limit, --queue-limit (of each job), --with, --maple, --sympy: as for %%remote

Examples

    %%sweep python r=0:28:57 b=2,8/3 --out L1 --live L1
    from everest_kernel.lyapunov import spectrum, systems
    L1 = spectrum(systems.lorenz(), {"rho": r, "beta": b}, T=100).exponents[0]

    %%sweep python x=linspace(0,1,10001) --out y --vectorized
    y = x * x

    %%sweep giac n=1,2,3,4 --out s
    s := integrate(x^n, x, 0, 1)

    grid.y                 # an array with an axis for each parameter
    grid.to_xarray()       # with names and coordinates;  grid.plot(), grid.failures, grid.save('grid.nc')
"""


SAMPLINGS = ("uniform", "lhs", "sobol")
"""What `--sampling` can say."""


@dataclass
class SweepOptions(RemoteOptions):
    """A parsed line. `route` is the first of the routes.

    Attributes:
        routes: names.
        space: `NAME=VALUES` texts as they were written.
        refine: output and level.
        application: whether it runs as one job of the sweep application.
    """

    routes: tuple[str, ...] = ()
    space: list[str] = field(default_factory=list)
    zipped: bool = False
    where: str = ""
    sample: int | None = None
    seed: int | None = None
    sampling: str = "uniform"
    frame: str = ""
    plan_file: str = ""
    vectorized: bool = False
    refine: str = ""
    refine_budget: int | None = None
    live: str = ""
    chunk: int | None = None
    retries: int = 1
    retry_failed: bool = False
    application: bool = False


def parse_sweep_line(line: str) -> SweepOptions:
    """Read the rest of a `%%sweep` line.

    Raises:
        CellOptionError: an option that does not exist, lacks its value, or has a wrong one; no route, no points.
    """
    options = SweepOptions(line=line.strip())
    plain = read_sweep_words(options, line, flags=SWEEP_FLAGS, values=SWEEP_VALUES, hint=_TRY_HELP)
    if len(plain) > 1:
        raise CellOptionError(
            f"{plain[1]!r} is neither an option nor a parameter with values", hint=f"Write NAME=VALUES. {_TRY_HELP}"
        )
    options.routes = route_names(plain[0]) if plain else ()
    if not options.routes:
        raise CellOptionError("no route: write %%sweep python x=0:1:11 --out y, or another route", hint=_TRY_HELP)
    return check_sweep(options, _TRY_HELP)


def read_sweep_words(
    options: SweepOptions,
    line: str,
    *,
    flags: Mapping[str, Callable[[Any], None]],
    values: Mapping[str, tuple[str, Callable[[str], Any]]],
    hint: str,
) -> list[str]:
    """Read options and parameters of a line into `options`; gives the words that are neither.

    Args:
        options: to be changed.
        line: the rest of the magic's line.
        flags: options without a value; see `set_option`.
        values: options with one.
        hint: where to look for help.

    Raises:
        CellOptionError: an option that does not exist, lacks its value, or has a wrong one.
    """
    words, unclosed = split_sweep_line(line)
    if unclosed:
        raise CellOptionError(f"the options cannot be read: {unclosed}", hint=hint)
    rest, plain = iter(words), []
    for word in rest:
        if word.text.startswith("--"):
            option, equals, value = word.text.partition("=")
            given = value if equals else None
            set_option(options, option, given, lambda: _next(rest), flags=flags, values=values, hint=hint)
        elif word.parameter:
            options.space.append(word.parameter)
        elif word.text.startswith("-") and len(word.text) > 1:
            raise CellOptionError(f"unknown option {word.text}", hint=hint)
        else:
            plain.append(word.text)
    return plain


def route_names(text: str) -> tuple[str, ...]:
    """Names of routes, divided by commas."""
    return tuple(dict.fromkeys(part for part in text.split(",") if part))


def check_sweep(options: SweepOptions, hint: str) -> SweepOptions:
    """Options that make sense together.

    Raises:
        CellOptionError: they do not.
    """
    options.route = options.routes[0]
    sources = [bool(options.space), bool(options.frame), bool(options.plan_file)]
    if not any(sources):
        raise CellOptionError("no parameters: write NAME=VALUES, such as x=0:1:11", hint=hint)
    if sum(sources) > 1:
        raise CellOptionError("points come from parameters, --frame or --plan-file: from one of them", hint=hint)
    if not options.outputs:
        raise CellOptionError("no outputs: name the results with --out y", hint=hint)
    if options.sample is None and (options.seed is not None or options.sampling != "uniform"):
        raise CellOptionError("--seed and --sampling are for a sweep with --sample N", hint=hint)
    for option, attribute in _REFUSED.items():
        if getattr(options, attribute):
            raise CellOptionError(f"{option} is for %%remote; a sweep's results are its grid", hint=hint)
    if options.live and options.live not in options.outputs:
        raise CellOptionError(f"--live {options.live}: it is not among the outputs {', '.join(options.outputs)}")
    if options.refine_budget is not None and not options.refine:
        raise CellOptionError("--refine-budget is for a sweep with --refine", hint=hint)
    return options


def _next(rest: Iterator[LineWord]) -> str | None:
    word = next(rest, None)
    return None if word is None else word.text


def _count(text: str, least: int = 1) -> int:
    number = int(text.replace("_", "")) if text.replace("_", "").isdigit() else -1
    if number < least:
        raise ValueError(f"{text!r} is not a whole number from {least} on")
    return number


def _expression(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


def _sampling(text: str) -> str:
    if text not in SAMPLINGS:
        raise ValueError(f"{text!r} is none of {', '.join(SAMPLINGS)}")
    return text


SWEEP_FLAGS: dict[str, Callable[[Any], None]] = {
    **FLAGS,
    "--zip": lambda options: setattr(options, "zipped", True),
    "--vectorized": lambda options: setattr(options, "vectorized", True),
    "--retry-failed": lambda options: setattr(options, "retry_failed", True),
    "--application": lambda options: setattr(options, "application", True),
}
SWEEP_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    **{option: reader for option, reader in VALUES.items() if option != "--running"},
    "--where": ("where", _expression),
    "--sample": ("sample", _count),
    "--seed": ("seed", lambda text: _count(text, 0)),
    "--sampling": ("sampling", _sampling),
    "--frame": ("frame", _expression),
    "--plan-file": ("plan_file", _expression),
    "--refine": ("refine", _expression),
    "--refine-budget": ("refine_budget", _count),
    "--live": ("live", _expression),
    "--chunk": ("chunk", _count),
    "--retries": ("retries", lambda text: _count(text, 0)),
}
_REFUSED = {"--fetch": "fetch", "--set": "set_values"}
"""Options of `%%remote` that are known, so that the answer can say why they are none here."""
SWEEP_OPTIONS = tuple(option for option in (*SWEEP_VALUES, *SWEEP_FLAGS) if option not in _REFUSED)
"""Every option of the line that a sweep can have."""
SWEEP_WITH_VALUE = frozenset(SWEEP_VALUES)
"""Those that take a value."""
_TRY_HELP = "`%%sweep?` shows the options with examples."
