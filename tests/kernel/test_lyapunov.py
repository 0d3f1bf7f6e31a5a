"""`%lyapunov` in a kernel: a grid without writing the cell."""

from __future__ import annotations

import pytest

from tests.support.kernel import Kernel

from .test_sweeps import bar

SHORT = "--T 20 --transient 5 --code numpy"


def test_a_grid_of_a_system_of_the_catalogue(kernel: Kernel) -> None:
    cell = kernel.run(f"%lyapunov lorenz rho=10,28 sigma=9:11:3 beta=8/3 {SHORT}", limit=60)
    assert cell.status == "ok", cell.error
    shape = kernel.run("list(grid.to_xarray().dims), grid.L1.shape, grid.failed")
    assert shape.result == "(['rho', 'sigma'], (2, 3), 0)"
    assert kernel.run("bool((grid.L1[0] < 0).all() and (grid.L1[1] > 0.3).all())").result == "True"
    check = "bool(abs(grid.L1 + grid.L2 + grid.L3 + grid.sigma + 1 + 8/3).max() < 1e-4)"
    assert kernel.run(check).result == "True"
    assert kernel.run("set(grid.orbit[0].tolist())").result == "{'fixed point'}"
    again = kernel.run(f"%lyapunov lorenz rho=10,28 sigma=9:11:3 beta=8/3 {SHORT}")
    assert again.status == "ok"
    assert again.seconds < cell.seconds


def test_a_system_of_the_users_own(kernel: Kernel) -> None:
    kernel.run("from everest_kernel.lyapunov import System\nmine = System.map('u -> r*u*(1 - u)', start=[0.3])")
    cell = kernel.run("%lyapunov mine r=2.5,3.2,4 --T 2000 --into found --code numpy --out L1", limit=60)
    assert cell.status == "ok", cell.error
    assert kernel.run("[round(v, 3) for v in found.L1.tolist()[:2]]").result == "[-0.693, -0.916]"


def test_it_goes_on_in_the_background_and_inside_other_magics(kernel: Kernel) -> None:
    cell = kernel.run_open(f"%lyapunov henon a=1.0,1.2 b=0.3 {SHORT} --bg --into one")
    assert cell.status == "ok", cell.error
    assert kernel.run("job = _\n1").result == "1"
    timed = kernel.run(f"%time %lyapunov henon a=1.1,1.3 b=0.3 {SHORT} --into two", limit=60)
    assert timed.status == "ok", timed.error
    assert kernel.run("two.L1.shape").result == "(2,)"
    assert kernel.run("(await job) is one, one.L1.shape").result == "(True, (2,))"
    kernel.wait_for(lambda: "2 of 2 points" in bar(cell))


def test_a_dry_run_sends_nothing(kernel: Kernel) -> None:
    cell = kernel.run("%lyapunov lorenz rho=1:100:1001 --dry-run")
    assert "1,001" in cell.text()
    assert "lyapunov_worker" in cell.text()


def test_a_step_that_is_too_large_is_told(kernel: Kernel) -> None:
    cell = kernel.run("%lyapunov lorenz rho=28,30 --T 20 --transient 1 --dt 0.06 --code numpy --fresh", limit=60)
    assert "dt = 0.06 is too large" in cell.text("stderr")


def test_a_line_says_what_it_will_be(kernel: Kernel) -> None:
    cell = kernel.run(f"%lyapunov lorenz rho=10,28 sigma=9:11:3 {SHORT} --dry-run")
    assert cell.text().startswith(
        "Lorenz: 6 points, T = 20 after 5, dt = 0.005: under a second of computing\nThat is so little"
    )


CALL = "everest_kernel.sweep('python', {system}, {{{parameters}}}, {more})"


def call(system: str, parameters: str, more: str = "") -> str:
    times = f"T=20, transient=5, kernel='numpy', {more}"
    return CALL.format(system=system, parameters=parameters, more=times)


def test_a_call_sweeps_a_system_as_the_line_does(kernel: Kernel) -> None:
    kernel.run("import everest_kernel\nfrom everest_kernel.lyapunov import System, systems")
    kernel.run(f"%lyapunov lorenz rho=10,28 sigma=9:11:3 beta=8/3 {SHORT}", limit=60)
    started = call("systems.lorenz()", "'rho': [10, 28], 'sigma': '9:11:3', 'beta': 8/3")
    cell = kernel.run(f"job = {started}\nfound = await job\nfound.outputs == grid.outputs, found.shape", limit=60)
    assert cell.result == "(True, (2, 3))", cell.error
    assert "6 kept from before" in bar(cell), "it is the same program"
    assert kernel.run("bool((found.L1 == grid.L1).all()), str(found.orbit[0, 0])").result == "(True, 'fixed point')"
    started = call("System.map('u -> r*u*(1 - u)')", "'r': 2.5", "leading=1, outputs=['L1', 'kernel'], starts=2")
    cell = kernel.run(f"one = ({started}).result()\none.shape, one.outputs, one.kernel[0][:5]", limit=60)
    assert cell.result == "((1,), ('L1', 'kernel'), 'numpy')", cell.error


@pytest.mark.parametrize(
    ("started", "said"),
    [
        (call("systems.lorenz()", ""), "no parameters"),
        (call("systems.lorenz()", "'r': [1, 2]"), "no parameter 'r'; its parameters: sigma, rho, beta"),
        (call("systems.lorenz()", "'rho': [1, 2]", "outputs=['L4']"), "the columns are L1, L2, L3"),
        (call("systems.lorenz()", "'rho': [1, 2]", "inputs={'k': 1}"), "inputs are for a program that is a text"),
        (call("systems.lorenz()", "'rho': [1, 2]", "leading=4"), "between 1 and 3"),
        (call("systems.lorenz()", "'rho': [1, 2]").replace("numpy", "fortran"), "one of auto, numba, numpy"),
        (call("systems.lorenz()", "'rho': [1, 2]").replace("'python'", "'shell'"), "is for Python"),
        (call("'y = x'", "'x': [1, 2]", "outputs=['y']"), "T is for the sweep of a System"),
        (call("systems.lorenz", "'rho': [1, 2]"), "or a System, not a function"),
        ("everest_kernel.sweep('python', 'y = x', {'x': [1, 2]})", "name the results"),
    ],
)
def test_senseless_calls_are_refused(kernel: Kernel, started: str, said: str) -> None:
    kernel.run("import everest_kernel\nfrom everest_kernel.lyapunov import systems")
    cell = kernel.run(started)
    assert cell.status == "error"
    assert said in cell.error


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no system"),
        ("lorentz rho=1:2:3", "lorenz"),
        ("lorenz r=1:2:3", "no parameter 'r'; its parameters: sigma, rho, beta"),
        ("lorenz rho=1:2:3 --T 0", "T must be a positive"),
        ("lorenz rho=1:2:3 --T -5", "is not a time"),
        ("lorenz rho=1:2:3 --leading 4", "between 1 and 3"),
        ("lorenz rho=1:2:3 --out L4", "the columns are L1, L2, L3"),
        ("lorenz rho=1:2:3 --code fortran", "none of auto, numba, numpy"),
        ("lorenz rho=1:2:3 --vectorized", "unknown option --vectorized"),
        ("lorenz rho=1:2:3 --route shell", "is for Python"),
        ("lorenz rho=1:2:3 --renormalize 0.001", "shorter than one step"),
        ("henon a=1,1.2 --trace-rule --dt 0.5", "a map has iterations"),
    ],
)
def test_senseless_lines_are_refused(kernel: Kernel, line: str, said: str) -> None:
    cell = kernel.run(f"%lyapunov {line}")
    assert cell.status == "error"
    assert said in cell.error
