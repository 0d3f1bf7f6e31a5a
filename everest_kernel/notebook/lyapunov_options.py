"""The options of a `%lyapunov` line."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..wire import CellOptionError
from .sweep_options import SWEEP_FLAGS, SWEEP_VALUES, SweepOptions, read_sweep_words, route_names

__all__ = [
    "CODES",
    "LYAPUNOV_HELP",
    "LYAPUNOV_OPTIONS",
    "LYAPUNOV_WITH_VALUE",
    "LyapunovOptions",
    "parse_lyapunov_line",
]

CODES = ("auto", "numba", "numpy")
"""What `--code` can say."""

LYAPUNOV_HELP = """\
Compute Lyapunov exponents for each point of a parameter grid, as a sweep, without writing the cell.

    %lyapunov SYSTEM NAME=VALUES [NAME=VALUES…] [options]

SYSTEM is a name of the catalogue (`everest_kernel.lyapunov.systems.names()`), or a variable of yours that holds a
System. Parameters with one value are the same at all points; those that are not named have the system's own values.
The result is a grid with L1 … Ln in descending order, their standard errors dL1 … dLn, the Kaplan-Yorke dimension
D_KY, and the class of the orbit in words. The resource needs Python and numpy; where it has numba, it is much faster.

--route R[,R…]      where (default: python)
--T TIME            averaging time (default 500; maps: 10,000 iterations)
--dt STEP           step of the Runge-Kutta method (default: the system's own)
--transient TIME    dropped before (default 50; maps: 1,000 iterations)
--renormalize TIME  between two orthonormalisations (default: five steps; maps: one iteration)
--starts N          starting points that are averaged (default 1)
--leading K         only the first K exponents
--trace-rule        take the last exponent from the sum of all, which is faster
--code WHAT         `numba` or `numpy` (default `auto`: numba where the resource has it)
--out L1,D_KY       only these columns; --out L1,kernel also tells which code ran

All options of %%sweep serve as well: --into, --live, --where, --sample, --refine, --bg, --dry-run, --fresh, …

Examples

    %lyapunov lorenz rho=20:220:401 sigma=2:20:181 beta=8/3 --T 1000 --live L1
    %lyapunov henon a=1:1.4:200 b=0.3

    from everest_kernel.lyapunov import System
    pendulum = System.flow("x' = v; v' = -g*v - sin(x) + f*cos(w*t)", defaults={"g": 0.5, "w": 2/3})
    %lyapunov pendulum f=0.9:1.5:601 --T 2000
"""
_HINT = "`%lyapunov?` shows the options with examples."


@dataclass
class LyapunovOptions(SweepOptions):
    """A parsed line.

    Attributes:
        system: its name.
        T: averaging time; None here and below: the usual one.
        dt: step.
        transient: time dropped before.
        renormalize: time between two orthonormalisations.
        starts: how many.
        leading: how many exponents.
        trace_rule: whether the last one is taken from the sum.
        code: `auto`, `numba` or `numpy`.
    """

    system: str = ""
    T: float | None = None
    dt: float | None = None
    transient: float | None = None
    renormalize: float | None = None
    starts: int = 1
    leading: int | None = None
    trace_rule: bool = False
    code: str = "auto"


def parse_lyapunov_line(line: str) -> LyapunovOptions:
    """Read the rest of a `%lyapunov` line.

    Raises:
        CellOptionError: an option that does not exist, lacks its value, or has a wrong one; no system.
    """
    options = LyapunovOptions(line=line.strip(), vectorized=True)
    plain = read_sweep_words(options, line, flags=_FLAGS, values=_VALUES, hint=_HINT)
    if len(plain) != 1:
        said = f"{plain[1]!r} is neither an option nor a parameter with values" if plain else "no system"
        raise CellOptionError(f"{said}: write %lyapunov lorenz rho=20:60:41", hint=_HINT)
    options.system = plain[0]
    options.routes = options.routes or ("python",)
    return options


def _time(text: str) -> float:
    number = float(text.replace("_", "").replace(",", ""))
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{text!r} is not a time")
    return number


def _positive(text: str) -> int:
    number = int(text) if text.isdigit() else 0
    if number < 1:
        raise ValueError(f"{text!r} is not a whole number from 1 on")
    return number


def _code(text: str) -> str:
    if text not in CODES:
        raise ValueError(f"{text!r} is none of {', '.join(CODES)}")
    return text


_FLAGS: dict[str, Callable[[Any], None]] = {
    **{name: act for name, act in SWEEP_FLAGS.items() if name != "--vectorized"},
    "--trace-rule": lambda options: setattr(options, "trace_rule", True),
}
_VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    **{name: reader for name, reader in SWEEP_VALUES.items() if name not in ("--in", "--files")},
    **{f"--{name}": (name, _time) for name in ("T", "dt", "transient", "renormalize")},
    "--route": ("routes", route_names),
    "--starts": ("starts", _positive),
    "--leading": ("leading", _positive),
    "--code": ("code", _code),
}
_NOT_HERE = ("--fetch", "--set")
LYAPUNOV_OPTIONS = tuple(option for option in (*_VALUES, *_FLAGS) if option not in _NOT_HERE)
"""Every option of the line."""
LYAPUNOV_WITH_VALUE = frozenset(_VALUES)
"""Those that take a value."""
