"""What is told of words in a `%%sweep` cell, whether it is complete, and what asking costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from everest_kernel.notebook.completeness import check_cell
from everest_kernel.notebook.inspection import inspect_cell
from everest_kernel.notebook.line_values import Notebook
from everest_kernel.notebook.sweep_options import SWEEP_OPTIONS
from everest_kernel.notebook.sweep_parameters import CONDITION_NAMES
from everest_kernel.sweeps.condition_blocks import CONSTANTS, FUNCTIONS
from tests.notebook.test_sweep_editing import NOTEBOOK


def told(code: str, notebook: Notebook = NOTEBOOK, detail: int = 0) -> str:
    """The plain text for the place of the first `|`; empty when nothing is found."""

    def python(code: str, cursor: int) -> dict[str, Any]:
        return {"status": "ok", "found": True, "data": {"text/plain": f"IPython on {code!r}"}, "metadata": {}}

    before, _, after = code.partition("|")
    reply = inspect_cell(before + after, len(before), notebook, python, detail)
    assert reply is not None
    return str(reply["data"].get("text/plain", ""))


# --- inspection


@pytest.mark.parametrize("option", SWEEP_OPTIONS)
def test_options_have_their_help(option: str) -> None:
    text = told(f"%%sweep python {option[:3]}|{option[3:]} x")
    assert text.splitlines()[0].split()[0].rstrip(",") == option
    assert "option of %%sweep" in text
    assert len(text.splitlines()[-1]) > 10
    assert "%%sweep giac" in told(f"%%sweep python {option}|", detail=1)


def test_help_goes_on_in_the_next_line() -> None:
    text = told("%%remote python --running|")
    assert text.splitlines()[-1].endswith("`attach` (follow that one) is the default, `ask` asks.")


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("r=0:28:57", "57 values from 0 to 28, both included."),
        ("r=0:28:n", "n values from 0 to 28, both included."),
        ("r=-1:low+1:0.5s", "From -1 to low+1 in steps of 0.5."),
        ("r=0:1:(h)s", "From 0 to 1 in steps of h."),
        ("r=0:1:1e-2s", "From 0 to 1 in steps of 1e-2."),
        ("r=0:28", "With --sample: drawn from 0 to 28."),
        ("r=2,8/3", "2 values: 2,8/3."),
        ("r=fast,", "1 value: fast,."),
        ("r=7", "One value: 7."),
        ("r=[1, 2]", "What [1, 2] gives."),
        ("r=(1, 2)", "What (1, 2) gives."),
        ("r=linspace(0, 1, 5)", "What linspace(0, 1, 5) gives."),
    ],
)
def test_a_parameter_is_told(written: str, what: str) -> None:
    text = f"{written}\nparameter of the sweep\n\n{what}"
    assert told(f"%%sweep octave a=1 {written}| --out y") == text
    assert told(f"%%sweep octave a=1 r|{written[1:]} --out y") == text
    assert told(f"%%sweep octave a=1 {written} --out y\ny = r| + 1;") == text
    assert told(f"%%sweep python a=1 {written} --out y\ny = r| + 1") == text


def test_units_and_faulty_values() -> None:
    assert told("%%sweep octave v[m/s]=1,2\nv|") == "v[m/s]=1,2\nparameter of the sweep, in m/s\n\n2 values: 1,2."
    for faulty in ("r=", "r=[1, 2", "r=1:", "r=:2:3", "r=1]", "r=\\", "r='"):
        assert told(f"%%sweep octave {faulty}|") == f"{faulty}\nparameter of the sweep"
    assert told("%%sweep octave r==|") == ""


def test_a_column_is_a_parameter() -> None:
    assert told("%%sweep octave --frame frame\ny = ma|ss") == "mass\nparameter of the sweep\n\nA column of frame."
    assert "pandas.DataFrame (2, 3)\n\nIts rows are the points" in told("%%sweep octave --frame fra|me")
    assert "option of %%sweep" in told("%%sweep octave --frame nowhe|re")
    assert "mass" not in told("%%sweep octave --frame frames\ny = ma|ss")


def test_a_parameter_of_a_plan_is_told(tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("parameter mesh from 1 to 3 step 1\ncommand sh ${mesh}\n")
    text = told("%%sweep shell --plan-file plan.txt\necho $me|sh", Notebook(folder=tmp_path))
    assert text == "mesh\nparameter of the sweep\n\n3 values of the plan plan.txt."


def test_other_words_are_told_as_in_a_remote_cell() -> None:
    line = "%%sweep python r=1,2 --in field --out y"
    assert "goes with --in" in told(f"{line}\nfie|ld")
    assert "goes with --in" in told("%%sweep octave r=1,2 --in fie|ld")
    assert told(f"{line}\nx.r|") == "IPython on 'x.r'"
    assert told(f"{line}\nrat|e") == "IPython on 'rate'"
    assert told("%%sweep octave r=1,2\nlins|pace").startswith("linspace (a, b, n)")
    assert "setting of giac" in told("%%sweep giac r=1,2 --with syn|tax=maple")
    assert told("%%sweep octave --live y|").startswith("--live Y\n")
    assert told("%%sweep octave --fetch| x") == told("%%sweep octave --fetch x|") == ""


def test_each_of_several_routes_is_told() -> None:
    assert told("%%sweep oct|ave,shell x=1").splitlines()[:2] == ["octave", "route to octave"]
    assert told("%%sweep octave,sh|ell x=1").splitlines()[:2] == ["shell", "route to shell"]
    assert told("%%sweep octave,|shell x=1").splitlines()[:2] == ["shell", "route to shell"]
    assert told("%%sweep ,|") == told("%%sweep -x|") == told("%%remote -x|") == ""


# --- completeness


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("%%sweep shell x=1,2 --out y", "incomplete", ""),
        ("%%sweep shell x=1,2 --out y\nif true; then", "incomplete", "  "),
        ("%%sweep shell x=1,2 --out y\ny=$x\n\n", "complete", None),
        ("  %%sweep python,python x=1,2 --out y\n  if x:", "incomplete", "      "),
        ("%%time\n%%sweep octave x=1,2 --out y\nx = [1\n\n", "incomplete", ""),
        ("%%sweep python x='a b','c' --out y\ny = = 1\n\n", "invalid", None),
    ],
)
def test_completeness(code: str, status: str, indent: str | None) -> None:
    def no_check(code: str) -> dict[str, Any]:
        raise AssertionError("this is no Python cell")

    expected = {"status": status} if indent is None else {"status": status, "indent": indent}
    assert check_cell(code, Notebook(), no_check) == expected


# --- what is written twice, and what it costs


def test_names_of_conditions_are_those_that_conditions_know() -> None:
    assert set(CONDITION_NAMES) == {*FUNCTIONS, *CONSTANTS}


def test_an_editor_does_not_wait_for_numpy() -> None:
    code = (
        "import sys\n"
        "from everest_kernel.notebook.completeness import check_cell\n"
        "from everest_kernel.notebook.completion import complete_cell\n"
        "from everest_kernel.notebook.inspection import inspect_cell\n"
        "from everest_kernel.notebook.line_values import Notebook\n"
        "line, notebook = '%%sweep shell rho=0:28:57 --out y --where ', Notebook()\n"
        "for cell in (line, line + 'r\\ny=$rh'):\n"
        "    assert complete_cell(cell, None, notebook, None)['matches']\n"
        "    assert inspect_cell(cell, None, notebook, None) is not None\n"
        "    assert check_cell(cell, notebook, None)\n"
        "loaded = {'numpy', 'pandas', 'everest_kernel.sweeps'} & set(sys.modules)\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
