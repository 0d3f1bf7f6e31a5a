"""The lexer for Pygments, and what looking for it costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from nbconvert import HTMLExporter
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Operator, String, Token
from traitlets.config import Config

from tests.notebook.test_completion import CELLS


def tokens(code: str) -> list[tuple[object, str]]:
    return [(kind, value) for kind, value in get_lexer_by_name("everest").get_tokens(code) if value.strip()]


def test_a_remote_cell_has_the_colours_of_its_language() -> None:
    found = tokens("%%time\n%%remote shell --in a\nif true; then\n  echo 'b' # c\nfi")
    assert (Operator, "%%") in found
    assert (Keyword, "remote") in found
    assert {(Keyword, "if"), (Keyword, "fi"), (String.Single, "'b'")} <= set(found)
    assert any(kind in Comment and value.startswith("# c") for kind, value in found)


def test_so_has_a_sweep() -> None:
    found = tokens("%%sweep shell,shell x='a b','c' --out y\nif true; then\n  y=$x\nfi")
    assert found[:2] == [(Operator, "%%"), (Keyword, "sweep")]
    assert {(Keyword, "if"), (Keyword, "fi")} <= set(found)


def test_other_cells_are_pythons() -> None:
    assert (Keyword, "def") in tokens("def f():\n    return 1")
    assert (Name, "echo") not in tokens("%%remote nowhere\necho")


@given(CELLS)
def test_no_character_is_lost(code: str) -> None:
    found = list(get_lexer_by_name("everest").get_tokens_unprocessed(code))
    assert "".join(value for _, _, value in found) == code
    assert all(code.startswith(value, place) and kind in Token for place, kind, value in found)


def test_nbconvert_uses_it_when_its_configuration_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = ["%%remote shell\nwhile read -r x; do :; done", "%%sweep shell x=1,2 --out y\nuntil y=$x; do :; done"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in texts])
    notebook.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    config = Config(HighlightMagicsPreprocessor={"languages": {"%%remote": "everest", "%%sweep": "everest"}})
    html, _ = HTMLExporter(config=config).from_notebook_node(notebook)
    assert '<span class="k">while</span>' in html
    assert '<span class="k">until</span>' in html


def test_looking_for_lexers_loads_nothing_of_the_notebooks_side() -> None:
    code = (
        "import sys; from pygments.lexers import find_lexer_class_by_name as find; find('everest')\n"
        "loaded = sorted(name for name in sys.modules if name.startswith('everest_kernel'))\n"
        "assert loaded == ['everest_kernel', 'everest_kernel.highlighting'], loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
