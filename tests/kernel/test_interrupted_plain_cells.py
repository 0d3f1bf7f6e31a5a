"""Interrupts of cells that are none of ours: they arrive, wherever the kernel is, and leave it able to speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from everest_kernel.local_hub import read_record
from tests.support.kernel import Cell, Kernel

INTERRUPT = 1 << 1
"""SIGINT's bit in the masks of /proc/*/status."""


def blocked(status: Path) -> int:
    (mask,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigBlk:"))
    return int(mask, 16)


def test_only_the_main_thread_takes_interrupts(kernel: Kernel) -> None:
    process = Path("/proc", str(kernel.manager.provisioner.pid), "task")  # type: ignore[union-attr]
    ready = {task.name for task in process.iterdir() if not blocked(task / "status") & INTERRUPT}
    assert ready == {process.parent.name}


def test_programs_that_the_kernel_starts_take_them(kernel: Kernel, tmp_path_factory: pytest.TempPathFactory) -> None:
    (home,) = {Path(kernel.manager.connection_file).parent}
    record = read_record(home / "hub")
    assert record is not None
    assert not blocked(Path("/proc", str(record.pid), "status")) & INTERRUPT
    assert psutil.pid_exists(record.pid)


@pytest.mark.parametrize("code", ["while True:\n    print(1, flush=True)", "import time\ntime.sleep(600)"])
def test_a_kernel_answers_after_every_interrupt(kernel: Kernel, code: str) -> None:
    for _ in range(10):
        pressed: list[bool] = []

        def press(seen: Cell, message: dict[str, Any], pressed: list[bool] = pressed) -> None:
            if not pressed and "begun" in seen.text():
                pressed.append(True)
                kernel.manager.interrupt_kernel()

        cell = kernel.collect(kernel.send_cell(f"print('begun', flush=True)\n{code}"), watch=press)
        assert cell.reply["ename"] == "KeyboardInterrupt"
    assert kernel.run("print('here')").text() == "here\n"
