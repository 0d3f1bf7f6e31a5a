"""A cell whose like has succeeded gets its result at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kernel import Kernel

from .test_remote_cells import folder_of


def cell(trace: Path, line: str = "", body: str = "") -> str:
    """A cell that leaves a trace each time that it truly runs, and prints, shows and gives something."""
    return (
        f"%%remote python {line}\nwith open({str(trace)!r}, 'a') as trace_file:\n    trace_file.write('ran ')\n"
        f"print('printed')\n{body}y = a + 1\ny * 2"
    )


def runs(trace: Path) -> int:
    return len(trace.read_text().split())


def test_the_same_cell_returns_its_result_at_once(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    kernel.run("a = 5")
    first = kernel.run(cell(trace))
    kernel.run("del y")
    again = kernel.run(cell(trace))
    assert (first.text(), first.result) == (again.text(), again.result) == ("printed\n", "12")
    assert kernel.run("y").result == "6"
    assert runs(trace) == 1
    assert "the result of the same cell of " in again.header
    assert "--fresh" in again.header
    assert first.header.rpartition("job ")[2] == again.header.rpartition("job ")[2]
    assert "the result of the same cell" not in first.header


@pytest.mark.parametrize(
    "change", ["a = 6", "b = 1"], ids=["another value that the cell takes", "one that it does not take"]
)
def test_what_a_cell_takes_decides(kernel: Kernel, tmp_path: Path, change: str) -> None:
    trace = tmp_path / "trace"
    kernel.run("a = 5")
    kernel.run(cell(trace))
    kernel.run(change)
    kernel.run(cell(trace))
    assert runs(trace) == (2 if change.startswith("a") else 1)


def test_fresh_runs_it_again_and_keeps_the_new_result(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    kernel.run("a = 5")
    kernel.run(cell(trace))
    fresh = kernel.run(cell(trace, "--fresh"))
    assert runs(trace) == 2
    again = kernel.run(cell(trace))
    assert runs(trace) == 2
    assert again.header.rpartition("job ")[2] == fresh.header.rpartition("job ")[2]


def test_a_failed_cell_is_not_kept(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    kernel.run("a = 5")
    for _ in range(2):
        assert kernel.run(cell(trace, body="1 / 0\n")).status == "error"
    assert runs(trace) == 2


def test_the_content_of_files_decides_and_fetched_files_come_again(kernel: Kernel) -> None:
    folder = folder_of(kernel)
    (folder / "in.txt").write_text("one")
    code = "%%remote python --files in.txt --fetch out.txt --out t\nt = open('in.txt').read()\n"
    code += "open('out.txt', 'w').write(t)\nt"
    kernel.run(code)
    (folder / "out.txt").unlink()
    again = kernel.run(code)
    assert "the result of the same cell" in again.header
    assert (folder / "out.txt").read_text() == "one"
    (folder / "in.txt").write_text("two")
    other = kernel.run(code)
    assert "the result of the same cell" not in other.header
    assert (other.result, (folder / "out.txt").read_text()) == ("'two'", "two")


def test_displays_and_pictures_are_shown_again(kernel: Kernel) -> None:
    code = "%%remote python\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'))\n"
    code += "open('a.svg', 'w').write('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')"
    first, again = kernel.run(code), kernel.run(code)
    assert "the result of the same cell" in again.header
    kinds = [sorted(display["data"]) for display in again.displays]
    assert kinds == [sorted(display["data"]) for display in first.displays]
    assert len(kinds) == 2


def test_shell_cells_look_at_the_machine_and_run_again(kernel: Kernel, tmp_path: Path) -> None:
    for _ in range(2):
        kernel.run(f"%%remote shell\necho ran >> {tmp_path}/trace")
    assert runs(tmp_path / "trace") == 2


def test_a_route_can_be_marked(kernel: Kernel, tmp_path: Path) -> None:
    settings = folder_of(kernel) / "everest.toml"
    settings.write_text('[routes.dice]\nlanguage = "python"\nrepeatable = false\n')
    try:
        for _ in range(2):
            assert kernel.run(f"%%remote dice\nopen({str(tmp_path / 'trace')!r}, 'a').write('ran ')").status == "ok"
    finally:
        settings.unlink()
    assert runs(tmp_path / "trace") == 2


def test_the_cache_can_be_looked_at_and_cleared(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    kernel.run("a = 5")
    job = kernel.run(cell(trace)).header.rpartition("job ")[2]
    shown = kernel.run("%everest cache").of("display_data")[0]["data"]["text/plain"]
    assert job in shown
    assert kernel.run(f"%everest cache clear {job}").status == "ok"
    kernel.run(cell(trace))
    assert runs(trace) == 2


def test_a_background_cell_takes_a_kept_result(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    kernel.run("a = 5")
    kernel.run(cell(trace))
    started = kernel.run_open(cell(trace, "--bg --into job"))
    kernel.wait_for(lambda: bool(started.displays))
    assert kernel.run("job.result()['y']").result == "6"
    assert "the result of the same cell" in started.job
    assert runs(trace) == 1


def test_remote_calls_are_fresh_unless_asked(kernel: Kernel, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    call = f"from everest_kernel import remote\ncode = '''open({str(trace)!r}, 'a').write('ran ')\\ny = 1'''\n"
    for more in ("", "", ", fresh=False", ", fresh=False"):
        asked = kernel.run(f"{call}remote('python', code, outputs=['y']{more}).result()")
        assert asked.result == "{'y': 1}", asked.error
    assert runs(trace) == 2, "the last two took what the second one left"
