"""What an editor knows of a `%lyapunov` line: completion, inspection, completeness."""

from __future__ import annotations

from pathlib import Path

import pytest

from everest_kernel.lyapunov import System
from everest_kernel.notebook.completeness import check_cell
from everest_kernel.notebook.completion import complete_cell
from everest_kernel.notebook.line_values import Notebook
from everest_kernel.notebook.lyapunov_options import LYAPUNOV_HELP, LYAPUNOV_OPTIONS
from everest_kernel.notebook.sweep_parameters import MAKERS

from .test_sweep_editing import complete as complete_with
from .test_sweep_editing import ipython, no_python
from .test_sweep_inspection import told as told_with

MINE = System.flow("x' = v; v' = -g*v - x + f*cos(w*t)", name="pendulum", defaults={"g": 0.5}, start=[0.1, 0.2])
NOTEBOOK = Notebook({"lorelei": MINE, "lorry": 3, "_lor": MINE, "rossler": MINE}, {}, Path())


def complete(code: str) -> list[str]:
    return complete_with(code, NOTEBOOK)


def told(code: str, detail: int = 0) -> str:
    return told_with(code, NOTEBOOK, detail)


@pytest.mark.parametrize(
    ("code", "matches"),
    [
        ("%lyapunov lor", ["lorelei", "lorenz", "lorenz_96"]),
        ("x = 1\n%lyapunov lor|\ny = 2", ["lorelei", "lorenz", "lorenz_96"]),
        ("%time %lyapunov hen", ["henon", "henon_heiles"]),
        ("%lyapunov rho=1:2:3 lorenz_", ["lorenz_96"]),
        ("%lyapunov lorenz r", ["rho="]),
        ("%lyapunov lorenz rho=1:2:3 r", []),
        ("%lyapunov lorenz s| sigma=3", []),
        ("%lyapunov lorelei ", ["g=", "f=", "w=", *LYAPUNOV_OPTIONS]),
        ("%lyapunov nowhere ", list(LYAPUNOV_OPTIONS)),
        ("%lyapunov lorenz --t", ["--time-limit", "--transient", "--trace-rule"]),
        ("%lyapunov lorenz --vec", []),
        ("%lyapunov lorenz --code ", ["auto", "numba", "numpy"]),
        ("%lyapunov lorenz --code=num", ["numba", "numpy"]),
        ("%lyapunov lorenz --out L", ["L1", "L2", "L3"]),
        ("%lyapunov lorenz --out L1,L", ["L2", "L3"]),
        ("%lyapunov lorelei --out=L", ["L1", "L2", "L3"]),
        ("%lyapunov lorenz --leading 2 --out ", ["L1", "L2", "dL1", "dL2", "D_KY", "orbit", "kernel"]),
        ("%lyapunov lorenz --leading many --out L", ["L1", "L2", "L3"]),
        ("%lyapunov nowhere --out ", ["kernel"]),
        ("%lyapunov lorenz --live L", ["L1", "L2", "L3"]),
        ("%lyapunov lorenz --out L2,orbit --live ", ["L2"]),
        ("%lyapunov lorenz --refine L", ["L1=", "L2=", "L3="]),
        ("%lyapunov lorenz --refine L1=", []),
        ("%lyapunov lorenz --route ", ["python"]),
        ("%lyapunov lorenz rho=1:2:3 --where r", ["rho", "round"]),
        ("%lyapunov lorenz --sampling l", ["lhs"]),
        ("%lyapunov lorenz rho=", list(MAKERS)),
    ],
)
def test_on_the_line(code: str, matches: list[str]) -> None:
    assert complete(code) == matches


def test_values_of_a_parameter_are_python() -> None:
    assert complete_with("%lyapunov lorenz rho=[v for v in lor", NOTEBOOK, ipython("lorry", back=3)) == ["lorry"]


@pytest.mark.parametrize("code", ["%lyapunov", "%lyapunov lorenz\nlor", "x = '%lyapunov lor", "%lyapunovs lor"])
def test_other_places_are_left_to_ipython(code: str) -> None:
    assert complete_cell(code, None, NOTEBOOK, no_python) is None


def test_routes_of_python_are_offered(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text("[routes.lab]\nlanguage='python'\n[routes.lap]\nlanguage='shell'\n")
    notebook = Notebook({}, {}, tmp_path)
    assert complete_with("%lyapunov lorenz --route la", notebook) == ["lab"]
    assert complete_with("%lyapunov lorenz --route lab,", notebook) == ["python"]
    (tmp_path / "everest.toml").write_text("not toml")
    assert complete_with("%lyapunov lorenz --route ", notebook) == []


# --- inspection


def test_a_system_is_told() -> None:
    equations, what, *more = [line for line in told("%lyapunov lor|enz rho=1:2:3").split("\n") if line][2:]
    assert told("%lyapunov lorenz").startswith("x' = sigma*")
    assert equations.startswith("z' = ")
    assert what == "Lorenz: a flow of 3 states, dt = 0.005"
    assert more == ["Parameters: sigma = 10, rho = 28, beta = 2.66667.", "Start: x = 0.5, y = 1, z = 1.5."]
    assert "J. Atmos. Sci." in told("%lyapunov lorenz", detail=1)


def test_a_system_of_the_users_is_told() -> None:
    text = told("%lyapunov f=1,2 lorelei|")
    assert "pendulum: a driven flow of 2 states" in text
    assert "Parameters: g = 0.5, f, w." in text
    assert "a map of 1 state\n" in told("%lyapunov logistic")
    assert "Parameters: none." in told("%lyapunov arnold_cat")
    long = told("%lyapunov lorenz_96")
    assert "… and 28 more" in long
    assert "x11 = " in long
    assert "x12 = " not in long
    assert told("%lyapunov lorry") == told("%lyapunov nowhere") == told("%lyapunov ''") == ""


def test_a_parameter_is_told_with_the_systems_own_value() -> None:
    text = told("%lyapunov lorenz r|ho=20:60:41")
    assert text.startswith("rho=20:60:41\nparameter of the sweep\n\n41 values from 20 to 60")
    assert text.endswith("The system's own value: 28.")
    assert "own value" not in told("%lyapunov lorelei f|=1,2")


@pytest.mark.parametrize("option", LYAPUNOV_OPTIONS)
def test_options_have_their_help(option: str) -> None:
    text = told(f"%lyapunov lorenz {option[:3]}|{option[3:]} x")
    assert text.splitlines()[0].split()[0].rstrip(",") == option
    assert "option of %lyapunov" in text
    assert len(text.splitlines()[-1]) > 10
    assert LYAPUNOV_HELP.splitlines()[0] in told(f"%lyapunov lorenz {option}|", detail=1)


def test_options_have_the_words_of_this_magic() -> None:
    assert told("%lyapunov lorenz --out|").splitlines()[-1].startswith("Only these columns")
    assert told("%lyapunov lorenz --T 5|").splitlines()[0] == "--T TIME"
    assert told("%lyapunov lorenz --route pyth|on").splitlines()[:2] == ["python", "route to python"]
    assert told("%lyapunov lorenz --route=pyth|on").splitlines()[:2] == ["python", "route to python"]


# --- completeness


def test_a_line_is_left_to_ipython_which_calls_it_complete() -> None:
    assert check_cell("%lyapunov lorenz rho=1:2:3", NOTEBOOK, no_python) is None  # type: ignore[arg-type]
