"""Interrupts of cells that are none of ours: they arrive, wherever the kernel is, and leave it able to speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from everest_kernel.local_hub import read_record
from tests.support.kernel import Cell, Kernel, running_kernel

INTERRUPT = 1 << 1
"""SIGINT's bit in the masks of /proc/*/status."""


def blocked(status: Path) -> int:
    (mask,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("SigBlk:"))
    return int(mask, 16)


def test_the_main_thread_takes_interrupts_and_so_do_programs(tmp_path: Path) -> None:
    """In a new kernel, where no cell has started threads of its own."""
    with running_kernel(tmp_path) as kernel:
        kernel.run("%%remote shell\ntrue")
        process = Path("/proc", str(kernel.manager.provisioner.pid), "task")  # type: ignore[union-attr]
        ready = {task.name for task in process.iterdir() if not blocked(task / "status") & INTERRUPT}
        assert ready == {process.parent.name}
        hub = read_record(tmp_path / "hub")
        assert hub is not None
        assert not blocked(Path("/proc", str(hub.pid), "status")) & INTERRUPT


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
