"""Jobs of programs that are no notebooks: nothing is left behind when they end."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from everest_kernel.records import Journal, journal_path
from tests.support.kernel import stop_hub


@pytest.fixture
def folder(isolated_homes: Path, tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    stop_hub(Path(os.environ["EVEREST_HUB_HOME"]))


def run(*command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_script_gets_results_and_ends_quietly(folder: Path) -> None:
    script = folder / "script.py"
    script.write_text(
        "from everest_kernel import job, remote\n"
        "first = remote('python', 'print(\"printed\")\\ny = x + 1', inputs={'x': 2}, outputs=['y'])\n"
        "print(first.result(), job(first.id).result(), first.log())\n"
    )
    done = run("script.py", folder=folder)
    assert (done.stdout, done.stderr) == ("printed\n{'y': 3} {'y': 3} printed\n\n", "")
    journal = Journal(journal_path())
    assert [record.state for record in journal.search()] == ["DONE"]
    journal.close()


def test_a_script_that_waits_for_nothing_leaves_its_job_running(folder: Path) -> None:
    script = folder / "script.py"
    script.write_text(
        "from everest_kernel import remote\nfirst = remote('shell', 'echo one; sleep 0.5; x=kept', outputs=['x'])\n"
        "while not first.id: pass\nprint('the job is', first.id)\n"
    )
    done = run("script.py", folder=folder)
    assert done.stderr == ""
    (job_id,) = re.findall(r"the job is (\w+)", done.stdout)  # what the job writes may come before
    later = run("-c", f"from everest_kernel import job; print(job({job_id!r}).result())", folder=folder)
    assert (later.stdout, later.stderr) == ("{'x': 'kept'}\n", "")


def test_a_terminal_that_nobody_watches_gets_no_status_line(folder: Path) -> None:
    (folder / "cells.ipy").write_text(
        "get_ipython().run_line_magic('load_ext', 'everest_kernel')\n"
        "get_ipython().run_cell_magic('remote', 'shell', 'echo out; sleep 1.3')\n"
    )
    done = run("-m", "IPython", "--no-banner", "--colors=NoColor", "cells.ipy", folder=folder)
    assert "\x1b[K" not in done.stdout + done.stderr
    assert "out\n" in done.stdout
    assert "shell on " in done.stdout
