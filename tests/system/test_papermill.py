"""Notebooks executed by papermill and nbconvert, in processes of their own."""

from __future__ import annotations

import base64
import html
import re
import subprocess
import sys
from pathlib import Path

import nbformat

PARAMETERS = {"tags": ["parameters"]}
FIGURE = "%%remote python\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);"


def write(path: Path, *cells: str) -> None:
    """A notebook whose first cell has the parameters."""
    document = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    document.cells[0].metadata.update(PARAMETERS)
    document.metadata["kernelspec"] = {"name": "everest", "display_name": "Python (Everest)", "language": "python"}
    path.write_text(nbformat.writes(document))


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        stdin=subprocess.DEVNULL,
    )


def papermill(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(folder, "papermill", "in.ipynb", "out.ipynb", "--no-progress-bar", *words)


def test_parameters_reach_the_remote_cell(jupyter: Path) -> None:
    write(
        jupyter / "in.ipynb", "n = 1\nword = 'no'", "%%remote python\nprint(word)\nsquare = n * n\nsquare", "square + 1"
    )
    done = papermill(jupyter, "-p", "n", "9", "-p", "word", "Ляпунов")
    assert done.returncode == 0, done.stderr
    document = nbformat.read(jupyter / "out.ipynb", as_version=4)
    nbformat.validate(document)
    header, text, value = document.cells[2].outputs
    assert re.search(r"^python on .*: done in .*back square", header["data"]["text/plain"]), "in its last form"
    assert (text.text, value["data"]["text/plain"]) == ("Ляпунов\n", "81")
    assert document.cells[3].outputs[0]["data"]["text/plain"] == "82"


def test_a_failed_remote_cell_stops_the_run_with_its_cause(jupyter: Path) -> None:
    write(jupyter / "in.ipynb", "n = 1", "%%remote python\nm = n / (n - 9)", "never = 1")
    done = papermill(jupyter, "-p", "n", "9")
    assert done.returncode != 0
    cause = "ZeroDivisionError: division by zero (line 1 of the cell)"
    assert "PapermillExecutionError" in done.stderr
    assert f"JobFailedError: {cause}" in done.stderr
    document = nbformat.read(jupyter / "out.ipynb", as_version=4)
    failed = next(cell for cell in document.cells if cell.source.startswith("%%remote"))
    (error,) = [output for output in failed.outputs if output.output_type == "error"]
    assert error.ename == "JobFailedError"
    assert cause in error.evalue
    assert any("failed" in output["data"]["text/plain"] for output in failed.outputs if "data" in output)
    assert document.cells[-1].execution_count is None


def test_a_failed_sweep_stops_the_run_with_its_cause(jupyter: Path) -> None:
    sweep = "%%sweep python x=1:60:60 --out y\ny = x / (n - 9)"
    write(jupyter / "in.ipynb", "n = 1", sweep, "never = 1")
    done = papermill(jupyter, "-p", "n", "9")
    assert done.returncode != 0
    cause = "ZeroDivisionError: division by zero (line 1 of the cell)"
    assert "PapermillExecutionError" in done.stderr
    assert f"with: {cause}" in done.stderr or f"points failed: {cause}" in done.stderr
    document = nbformat.read(jupyter / "out.ipynb", as_version=4)
    nbformat.validate(document)
    failed = next(cell for cell in document.cells if cell.source.startswith("%%sweep"))
    (error,) = [output for output in failed.outputs if output.output_type == "error"]
    assert error.ename == "JobFailedError"
    assert error.evalue.count(cause) == 1
    assert document.cells[-1].execution_count is None
    well = papermill(jupyter, "-p", "n", "10")
    assert well.returncode == 0, well.stderr
    assert "60 of 60 points" in (jupyter / "out.ipynb").read_text()


def test_nbclient_stops_at_a_failed_sweep(jupyter: Path) -> None:
    write(jupyter / "in.ipynb", "n = 9", "%%sweep python x=1:60:60 --out y\ny = x / (n - 9)", "never = 1")
    script = (
        "import nbformat, nbclient\n"
        "document = nbformat.read('in.ipynb', as_version=4)\n"
        "try: nbclient.NotebookClient(document, kernel_name='everest', timeout=60).execute()\n"
        "except nbclient.exceptions.CellExecutionError as error: print(error.ename, error.evalue)\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=jupyter, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.startswith("JobFailedError "), done.stderr
    assert "ZeroDivisionError: division by zero (line 1 of the cell)" in done.stdout


def test_nbconvert_executes_remote_cells_into_a_page(jupyter: Path) -> None:
    write(
        jupyter / "in.ipynb", FIGURE, "%%remote shell\nprintf 'n,square\\n1,1\\n' > a.csv; echo '<h1>R</h1>' > b.html"
    )
    done = run(jupyter, "nbconvert", "--to", "html", "--execute", "in.ipynb", "--output", "out.html")
    assert done.returncode == 0, done.stderr
    page = (jupyter / "out.html").read_text()
    (picture,) = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]+)"', page)
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert page.count(": done in") == 2
    assert ">square</th>" in page
    (source,) = re.findall(r'<iframe [^>]*srcdoc="([^"]*)"', page)
    assert html.unescape(source) == "<h1>R</h1>\n"
