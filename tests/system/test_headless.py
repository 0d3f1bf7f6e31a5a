"""Notebooks executed without a front end, and the kernelspec that the wheel installs."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def execute(document: nbformat.NotebookNode, folder: Path) -> None:
    NotebookClient(document, kernel_name="everest", timeout=60, resources={"metadata": {"path": str(folder)}}).execute()


def test_nbclient_executes_remote_cells(jupyter: Path) -> None:
    document = notebook("x = [1, 2, 3]", "%%remote python\nprint('working')\ntotal = sum(x)\ntotal", "total + 1")
    execute(document, jupyter)
    outputs = document.cells[1].outputs
    kinds = [output.output_type for output in outputs]
    assert kinds == ["display_data", "stream", "execute_result"]
    assert ": done in " in outputs[0]["data"]["text/plain"], "the header is saved in its last form"
    assert outputs[1].text == "working\n"
    assert document.cells[2].outputs[0]["data"]["text/plain"] == "7"
    nbformat.validate(document)


def test_a_saved_notebook_says_where_its_outputs_are_from(jupyter: Path) -> None:
    document = notebook("%%remote python\nfrom IPython.display import HTML, display\ndisplay(HTML('<b>a</b>'))\n6 * 7")
    execute(document, jupyter)
    saved = nbformat.reads(nbformat.writes(document), as_version=4)
    sources = [output.metadata.get("everest", {}) for output in saved.cells[0].outputs]
    assert len(sources) == 3
    assert {source["job"] for source in sources} == {sources[0]["job"]}
    assert [source["state"] for source in sources] == ["DONE", "RUNNING", "DONE"], "as it was when each was shown"
    told = notebook(f"%job {sources[0]['job']}")
    execute(told, jupyter)  # another kernel
    page = told.cells[0].outputs[0]["data"]["text/plain"]
    assert sources[0]["content"] in page
    assert "display(HTML('<b>a</b>'))" in page


def test_a_failed_job_stops_a_headless_run(jupyter: Path) -> None:
    document = notebook("%%remote shell\nexit 3", "never = 1")
    with pytest.raises(CellExecutionError, match="exit code 3"):
        execute(document, jupyter)
    assert document.cells[1].execution_count is None


@pytest.mark.parametrize("whole", [True, False])
def test_the_notebooks_own_route_is_followed_when_the_kernel_is_told_whose_it_is(
    jupyter: Path, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    document = notebook("there = 1\nthere", "%%local\nthere + 1")
    document.metadata["everest"] = {"route": "python --name routed"}
    nbformat.write(document, jupyter / "mine.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(jupyter / "mine.ipynb") if whole else "mine.ipynb")
    execute(document, jupyter)
    said, header, result = document.cells[0].outputs
    assert "go to python --name routed (its metadata says so)" in said["data"]["text/plain"]
    assert ": done in " in header["data"]["text/plain"]
    assert result["data"]["text/plain"] == "1"
    assert [o["data"]["text/plain"] for o in document.cells[1].outputs] == ["2"]


@pytest.mark.system("xcas")
def test_an_example_computes_the_same_in_two_languages(jupyter: Path) -> None:
    document = nbformat.read(EXAMPLES / "lorenz_two_languages.ipynb", as_version=4)
    execute(document, jupyter)  # its own cells compare the two
    printed = [o for cell in document.cells for o in cell.get("outputs", []) if o.output_type == "stream"]
    assert {o.name for o in printed} == {"stdout"}
    header = document.cells[3].outputs[0]["data"]["text/plain"]
    assert header.startswith(("maple on ", "maple (Giac in Maple syntax) on "))
    assert (jupyter / "lorenz_two_languages.png").stat().st_size > 10_000


def test_nbconvert_executes_in_a_process_of_its_own(jupyter: Path) -> None:
    (jupyter / "in.ipynb").write_text(nbformat.writes(notebook("%%remote shell\necho converted")))
    command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "in.ipynb", "--output", "out.ipynb"]
    command.append("--ExecutePreprocessor.kernel_name=everest")
    done = subprocess.run(command, cwd=jupyter, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    outputs = nbformat.read(jupyter / "out.ipynb", as_version=4).cells[0].outputs
    assert [o.text for o in outputs if o.output_type == "stream"] == ["converted\n"]


def test_the_wheel_brings_the_kernelspec(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("everest_kernel-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        specs = [n for n in names if n.endswith("share/jupyter/kernels/everest/kernel.json")]
        assert len(specs) == 1
        assert ".data/data/" in specs[0], "installed below the environment's prefix"
        spec = json.loads(archive.read(specs[0]))
    assert spec["argv"][1:] == ["-m", "everest_kernel", "kernel", "-f", "{connection_file}"]
    assert any(n.endswith("everest_kernel/py.typed") for n in names)
    assert any(n.endswith("share/jupyter/kernels/everest/logo-svg.svg") for n in names)
    assert not any(n.startswith(("tests/", "benchmarks/")) for n in names)
