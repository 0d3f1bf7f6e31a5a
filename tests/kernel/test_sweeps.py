"""`%%sweep` in a real kernel, with a real hub and its agent."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.kernel import Cell, Kernel, running_kernel


def bar(cell: Cell) -> str:
    """The last form of the progress bar."""
    kinds = ("display_data", "update_display_data")
    shown = [m["content"] for m in cell.messages if m["msg_type"] in kinds]
    bars = [
        c["data"]["text/plain"]
        for c in shown
        if " points" in c["data"]["text/plain"] and "[" in c["data"]["text/plain"]
    ]
    return str(bars[-1])


def traced(trace: Path, body: str) -> str:
    """The text of a cell that notes each point that it truly computes."""
    return f"import os\nwith open({str(trace)!r}, 'a') as _t: _t.write(f'{{x}}\\n')\n{body}"


def computed(trace: Path) -> Counter[str]:
    return Counter(trace.read_text().split()) if trace.exists() else Counter()


def test_a_sweep_gives_a_grid(kernel: Kernel) -> None:
    kernel.run("k = 10")
    cell = kernel.run("%%sweep python a=1:3:3 b=0.5,1.5 --out y,t\ny = k * a * b\nt = f'{a}/{b}'")
    assert cell.status == "ok", cell.error
    assert kernel.run("str(grid.y.tolist())").result == "'[[5.0, 15.0], [10.0, 30.0], [15.0, 45.0]]'"
    assert kernel.run("str(grid['t'][2, 1]), grid['a'].tolist()").result == "('3/1.5', [1, 2, 3])"
    assert "3 x 2 = 6 points" in cell.header
    assert "6 of 6 points" in bar(cell)


def test_the_same_points_are_not_computed_again_and_a_wider_range_computes_the_new_ones(
    kernel: Kernel, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    body = traced(trace, "y = x * 2")
    kernel.run(f"%%sweep python x=1:5:5 --out y\n{body}")
    again = kernel.run(f"%%sweep python x=1:5:5 --out y --into other\n{body}")
    assert "5 points are known from before" in again.header
    kernel.run(f"%%sweep python x=1:8:8 --out y\n{body}")
    assert computed(trace) == Counter(f"{x}" for x in range(1, 9))
    assert kernel.run("grid.y.tolist(), other.y.tolist()").result == "([2, 4, 6, 8, 10, 12, 14, 16], [2, 4, 6, 8, 10])"
    kernel.run(f"%%sweep python x=1:5:5 --out y --fresh\n{body}")
    assert computed(trace)["3"] == 2


def test_one_bad_point_costs_one_point(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    body = traced(trace, "y = 1 / (x - 700)")
    cell = kernel.run(f"%%sweep python x=0:999:1000 --out y\n{body}")
    assert cell.status == "ok", cell.error
    assert "1 failed" in bar(cell)
    assert kernel.run("grid.done, len(grid.failures), grid.failures[0].params").result == "(999, 1, {'x': 700})"
    assert kernel.run("grid.failures[0].error").result == "'ZeroDivisionError: division by zero (line 3 of the cell)'"
    assert computed(trace) == Counter(f"{x}" for x in range(1000))
    kernel.run(f"%%sweep python x=0:999:1000 --out y\n{body}")
    assert computed(trace)["700"] == 1
    kernel.run(f"%%sweep python x=0:999:1000 --out y --retry-failed\n{body}")
    assert computed(trace) == Counter([*(f"{x}" for x in range(1000)), "700"])


def test_a_point_that_kills_its_process_costs_one_point(kernel: Kernel) -> None:
    cell = kernel.run("%%sweep python x=0:99:100 --out y\nimport os\nif x == 50: os.kill(os.getpid(), 11)\ny = x")
    assert cell.status == "ok", cell.error
    assert kernel.run("grid.done, grid.failures[0].error").result == "(99, 'the process was ended by signal 11')"


def test_when_all_points_fail_the_cell_fails_with_the_common_error(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    body = traced(trace, "import time\ntime.sleep(0.01)\ny = missing_name")
    cell = kernel.run(f"%%sweep python x=0:99999:100000 --out y\n{body}")
    assert cell.status == "error"
    assert cell.error.count("NameError: name 'missing_name' is not defined") == 1
    assert sum(computed(trace).values()) < 1000


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("%%sweep python x=1:0:0 --out y\ny = x", "x"),
        ("%%sweep python x=1,2 --out x\nx = 1", "'x' is a parameter and an output"),
        ("%%sweep python class=1,2 --out y\ny = 1", "class"),
        ("%%sweep python x=1,2 --out y\n", "the cell is empty"),
        ("%%sweep python x=1,2 --out y\ny = = x", "syntax"),
        ("%%sweep python,shell x=1,2 --out y\ny = x", "different languages"),
        ("%%sweep shell x=1,2 --out y --vectorized\ny=1", "--vectorized is for Python"),
        ("%%sweep python x=0:1:100000 z=0:1:100000 --out y\ny = x", "10,000,000,000 points"),
        ("%%sweep python x=1,2 --out y --where q>1\ny = x", "q"),
        ("%%sweep python --out y --frame nowhere\ny = x", "nowhere"),
        ("%%sweep python x=1,2 --in x --out y\ny = x", "it is a parameter of the sweep"),
    ],
)
def test_bad_lines_are_refused_before_anything_is_sent(kernel: Kernel, cell: str, told: str) -> None:
    refused = kernel.run(cell)
    assert refused.status == "error"
    assert told in refused.error
    assert "Traceback" not in refused.error


def test_a_space_too_large_to_list_is_described(kernel: Kernel) -> None:
    cell = kernel.run("%%sweep python x=0:1:100000 z=0:1:10000 --out y --dry-run\ny = x + z")
    assert cell.status == "ok", cell.error
    assert "1,000,000,000 points" in cell.text()
    assert "x = 1.0\nz = 1.0\ny = x + z" in cell.text()
    assert "parameter z 0" in cell.text()
    assert len(cell.text()) < 5000


def test_outputs_of_different_shapes_fail_the_odd_points(kernel: Kernel) -> None:
    cell = kernel.run("%%sweep python x=1,2,3 --out y\ny = [1.0, 2.0] if x != 2 else [1.0]")
    assert cell.status == "ok", cell.error
    assert kernel.run("grid.done, grid.failed").result == "(2, 1)"
    assert "shape" in (kernel.run("grid.failures[0].error").result or "")


def test_other_languages_sweep_too(kernel: Kernel) -> None:
    cell = kernel.run('%%sweep shell n=1:6:6 --out m,w --in k\nm=$((n * k))\nw="n$n"')
    assert "k" in cell.error
    kernel.run("k = 3")
    cell = kernel.run('%%sweep shell n=1:6:6 --out m,w --in k\n[ $n != 4 ] || exit 5\nm=$((n * k))\nw="n$n"')
    assert cell.status == "ok", cell.error
    assert kernel.run("grid.m.tolist()").result == "[3, 6, 9, None, 15, 18]"
    assert kernel.run("grid.failures[0].error").result == "'the program ended with exit code 5'"


def test_a_sweep_in_the_background_fills_its_grid(kernel: Kernel) -> None:
    cell = kernel.run_open("%%sweep python x=1:40:40 --out y --bg --into g\nimport time\ntime.sleep(0.01)\ny = x")
    assert cell.status == "ok", cell.error
    assert "SweepJob" in (cell.result or "")
    assert kernel.run("job = _\n1 + 1").result == "2"
    assert kernel.run("(await job) is g, g.done").result == "(True, 40)"
    kernel.wait_for(lambda: "40 of 40 points" in bar(cell))


def test_nested_in_time(kernel: Kernel) -> None:
    cell = kernel.run("%%time\n%%sweep python x=1,2 --out y\ny = x + 1")
    assert cell.status == "ok", cell.error
    assert "Wall time" in cell.text()
    assert kernel.run("grid.y.tolist()").result == "[2, 3]"


def test_an_interrupt_keeps_what_there_is(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    body = traced(trace, "import time\nif x > 10: time.sleep(0.2)\ny = x")
    sent = False

    def watch(cell: Cell, message: dict[str, Any]) -> None:
        nonlocal sent
        if not sent and len(computed(trace)) > 20:
            sent = True
            kernel.manager.interrupt_kernel()

    cell = kernel.run(f"%%sweep python x=1:400:400 --out y\n{body}", watch=watch)
    assert cell.status == "error"
    assert "the sweep was interrupted; its jobs are cancelled" in cell.error
    assert "computes only what is missing" in cell.error
    done = int(kernel.run("grid.done").result or 0)
    assert 0 < done < 400
    assert kernel.run("%jobs --state running").status == "ok"
    again = kernel.run(f"%%sweep python x=1:20:20 --out y\n{body}")
    assert again.status == "ok"
    assert kernel.run("grid.done").result == "20"


def test_a_killed_kernel_loses_nothing_and_the_next_one_goes_on(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    cell = f"%%sweep python x=1:120:120 --out y\n{traced(trace, 'import time; time.sleep(0.05)')}\ny = x * x"
    with running_kernel(tmp_path, keep_hub=True) as kernel:
        kernel.send_cell(cell)
        while len(computed(trace)) < 50:
            kernel.client.get_iopub_msg(timeout=20)
        os.kill(kernel.manager.provisioner.pid, signal.SIGKILL)  # type: ignore[union-attr]
    with running_kernel(tmp_path) as kernel:
        resumed = kernel.run(cell)
        assert resumed.status == "ok", resumed.error
        assert kernel.run("int(grid.y.sum()) == sum(x * x for x in range(1, 121))").result == "True"
    counted = computed(trace)
    assert len(counted) == 120
    assert sum(counted.values()) <= 122


def test_one_job_of_the_sweep_application_gives_the_same_grid(kernel: Kernel) -> None:
    text = "if x == 13: raise ValueError('no')\ny = [x, x * 0.5]"
    cell = kernel.run(f"%%sweep python x=0:99:100 --out y --fresh --application --into one\n{text}")
    assert cell.status == "ok", cell.error
    assert "100 of 100 points, 1 failed" in bar(cell)
    kernel.run(f"%%sweep python x=0:99:100 --out y --fresh --into many\n{text}")
    same = "numpy.array_equal(one.y, many.y, equal_nan=True), one.failures[0].error == many.failures[0].error"
    assert kernel.run(f"import numpy\n{same}").result == "(True, True)"
    shell = kernel.run("%%sweep shell n=1:20:20 --out m --application\n[ $n != 7 ] || exit 5\nm=$((n * n))")
    assert shell.status == "ok", shell.error
    assert kernel.run("grid.done, int(grid.m.sum())").result == f"(19, {sum(n * n for n in range(21)) - 49})"


def test_a_point_that_ends_its_task_in_the_sweep_application_is_found(kernel: Kernel) -> None:
    cell = kernel.run("%%sweep shell n=1:20:20 --out m --fresh --application\n[ $n != 7 ] || kill -9 $PPID\nm=$n")
    assert cell.status == "ok", cell.error
    assert kernel.run("grid.done, grid.failures[0].params").result == "(19, {'n': 7})"


def test_a_call_starts_a_sweep(kernel: Kernel) -> None:
    kernel.run("import everest_kernel")
    call = "everest_kernel.sweep('python', 'y = k * x', {'x': range(4), 'z': '1:2:2'}, outputs=['y'], inputs={'k': 2})"
    cell = kernel.run(f"job = {call}\n(await job).y.tolist()")
    assert cell.result == "[[0, 0], [2, 2], [4, 4], [6, 6]]", cell.error
    assert "is no option" not in cell.error


def test_a_sweep_in_the_background_is_cancelled_and_attached_by_its_id(kernel: Kernel) -> None:
    text = "import time\ntime.sleep(0.05)\ny = x"
    opened = kernel.run_open(f"%%sweep python x=1:4000:4000 --out y --bg --into g\n{text}")
    assert "SweepJob" in (opened.result or "")
    sweep_id = str(kernel.run("job = _\nprint(job.id)").text()).strip()
    assert "its jobs are being cancelled" in kernel.run(f"%cancel {sweep_id}").text()
    cell = kernel.run(f"%attach {sweep_id}")
    assert "the sweep was cancelled" in cell.error
    assert "this kernel has no sweep sweep-0" in kernel.run("%attach sweep-0").error
    kernel.wait_for(lambda: "points, took" in bar(opened))


def test_samples_frames_and_zips(kernel: Kernel) -> None:
    kernel.run("import pandas\nframe = pandas.DataFrame({'a': [1, 2], 'b': ['u', 'v']})")
    assert kernel.run("%%sweep python --frame frame --out y\ny = b * a").status == "ok"
    assert kernel.run("grid.y.tolist()").result == "['u', 'vv']"
    assert kernel.run("%%sweep python a=1,2 b=3,4 --zip --out y\ny = a * b").status == "ok"
    assert kernel.run("grid.y.tolist()").result == "[3, 8]"
    assert (
        kernel.run("%%sweep python a=0:1:2 b=0:1:2 --sample 32 --seed 1 --sampling sobol --out y\ny = a + b").status
        == "ok"
    )
    assert kernel.run("grid.done, grid.shape").result == "(32, (32,))"


def test_a_vectorized_refined_border(kernel: Kernel) -> None:
    text = "y = a * a + b * b - 1"
    cell = kernel.run(f"%%sweep python a=-2:2:65 b=-2:2:65 --out y --vectorized --refine y=0 --live y\n{text}")
    assert cell.status == "ok", cell.error
    assert 0 < int(kernel.run("grid.done").result or 0) < 0.6 * 65 * 65


def test_kept_points_are_listed_and_dropped(kernel: Kernel) -> None:
    cell = "%%sweep python x=1:7:7 --out kept\nkept = -x"
    kernel.run(cell)
    listed = kernel.run("%everest sweeps").displays[0]["data"]["text/plain"]
    assert "python x=1:7:7 --out kept" in listed
    assert "cannot be followed by 'all'" in kernel.run("%everest sweeps all").error
    assert "points are dropped" in kernel.run("%everest sweeps clear").displays[0]["data"]["text/plain"]
    assert "known from before" not in kernel.run(cell).header


def test_a_point_that_takes_too_long_is_found(kernel: Kernel) -> None:
    cell = kernel.run("%%sweep python x=0:3:4 --out y --time-limit 1s --retries 0\nwhile x == 2: pass\ny = x")
    assert cell.status == "ok", cell.error
    failure = kernel.run("f = grid.failures[0]\nf.params, f.error, len(f.job), f.resource != ''").result
    assert failure == "({'x': 2}, 'it was killed at its time limit of 1 s', 24, True)"
