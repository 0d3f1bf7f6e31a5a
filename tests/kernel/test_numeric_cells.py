"""Cells of R and Maxima in a true kernel on a true hub."""

from __future__ import annotations

import shutil

import pytest

from tests.support.kernel import Kernel

r = pytest.mark.system("r-base-core")
maxima = pytest.mark.system("maxima", "gnuplot-nox")


@r
def test_values_frames_and_pictures_of_an_r_cell(kernel: Kernel) -> None:
    kernel.run("import pandas as pd\nframe = pd.DataFrame({'x': [1.0, 2, 4], 'y': [2.0, 4.1, 8]})")
    cell = kernel.run(
        "%%remote R --in frame --out slope,fitted\n"
        "m <- lm(y ~ x, frame)\nslope <- unname(coef(m)['x'])\nfitted <- cbind(frame, p = predict(m))\n"
        "plot(frame)\nabline(m)\n'готово'"
    )
    assert (cell.status, cell.text()) == ("ok", '[1] "готово"\n'), cell.error
    assert ["<svg" in display["data"]["image/svg+xml"] for display in cell.displays] == [True]
    assert kernel.run("round(slope, 6), list(fitted.columns), len(fitted)").result == "(1.992857, ['x', 'y', 'p'], 3)"


@r
def test_an_error_of_an_r_cell_names_its_line(kernel: Kernel) -> None:
    cell = kernel.run("%%remote R --out x\nx <- 1\n\nx <- nonesuch(3)")
    assert cell.status == "error"
    assert 'could not find function "nonesuch" (line 3 of the cell)' in cell.error


@r
def test_an_r_cell_that_prints_much_ends(kernel: Kernel) -> None:
    cell = kernel.run('%%remote R --out n\nfor (i in 1:200) cat(strrep("0123456789", 1e4), "\\n")\nn <- i')
    assert cell.status == "ok", cell.error
    assert kernel.run("n").result == "200"


@maxima
def test_values_and_plots_of_a_maxima_cell(kernel: Kernel) -> None:
    kernel.run("from fractions import Fraction\nthird = Fraction(1, 3)")
    cell = kernel.run(
        "%%remote maxima --in third --out half,big,f --with display=1d\n"
        "half: third * 3/2$\nbig: 2^100$\nf: diff(x^3, x);\nplot2d(f, [x, 0, 1])$"
    )
    assert (cell.status, cell.text().strip()) == ("ok", "3*x^2"), cell.error
    assert ["<svg" in display["data"]["image/svg+xml"] for display in cell.displays] == [True]
    assert kernel.run("half, big, f").result == f"(Fraction(1, 2), {2**100}, '3*x^2')"


@maxima
def test_a_question_of_maximas_is_an_error_at_its_line(kernel: Kernel) -> None:
    cell = kernel.run("%%remote maxima\n1;\nintegrate(x^n, x);")
    assert cell.status == "error"
    assert "Maxima asks: Is n equal to -1? (line 2 of the cell)" in cell.error


@pytest.mark.skipif(shutil.which("julia") is not None, reason="Julia is installed")
def test_a_julia_cell_says_what_to_install_where_there_is_none(kernel: Kernel) -> None:
    cell = kernel.run("%%remote julia\n1")
    assert cell.status == "error"
    assert "Install Julia 1.6 or later" in cell.error
