"""Completion, inspection and completeness of remote cells, asked of a true kernel."""

from __future__ import annotations

import statistics
import time
from typing import Any

import pytest

from tests.support.kernel import Kernel

from .test_sweeps import bar

TYPES = "_jupyter_types_experimental"


def complete(kernel: Kernel, code: str, cursor: int | None = None) -> dict[str, Any]:
    return kernel.request("complete_request", code=code, cursor_pos=len(code) if cursor is None else cursor)


def inspect(kernel: Kernel, code: str, detail_level: int = 0) -> dict[str, Any]:
    return kernel.request("inspect_request", code=code, cursor_pos=len(code), detail_level=detail_level)


def test_python_completes_with_offsets_of_the_cell(kernel: Kernel) -> None:
    kernel.run("измерения = {'a': 1}")
    code = "%%remote python --name 'имя 🙂'\nя = '🙂'\nизмерения.ke"
    reply = complete(kernel, code + "\nmore = 1", len(code))
    assert reply["matches"] == ["keys"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == "ke"
    (kind,) = reply["metadata"][TYPES]
    assert (kind["type"], code[kind["start"] : kind["end"]]) == ("function", "ke")


def test_python_offers_names_of_the_cell_and_the_notebook_but_no_magics(kernel: Kernel) -> None:
    kernel.run("elevation = 3")
    matches = complete(kernel, "%%remote python\nelephant = 1\nele")["matches"]
    assert {"elephant", "elevation"} <= set(matches)
    assert not [match for match in complete(kernel, "%%remote python\nti")["matches"] if match.startswith("%")]


def test_another_language_completes_its_own_words(kernel: Kernel) -> None:
    kernel.run("lattice = [1, 2]")
    code = "%%time\n%%remote octave --in lattice\nl"
    matches = complete(kernel, code)["matches"]
    assert {"lattice", "linspace"} <= set(matches)
    assert "len" not in matches
    assert complete(kernel, "%%remote octave --in l")["matches"] == ["lattice"]


def test_words_values_and_python_names_are_told(kernel: Kernel) -> None:
    kernel.run("lattice = [1, 2]")
    assert "Numbers at equal distances." in inspect(kernel, "%%remote octave\nlinspace")["data"]["text/plain"]
    assert "list, goes with --in" in inspect(kernel, "%%remote octave --in lattice\nlattice")["data"]["text/plain"]
    assert "number of items" in inspect(kernel, "%%remote python\nlen")["data"]["text/plain"]
    assert "embedded" in inspect(kernel, "%%remote octave")["data"]["text/plain"]
    brief, full = (inspect(kernel, "%%remote python\nimport_module = lattice", level) for level in (0, 1))
    assert brief["found"]
    assert full["found"]
    assert not inspect(kernel, "%%remote octave\nlen")["found"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("shell\nfor i in 1 2; do", "incomplete"),
        ("shell\nfor i in 1 2; do\n  echo\n\n\n", "incomplete"),
        ("shell\nfor i in 1 2; do\n  echo\ndone\n\n", "complete"),
        ("octave\nif 1\n\n", "incomplete"),
        ("python\nif 1:\n    2\n\n", "complete"),
        ("python\nprint(\n\n", "incomplete"),
    ],
)
def test_the_language_tells_whether_a_cell_is_complete(kernel: Kernel, body: str, status: str) -> None:
    assert kernel.request("is_complete_request", code=f"%%remote {body}")["status"] == status


LONG = {
    "python": "def step(x, y, z):\n    return x * 2 + y, z - 1\n\nvalue = step(1, 2, 3)\n" * 125 + "val",
    "octave": "total = alpha * beta + linspace(0, 1, 10);\n" * 500 + "lin",
    "shell": 'if [ -e "$file" ]; then\n  echo "$file"\nfi\n' * 167 + "ec",
}


@pytest.mark.parametrize("language", LONG)
def test_long_cells_are_answered_fast(kernel: Kernel, language: str) -> None:
    code = f"%%remote {language}\n{LONG[language]}"
    for ask in (complete, inspect):
        ask(kernel, code)
        times = []
        for number in range(5):
            changed = code.replace("\n", f"\nx{number} = 1\n", 1)  # as after a keystroke: nothing is remembered
            began = time.perf_counter()
            ask(kernel, changed)
            times.append(time.perf_counter() - began)
        assert statistics.median(times) < 0.5, f"{ask.__name__}: {times}"  # 10 to 50 ms; a busy machine is slower
        print(ask.__name__, language, [f"{seconds * 1000:.0f} ms" for seconds in times])


def test_a_sweep_is_known_as_a_remote_cell_is(kernel: Kernel) -> None:
    kernel.run("lattice = [1, 2]; ratio = 3")
    line = "%%sweep python rate=0:1:11 x[m]=lattice --out y"
    code = f"{line}\ny = ra"
    reply = complete(kernel, code)
    assert {"rate", "ratio", "range"} <= set(reply["matches"])
    assert code[reply["cursor_start"] :] == "ra"
    assert {kind["text"] for kind in reply["metadata"][TYPES]} == set(reply["matches"])
    assert {"rate", "ratio"} <= set(complete(kernel, f"%%time\n{line}\ny = {{'a': ra")["matches"])
    assert complete(kernel, "%%sweep python x=[len(v) for v in latt")["matches"] == ["lattice"]
    assert {"linspace", "list"} <= set(complete(kernel, "%%sweep octave x=li")["matches"])
    assert complete(kernel, "%%sweep octave --sampling ")["matches"] == ["uniform", "lhs", "sobol"]
    assert "11 values from 0 to 1" in inspect(kernel, f"{line}\ny = rate")["data"]["text/plain"]
    assert "%%sweep" in inspect(kernel, "%%sweep python --refine")["data"]["text/plain"]
    assert kernel.request("is_complete_request", code=f"{line}\nif 1:\n    y = 2")["status"] == "incomplete"
    assert kernel.request("is_complete_request", code=f"{line}\nif 1:\n    y = 2\n\n")["status"] == "complete"


def test_a_line_of_a_system_is_known(kernel: Kernel) -> None:
    kernel.run("from everest_kernel.lyapunov import System\nlorelei = System.map('u -> r*u*(1 - u)')")
    code = "%lyapunov lor"
    reply = complete(kernel, f"{code}\nx = 1", len(code))
    assert reply["matches"] == ["lorelei", "lorenz", "lorenz_96"]
    assert code[reply["cursor_start"] : reply["cursor_end"]] == "lor"
    assert complete(kernel, "%lyapunov lorenz rho=1:2:3 s")["matches"] == ["sigma="]
    assert complete(kernel, "%lyapunov lorelei --out L")["matches"] == ["L1"]
    assert complete(kernel, "%lyapunov lorenz rho=[len(v) for v in lore")["matches"] == ["lorelei"]
    assert "a flow of 3 states" in inspect(kernel, "%lyapunov lorenz")["data"]["text/plain"]
    assert "averaging time" in inspect(kernel, "%lyapunov lorenz --T")["data"]["text/plain"].lower()
    for line in ("%lyapunov lorenz rho=1:2:3", "%lyapunov lorenz rho=[1, 2] --T 5 --bg", "  %lyapunov henon a=1,2"):
        assert kernel.request("is_complete_request", code=line)["status"] == "complete"


def test_the_id_of_a_sweep_in_the_background_is_offered(kernel: Kernel) -> None:
    opened = kernel.run_open("%%sweep python n=1:4001:4001 --out y --bg --into g\nimport time\ntime.sleep(0.05)\ny = n")
    assert "SweepJob" in (opened.result or ""), opened.error
    sweep_id = kernel.run("job = _\nprint(job.id)").text().strip()
    assert sweep_id in complete(kernel, "%cancel sweep-")["matches"]
    assert sweep_id in complete(kernel, "%attach ")["matches"]
    kernel.run(f"%cancel {sweep_id}")
    assert "was cancelled" in kernel.run("job.result()").error
    assert sweep_id not in complete(kernel, "%cancel sweep-")["matches"]
    assert sweep_id in complete(kernel, "%attach sweep-")["matches"]
    kernel.wait_for(lambda: "points, took" in bar(opened))
