"""Cells of batch languages in a true kernel on a true hub: what no language decides by itself."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kernel import Kernel, running_kernel

from .test_remote_cells import folder_of

octave = pytest.mark.system("octave")


@octave
def test_values_of_an_octave_cell_go_and_come(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nA = np.array([[4.0, 1], [2, 3]]); word = 'Ляпунов'")
    cell = kernel.run("%%remote octave --in A,word --out e,n,back\ne = sort(eig(A));\nn = rows(A)\nback = word;")
    assert (cell.status, cell.text()) == ("ok", "n = 2\n"), cell.error
    assert kernel.run("e.tolist(), n, back").result == "([[2.0], [5.0]], 2.0, 'Ляпунов')"
    assert cell.header.startswith("octave on ")


@octave
def test_a_large_array_goes_as_a_file_and_comes_back(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nA = np.random.default_rng(1).normal(size=(400, 300))")
    assert kernel.run("%%remote octave --in A --out B\nB = 2 * A;").status == "ok"
    assert kernel.run("np.array_equal(B, 2 * A)").result == "True"


@octave
def test_an_error_is_the_cells_with_its_line_and_the_end_of_what_was_printed(kernel: Kernel) -> None:
    cell = kernel.run("%%remote octave --out x\nx = 1;\n\nx = nonesuch(3);")
    assert cell.status == "error"
    assert "JobFailedError: 'nonesuch' undefined near line 3, column 5 (line 3 of the cell)" in cell.error
    assert "  | error: 'nonesuch' undefined" in cell.error
    assert re.search(r"Exit code 1\. `%log \w+` shows the whole output", cell.error)
    assert "failed" in cell.header
    assert kernel.run("'x' in globals()").result == "False"


@pytest.mark.system("gnuplot-nox")
@octave
def test_figures_of_an_octave_cell_are_shown(kernel: Kernel) -> None:
    cell = kernel.run("%%remote octave\nplot(1:3); figure; plot(3:-1:1);\ndisp('drawn')")
    assert (cell.status, cell.text(), cell.text("stderr")) == ("ok", "drawn\n", "")
    assert ["<svg" in display["data"]["image/svg+xml"] for display in cell.displays] == [True, True]


def test_a_picture_that_a_shell_cell_writes_is_shown(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell\nprintf '<svg/>' > a.svg")
    assert [display["data"]["image/svg+xml"] for display in cell.displays] == ["<svg/>"]
    assert not (folder_of(kernel) / "a.svg").exists(), "shown, not fetched"
    cell = kernel.run("%%remote shell\nprintf '<svg/>' > b.svg; exit 3")
    assert (cell.status, len(cell.displays)) == ("error", 1)


@pytest.mark.parametrize(
    ("route", "code"),
    [
        (
            "shell",
            "printf 'n,square\\n1,1\\n2,4\\n' > t.csv; echo '<h1>Report</h1>' > r.html; truncate -s 120M big.csv",
        ),
        (
            "python",
            "import pandas\npandas.DataFrame({'n': [1, 2], 'square': [1, 4]}).to_csv('t.csv', index=False)\n"
            "with open('r.html', 'w') as f: _ = f.write('<h1>Report</h1>\\n')\n"
            "with open('big.csv', 'w') as f: _ = f.truncate(120 << 20)",
        ),
        pytest.param(
            "octave",
            "f = fopen('t.csv', 'w'); fprintf(f, 'n,square\\n1,1\\n2,4\\n'); fclose(f);\n"
            "f = fopen('r.html', 'w'); fprintf(f, '<h1>Report</h1>\\n'); fclose(f);\n"
            "system('truncate -s 120M big.csv');",
            marks=octave,
        ),
        pytest.param(
            "R",
            "write.csv(data.frame(n = 1:2, square = c(1, 4)), 't.csv', row.names = FALSE, quote = FALSE)\n"
            "writeLines('<h1>Report</h1>', 'r.html')\ninvisible(system('truncate -s 120M big.csv'))",
            marks=pytest.mark.system("r-base-core"),
        ),
    ],
)
def test_pages_and_tables_that_a_cell_writes_are_shown(kernel: Kernel, route: str, code: str) -> None:
    cell = kernel.run(f"%%remote {route} --fetch t.csv\n{code}")
    assert (cell.status, cell.text("stderr")) == ("ok", ""), cell.error
    page, table, left = cell.displays
    assert page["data"]["text/plain"] == "<page r.html, 16 B>\nReport"
    assert 'srcdoc="<h1>Report</h1>' in page["data"]["text/html"]
    assert table["data"]["text/plain"].split("\n", 1)[1] == "n  square\n1       1\n2       4"
    assert "<th style='text-align: right'>square</th>" in table["data"]["text/html"]
    assert left["data"] == {"text/plain": "not shown: big.csv (126 MB); --fetch brings it"}
    fetched = folder_of(kernel) / "t.csv"
    assert fetched.read_text().splitlines() == ["n,square", "1,1", "2,4"]
    fetched.unlink()


def test_files_that_were_sent_are_not_shown(kernel: Kernel) -> None:
    folder = folder_of(kernel)
    for name in ("same.csv", "more.csv"):
        (folder / name).write_text("1,2\n")
    try:
        for route, code in (
            ("shell", "echo 3,4 >> more.csv"),
            ("python", "with open('more.csv', 'a') as f: f.write('3,4')"),
        ):
            cell = kernel.run(f"%%remote {route} --files *.csv\n{code};")
            assert [shown["data"]["text/plain"].split("\n")[1:] for shown in cell.displays] == [["1  2", "3  4"]]
    finally:
        for name in ("same.csv", "more.csv"):
            (folder / name).unlink()


def test_settings_of_a_cell_are_its_languages(kernel: Kernel) -> None:
    cell = kernel.run("%%remote octave --with colour=red\nx = 1")
    assert cell.status == "error"
    assert "CellOptionError: octave has no setting 'colour'" in cell.error
    assert "Its settings: program: " in cell.error
    cell = kernel.run("%%remote octave --maple\nx = 1")
    assert "octave has no setting 'syntax'" in cell.error
    cell = kernel.run("%%remote octave --with colour\nx = 1")
    assert "'colour' is not NAME=VALUE" in cell.error


def test_a_program_that_exits_with_0_before_its_end_has_failed(kernel: Kernel) -> None:
    with liar(folder_of(kernel)) as path:
        cell = kernel.run(f"%%remote octave --with program={path} --out x\nx = 1")
    assert (cell.status, cell.text()) == ("error", "I lie\n")
    assert "the program ended with exit code 1" in cell.error


def test_a_server_that_takes_a_false_end_for_success_is_not_believed(kernel: Kernel) -> None:
    folder = folder_of(kernel)
    (folder / "everest.toml").write_text("[routes.odd]\nlanguage = 'octave'\ncommand = 'echo all is well'")
    try:
        cell = kernel.run("%%remote odd --out x\nx = 1")
    finally:
        (folder / "everest.toml").unlink()
    assert cell.status == "error"
    assert "the program stopped before the end of the cell" in cell.error
    assert "failed" in cell.header


class liar:  # noqa: N801 - used as a context
    """A program that says nothing of its failure."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "liar"

    def __enter__(self) -> Path:
        self.path.write_text("#!/bin/sh\necho I lie\n")
        self.path.chmod(0o755)
        return self.path

    def __exit__(self, *_: object) -> None:
        self.path.unlink()


@pytest.fixture(scope="module")
def bare_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """A kernel on a machine that has a shell and nothing else."""
    programs = tmp_path_factory.mktemp("bin")
    for name in ("sh", "find", "tar"):
        found = next(Path(p) / name for p in os.environ["PATH"].split(os.pathsep) if (Path(p) / name).exists())
        (programs / name).symlink_to(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(programs))
        with running_kernel(tmp_path_factory.mktemp("bare")) as kernel:
            yield kernel


def test_a_route_whose_program_is_not_here_says_what_to_install(bare_kernel: Kernel) -> None:
    cell = bare_kernel.run("%%remote octave\nx = 1")
    assert cell.status == "error"
    assert "CellError: nothing on this machine can run the route 'octave'" in cell.error
    assert "Install GNU Octave" in cell.error
    assert cell.header == "", "nothing was sent"
    assert bare_kernel.run("%%remote octave --dry-run\nx = 1").text().splitlines()[1].startswith("missing ")
