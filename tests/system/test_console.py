"""`jupyter console` in a true terminal."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest


class Terminal:
    """A tmux session."""

    def __init__(self, command: str, cwd: Path) -> None:
        self._server = f"everest-{uuid.uuid4().hex[:8]}"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "150", "-y", "50", "-c", str(cwd), command)

    def _tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._server, *words], capture_output=True, text=True, timeout=20, check=True
        )
        return done.stdout

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-J")

    def wait_for(self, text: str, limit: float = 60) -> str:
        """The screen, once it shows the text."""
        deadline = time.monotonic() + limit
        while text not in (screen := self.screen()):
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{screen}"
        return screen

    def type_cell(self, *lines: str) -> None:
        for number, line in enumerate(lines):
            if number:
                self._tmux("send-keys", "Enter")
            self._tmux("send-keys", "-l", line)
            self.wait_for(line)
        self._tmux("send-keys", "Escape", "Enter")

    def enter(self, *lines: str) -> None:
        """Type lines with Enter behind each, which runs the cell once the kernel calls it complete."""
        for line in lines:
            if line:
                self.write(line)
            self._tmux("send-keys", "Enter")

    def write(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)
        self.wait_for(text)

    def tab(self) -> None:
        self._tmux("send-keys", "Tab")

    def interrupt(self) -> None:
        self._tmux("send-keys", "C-c")

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self._server, "kill-server"], capture_output=True, timeout=20)


@pytest.fixture
def console(jupyter: Path) -> Iterator[Terminal]:
    terminal = Terminal(f"{sys.executable} -m jupyter_console --kernel everest", jupyter)
    yield terminal
    terminal.close()


@pytest.mark.system("tmux")
@pytest.mark.timeout(240)
def test_remote_cells_in_the_console(console: Terminal) -> None:
    assert "%%remote?" in console.wait_for("In [1]:")
    console.type_cell("%%remote shell", 'echo "in the" "console"')
    screen = console.wait_for("In [2]:")
    assert "in the console" in screen
    assert "shell on " in screen
    assert ": done in " in screen

    console.type_cell("x = 6")
    console.wait_for("In [3]:")
    console.type_cell("%%remote python", "x * 7")
    screen = console.wait_for("In [4]:")
    assert "Out[3]: 42" in screen

    console.type_cell("%%remote shell", 'echo "wai""ting"; sleep 600')
    console.wait_for("waiting")
    console.interrupt()
    screen = console.wait_for("In [5]:")
    assert "JobCancelledError" in screen

    console.type_cell("%%remote shell", "exit 3")
    assert "JobFailedError: the program ended with exit code 3" in console.wait_for("In [6]:")


@pytest.mark.system("tmux")
@pytest.mark.timeout(240)
def test_enter_runs_a_cell_when_its_language_calls_it_complete(console: Terminal) -> None:
    console.wait_for("In [1]:")
    console.enter("%%remote shell", "for i in 1 2; do", 'echo "turn $i of ""two"', "", "", "", "done; echo all")
    assert "In [2]:" not in console.screen(), "an open loop goes on, whatever empty lines it has"
    console.enter("", "")
    screen = console.wait_for("In [2]:")
    assert "turn 2 of two" in screen
    assert "...:   echo" in screen, "the body of a loop is indented"

    console.enter("%%remote python", "def f(x):", "return x * 21", "")
    console.wait_for("In [3]:")
    console.type_cell("1 + 1")
    console.wait_for("In [4]:")


@pytest.mark.system("tmux")
@pytest.mark.timeout(240)
def test_tab_completes_words_of_the_language(console: Terminal) -> None:
    console.wait_for("In [1]:")
    console.enter("%%remote octave")
    console.write("x = linsp")
    console.tab()
    console.wait_for("x = linspace")


@pytest.mark.system("tmux")
@pytest.mark.timeout(240)
def test_a_route_in_the_console(console: Terminal) -> None:
    console.wait_for("In [1]:")
    console.enter("%route shell")
    assert "go to `shell`" in console.wait_for("In [2]:")
    console.enter("echo $((40+2)) there")
    assert "42 there" in console.wait_for("In [3]:")
    console.enter("for i in a b; do", 'echo "<$i>"', "done", "")
    assert "<b>" in console.wait_for("In [4]:")
    console.enter("%%local", "here = 6 * 7")
    console.wait_for("In [5]:")
    console.enter("%route local")
    console.wait_for("In [6]:")
    console.enter("here + 1")
    assert "43" in console.wait_for("In [7]:")


@pytest.mark.system("tmux")
@pytest.mark.timeout(240)
def test_jobs_in_the_console(console: Terminal, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    wait = f"until [ -e {gate} ]; do sleep 0.05; done"
    console.wait_for("In [1]:")
    console.type_cell("%%remote shell --bg --into job", f'{wait}; echo "all" "over"')
    console.wait_for("In [2]:")
    console.type_cell("while job.status != 'running': pass")
    console.wait_for("In [3]:")
    console.type_cell("get_ipython().run_line_magic('attach', job.id)")
    console.wait_for("running, 1 s")  # one line, written over itself
    gate.touch()
    screen = console.wait_for("In [4]:")
    assert "all over" in screen
    assert "running, " not in screen, "the status is gone"
    console.type_cell("%jobs")
    screen = console.wait_for("In [5]:")
    assert "done " in screen[screen.rindex("%jobs") :]

    console.type_cell("%%remote shell --bg --into job", 'echo "be" "gun"; sleep 600')
    console.wait_for("In [6]:")
    console.type_cell("%attach", "")
    console.wait_for("write %attach and the id of a job")
    console.type_cell("get_ipython().run_line_magic('attach', job.id)")
    console.wait_for("running, 1 s")
    console.interrupt()
    assert "its job was cancelled on" in console.wait_for("In [8]:")


@pytest.mark.system("tmux")
@pytest.mark.timeout(240)
def test_a_sweep_in_the_console(console: Terminal) -> None:
    console.wait_for("In [1]:")
    console.type_cell("%%sweep python x=1:40:40 --out y", "import time; time.sleep(0.1)", "y = x")
    console.wait_for(" of 40 points, ")  # one line, written over itself
    screen = console.wait_for("In [2]:")
    assert "40 of 40 points, took" in screen
    assert "x = 1 to 40" in screen
    assert screen.count(" of 40 points, ") == 1, "what was written over is gone"
    assert "<div" not in screen

    console.type_cell("%%sweep python x=1:40:40 --out y", "y = x / 0")
    screen = console.wait_for("In [3]:")
    assert "ZeroDivisionError: division by zero" in screen
    assert "Traceback" not in screen

    console.type_cell("%%sweep python x=1:9000:9000 --out y", "import time; time.sleep(0.1)", "y = -x")
    console.wait_for(" of 9,000 points, ")
    console.interrupt()
    screen = console.wait_for("In [4]:")
    assert "the sweep was interrupted; its jobs are cancelled" in screen
