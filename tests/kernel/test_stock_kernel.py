"""`%load_ext everest_kernel` in ipykernel's own kernel."""

from __future__ import annotations

from pathlib import Path

from tests.kernel.test_interrupts import assert_cancelled, by_signal, interrupt_when
from tests.support.kernel import Kernel, running_kernel


def test_remote_cells_work(stock_kernel: Kernel) -> None:
    cell = stock_kernel.run("x = 4")
    cell = stock_kernel.run("%%remote python\nprint('there')\ny = x * 2\ny")
    assert (cell.status, cell.text(), cell.result) == ("ok", "there\n", "8")
    assert ": done in " in cell.header


def test_an_interrupt_cancels(stock_kernel: Kernel) -> None:
    cell = stock_kernel.collect(
        stock_kernel.send_cell("%%remote shell\necho ready; sleep 600"),
        watch=interrupt_when(stock_kernel, "ready", lambda: by_signal(stock_kernel)),
    )
    assert_cancelled(cell)


def test_a_failed_job_is_a_failed_cell(stock_kernel: Kernel) -> None:
    cell = stock_kernel.run("%%remote shell\nexit 3")
    assert (cell.status, cell.reply["ename"]) == ("error", "JobFailedError")
    assert "Traceback" not in cell.error


def test_it_can_be_unloaded_and_loaded_again(tmp_path: Path) -> None:
    with running_kernel(tmp_path, name="python3") as kernel:
        assert kernel.run("%load_ext everest_kernel").status == "ok"
        assert kernel.run("%%remote shell\necho a").text() == "a\n"
        assert kernel.run("%unload_ext everest_kernel").status == "ok"
        assert kernel.run("%%remote shell\necho b").status == "error"
        assert kernel.run("%everest routes").status == "error"
        assert kernel.run("%load_ext everest_kernel").status == "ok"
        assert kernel.run("%%remote shell\necho c").text() == "c\n"
