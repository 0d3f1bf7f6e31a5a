"""The page on adding a language: its example is installed as its reader would, and its cell runs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .running import located, run_cell

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-language.md").read_text("utf-8")


def block(begin: str) -> str:
    """The code block that begins so."""
    found = re.search(rf"```\w*\n({re.escape(begin)}.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


PYTHON, TOML, CELL = block("# gnuplot_everest.py"), block("# pyproject.toml"), block("%%remote")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example's package, installed into a folder of its own."""
    source, target = tmp_path / "source", tmp_path / "site"
    source.mkdir()
    (source / "gnuplot_everest.py").write_text(PYTHON)
    (source / "pyproject.toml").write_text(TOML)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source)]
    subprocess.run(pip, check=True, timeout=100)
    monkeypatch.syspath_prepend(target)
    return target


@pytest.mark.system("gnuplot-nox")
def test_the_example_of_the_page_is_a_language(installed: Path, tmp_path: Path) -> None:
    line, _, code = CELL.partition("\n")
    assert line == "%%remote gnuplot --in a --out low"
    language = located(importlib.import_module("gnuplot_everest").GnuplotLanguage())
    ran = run_cell(language, tmp_path / "t", code, inputs={"a": 1.5}, out_named=("low",))
    assert (ran.status, ran.stderr) == (0, "")
    assert -1 < ran.back.values["low"] < 0
    assert ["image/svg+xml" in picture.data for picture in ran.pictures] == [True]
    ran = run_cell(language, tmp_path / "t", "a = 1\nb = nonesuch + 1", out_named=("b",))
    assert (ran.status, ran.error) == (1, "undefined variable: nonesuch (line 2 of the cell)")


def test_the_entry_point_of_the_page_makes_a_route(installed: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "from everest_kernel.routes import Configuration, route_table\n"
        "print(type(route_table(Configuration())['gnuplot'].language).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "GnuplotLanguage\n"
