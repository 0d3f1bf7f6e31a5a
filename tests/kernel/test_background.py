"""Cells with `--bg`: other cells run meanwhile, and everything of the job stays with the cell that started it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kernel import Kernel

GATED = "until [ -e {gate} ]; do sleep 0.01; done"


def test_a_background_cell_returns_at_once_and_others_run_meanwhile(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    started = kernel.run_open(f"%%remote shell --bg --into job --out x\n{GATED.format(gate=gate)}\nx=7; echo late")
    assert started.status == "ok", started.error
    assert kernel.run("1 + 1").result == "2"
    assert kernel.run("job.done()").result == "False"
    other = kernel.run("%%remote shell\necho other")
    assert other.text() == "other\n"
    gate.touch()
    kernel.wait_for(lambda: ": done in " in started.job)
    assert started.text() == "late\n", "its output is with the cell that started it"
    assert kernel.run("job.result()").result == "{'x': '7'}"
    assert kernel.run("job.status, job.done(), job.route").result == "('done', True, 'shell')"
    assert kernel.run("'x' in globals()").result == "False", "nothing is set that nobody asked for"


def test_the_display_of_a_job_is_kept_true(kernel: Kernel) -> None:
    cell = kernel.run_open("%%remote python --bg\nprint('working')\n6 * 7")
    kernel.wait_for(lambda: bool(cell.displays))
    shown = [m["content"] for m in cell.messages if m["msg_type"] == "display_data"]
    assert [c["metadata"].get("everest_job", False) for c in shown] == [True, False], "one display, and the last value"
    ids = {c["transient"]["display_id"] for c in cell.of("update_display_data")}
    assert ids == {shown[0]["transient"]["display_id"]}
    assert "<table>" in shown[0]["data"]["text/html"]
    assert ": done in " in cell.job
    assert shown[1]["data"]["text/plain"] == "42"
    assert cell.text() == "working\n"


def test_a_job_can_be_awaited(kernel: Kernel) -> None:
    cell = kernel.run_open("%%remote python --bg --into job\ny = 5")
    assert kernel.run("(await job)['y']").result == "5"
    kernel.wait_for(lambda: ": done in " in cell.job)


def test_values_are_set_only_if_asked(kernel: Kernel) -> None:
    cell = kernel.run_open("%%remote python --bg --set --into job\nz = [1, 2]")
    kernel.run("await job")
    kernel.wait_for(lambda: ": done in " in cell.job)
    assert kernel.run("z").result == "[1, 2]"


def test_a_failure_is_told_where_it_belongs_and_raised_where_it_is_asked(kernel: Kernel) -> None:
    cell = kernel.run_open("%%remote python --bg --into job --fresh\n1 / 0")
    assert cell.status == "ok"
    kernel.wait_for(lambda: "JobFailedError" in cell.text("stderr"))
    assert ": failed in " in cell.job
    assert "line 1 of the cell" in cell.text("stderr")
    asked = kernel.run("job.result()")
    assert asked.reply["ename"] == "JobFailedError"
    assert kernel.run("await job").reply["ename"] == "JobFailedError"


def test_a_background_job_is_cancelled(kernel: Kernel) -> None:
    cell = kernel.run_open("%%remote shell --bg --into job\necho ready; sleep 600")
    kernel.wait_for(lambda: "ready" in cell.text())
    assert kernel.run("job.cancel()").status == "ok"
    kernel.wait_for(lambda: ": cancelled in " in cell.job)
    assert kernel.run("job.result()").reply["ename"] == "JobCancelledError"


def test_an_interrupt_of_waiting_leaves_the_job(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    cell = kernel.run_open(f"%%remote shell --bg --into job --out x\necho ready\n{GATED.format(gate=gate)}\nx=1")
    kernel.wait_for(lambda: "ready" in cell.text())
    for waiting in ("print('waits', flush=True)\nawait job", "print('waits', flush=True)\njob.result()"):
        pressed: list[bool] = []

        def press(seen: object, message: object, pressed: list[bool] = pressed) -> None:
            if not pressed and "waits" in seen.text():  # type: ignore[attr-defined]
                pressed.append(True)
                kernel.manager.interrupt_kernel()

        assert kernel.collect(kernel.send_cell(waiting), watch=press).status == "error"
    gate.touch()
    assert kernel.run("job.result()").result == "{'x': '1'}"
    kernel.wait_for(lambda: ": done in " in cell.job)


def test_the_log_of_a_job(kernel: Kernel) -> None:
    cell = kernel.run_open("%%remote shell --bg --into job\necho out; echo err >&2")
    kernel.run("job.result()")
    kernel.wait_for(lambda: ": done in " in cell.job)
    assert kernel.run("job.log()").result == "out\nerr"
    assert kernel.run("job.log('stderr')").result == "err"
    assert kernel.run("job.log('stdin')").reply["ename"] == "CellError"


def test_remote_calls_print_in_the_cell_that_made_them(kernel: Kernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    code = f"from everest_kernel import remote\njob = remote('shell', '''{GATED.format(gate=gate)}\necho late''')"
    cell = kernel.run_open(code)
    other = kernel.run(f"open({str(gate)!r}, 'w').close()\njob.result()")
    kernel.wait_for(lambda: "late" in cell.text())
    assert other.text() == ""


@pytest.mark.parametrize("option", ["--set", "--into job"])
def test_options_of_background_cells_need_one(kernel: Kernel, option: str) -> None:
    cell = kernel.run(f"%%remote shell {option}\ntrue")
    assert cell.reply["ename"] == "CellOptionError"
