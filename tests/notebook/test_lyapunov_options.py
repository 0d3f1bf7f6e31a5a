"""The line of `%lyapunov`, read; and what is told before its sweep starts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.lyapunov import System, systems
from everest_kernel.lyapunov.codegen import program_for
from everest_kernel.lyapunov.spectrum import schedule_for
from everest_kernel.notebook.lyapunov_cost import Plan, announcement, seconds_of
from everest_kernel.notebook.lyapunov_options import (
    LYAPUNOV_HELP,
    LYAPUNOV_OPTIONS,
    LYAPUNOV_WITH_VALUE,
    parse_lyapunov_line,
)
from everest_kernel.wire import CellOptionError


def test_a_whole_line() -> None:
    options = parse_lyapunov_line(
        "rho=20:60:41 lorenz beta=8/3 --T 1_000 --dt=0.002 --transient 20 --renormalize 0.1 --starts 4 --trace-rule "
        "--code numpy --out L1,D_KY --route python,lab --where 'rho > 24' --into g --bg"
    )
    assert (options.system, options.space) == ("lorenz", ["rho=20:60:41", "beta=8/3"])
    assert (options.T, options.dt, options.transient, options.renormalize) == (1000.0, 0.002, 20.0, 0.1)
    assert (options.starts, options.leading, options.trace_rule, options.code) == (4, None, True, "numpy")
    assert (options.outputs, options.routes, options.where) == (("L1", "D_KY"), ("python", "lab"), "rho > 24")
    assert (options.into, options.background) == ("g", True)


def test_what_is_not_said_is_usual() -> None:
    options = parse_lyapunov_line("henon a=1:1.4:5")
    assert (options.T, options.dt, options.transient, options.renormalize) == (None, None, None, None)
    assert (options.starts, options.leading, options.trace_rule, options.code) == (1, None, False, "auto")
    assert (options.outputs, options.routes) == (None, ("python",))


@pytest.mark.parametrize(
    ("line", "attribute", "value"),
    [
        ("lorenz --T 10,000", "T", 10_000.0),
        ("lorenz --transient 0", "transient", 0.0),
        ("lorenz --leading 2", "leading", 2),
        ("lorenz rho=[20, 30] sigma=(1, 2)", "space", ["rho=[20, 30]", "sigma=(1, 2)"]),
        ("lorenz --route a --route b,b", "routes", ("a", "b")),
        ("lorenz --code auto", "code", "auto"),
        ("'my system' x=1,2", "system", "my system"),
    ],
)
def test_a_word_of_the_line(line: str, attribute: str, value: object) -> None:
    assert getattr(parse_lyapunov_line(line), attribute) == value


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "no system"),
        ("rho=1:2:3", "no system"),
        ("lorenz roessler", "'roessler' is neither an option nor a parameter"),
        ("lorenz rho=1:2:3 --T -1", "'-1' is not a time"),
        ("lorenz rho=1:2:3 --T nan", "'nan' is not a time"),
        ("lorenz rho=1:2:3 --T soon", "soon"),
        ("lorenz rho=1:2:3 --T", "--T"),
        ("lorenz rho=1:2:3 --starts 0", "'0' is not a whole number from 1 on"),
        ("lorenz rho=1:2:3 --leading 1.5", "'1.5' is not a whole number"),
        ("lorenz rho=1:2:3 --code fortran", "'fortran' is none of auto, numba, numpy"),
        ("lorenz rho=1:2:3 --vectorized", "unknown option --vectorized"),
        ("lorenz rho=1:2:3 --in a", "unknown option --in"),
        ("lorenz rho=1:2:3 --trace-rul", "Did you mean --trace-rule?"),
        ("lorenz rho=1:2:3 -T 5", "unknown option -T"),
        ("lorenz rho=[1, 2 --T 5", "a bracket is not closed"),
    ],
)
def test_what_cannot_be_read_is_said(line: str, told: str) -> None:
    with pytest.raises(CellOptionError, match=re.escape(told)):
        parse_lyapunov_line(line)


def test_the_options_of_the_help_are_those_of_the_line() -> None:
    own = set(re.findall(r"^(--[\w-]+)", LYAPUNOV_HELP, re.MULTILINE))
    shared = set(re.findall(r"--[\w-]+", LYAPUNOV_HELP.partition("serve as well:")[2].partition("\n\n")[0]))
    assert own | shared <= set(LYAPUNOV_OPTIONS)
    assert set(LYAPUNOV_OPTIONS) >= LYAPUNOV_WITH_VALUE - {"--fetch", "--set"}
    assert not {"--fetch", "--set", "--in", "--files", "--vectorized"} & set(LYAPUNOV_OPTIONS)


# --- what is told before


def plan(system: System, *, starts: int = 1, leading: int | None = None, **times: float) -> Plan:
    usual = dict.fromkeys(("T", "dt", "transient", "renormalize"))
    return Plan(program_for(system, leading=leading, trace_rule=False), schedule_for(system, **usual | times), starts)


LORENZ = systems.lorenz()


def test_a_line_says_what_the_sweep_will_be() -> None:
    text = announcement(LORENZ, plan(LORENZ, T=1000), 4096, "auto")
    said = r"Lorenz: 4,096 points, T = 1,000 after 50, dt = 0.005: about \d+ s of computing \(about \d+ min where .*\)"
    assert re.fullmatch(said, text)
    assert "of computing (" not in announcement(LORENZ, plan(LORENZ), 40_000, "numpy")
    assert ", 16 starts: " in announcement(LORENZ, plan(LORENZ, starts=16), 4000, "numpy")
    henon = systems.henon()
    assert announcement(henon, plan(henon, transient=0), 1, "auto").startswith("Hénon: 1 point, 10,000 iterations: ")
    assert announcement(System.map("x -> r*x"), plan(henon), 9, "numpy").startswith("The system: 9 points")


@pytest.mark.parametrize(("points", "advised"), [(1, True), (10_000, False)])
def test_what_is_soon_done_here_is_told(points: int, advised: bool) -> None:
    text = announcement(LORENZ, plan(LORENZ, T=20, transient=5), points, "numpy")
    assert ("spectrum(...) here would do" in text) is advised
    assert ("under a second" in text) is advised


@given(st.integers(1, 10**6), st.integers(1, 64), st.integers(1, 3), st.sampled_from(["numba", "numpy"]))
def test_more_takes_longer(points: int, starts: int, leading: int, code: str) -> None:
    least = seconds_of(LORENZ, plan(LORENZ, starts=starts, leading=leading), points, code)
    assert least > 0
    assert least < seconds_of(LORENZ, plan(LORENZ, starts=starts + 1, leading=leading), points, code)
    assert least < seconds_of(LORENZ, plan(LORENZ, starts=starts, leading=leading, T=2000), points, code)
    assert least < seconds_of(LORENZ, plan(LORENZ, starts=starts, leading=leading, dt=0.001), points, code)
    assert least <= seconds_of(LORENZ, plan(LORENZ, starts=starts), points, code)
    assert seconds_of(LORENZ, plan(LORENZ, starts=starts, leading=leading), points, "numba") <= least
