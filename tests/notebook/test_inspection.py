"""What is told of words in remote cells, and whether such cells are complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.completeness import check_cell
from everest_kernel.notebook.dry_run import fenced
from everest_kernel.notebook.inspection import inspect_cell
from everest_kernel.notebook.line_values import Notebook
from everest_kernel.notebook.options import OPTIONS
from tests.notebook.test_completion import CELLS, complete


class Hostile:
    """Objects as proxies are: whatever is asked of them fails."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("repr")


LOOP: list[Any] = [1]
LOOP.append(LOOP)
NAMES = {
    "grid": np.zeros((3, 4)),
    "huge": np.zeros(10**6),
    "n": 41,
    "helper": lambda: 1,
    "token": "hunter2",
    "loop": LOOP,
    "hostile": Hostile(),
    "hostiles": [1, {"a": Hostile()}],
    "texts": ["a" * 10] * 10,
}
NOTEBOOK = Notebook(NAMES, {}, Path())


def python(code: str, cursor: int) -> dict[str, Any]:
    return {"status": "ok", "found": True, "data": {"text/plain": f"IPython on {code!r} at {cursor}"}, "metadata": {}}


def no_completeness(code: str) -> dict[str, Any]:
    raise AssertionError("this is no Python cell")


def told(code: str, notebook: Notebook = NOTEBOOK, detail: int = 0) -> str | None:
    """The plain text for the place of the first `|`; empty when nothing is found, None where IPython is to tell."""
    before, _, after = code.partition("|")
    reply = inspect_cell(before + after, len(before), notebook, python, detail)
    if reply is None:
        return None
    assert reply["found"] == bool(reply["data"])
    return str(reply["data"].get("text/plain", ""))


def test_a_word_of_the_language() -> None:
    text = told("%%remote octave\nx = lins|pace(0, 1)")
    assert text == "linspace (a, b, n)\nfunction of octave\n\nNumbers at equal distances."


def test_more_detail_tells_where_it_is_used() -> None:
    text = told("%%remote octave\nx = a|bs(y);\n% none\nz = abs(abs(x)); labs", detail=1)
    assert text is not None
    assert text.endswith("On lines 1, 3 of the cell.")


def test_markdown_holds_the_usage_as_code() -> None:
    reply = inspect_cell("%%remote octave\nplot", 20, NOTEBOOK, python)
    assert reply is not None
    assert reply["data"]["text/markdown"].startswith('```octave\nplot (x, y, "r-")\n```\n\nfunction of octave\n\n')


@pytest.mark.parametrize(
    "code", ["%%remote octave\nnonesuch|", "%%remote octave\n|", "%%remote octave\n1 + | 2", "%%remote nowhere\nabs|",
             "%%remote shell zzz|", "%%remote shell  |  "]
)  # fmt: skip
def test_nothing_is_known(code: str) -> None:
    assert told(code) == ""


@pytest.mark.parametrize("code", ["len|", "%%rem|ote shell", "%%ti|me\n%%remote shell\necho", "%%remote?|"])
def test_elsewhere_ipython_tells(code: str) -> None:
    assert told(code) is None


def test_in_python_ipython_tells() -> None:
    assert told("%%remote python\nя = le|n(x)") == "IPython on 'я = len(x)' at 6"


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("%%remote octave --in grid\nx = gr|id;", ["grid\nnumpy.ndarray float64 (3, 4), goes with --in\n"]),
        ("%%remote octave --in n,gr|id", ["numpy.ndarray float64 (3, 4)"]),
        ("%%remote octave --in n|,grid", ["n\nint", "2 B as a value of octave."]),
        ("%%remote python --in n\n|n", ["n\nint, goes with --in", " B as a value of python."]),
        ("%%remote octave --in huge\nhuge|", ["About 8.0 MB; how much goes is counted when the cell runs."]),
        ("%%remote octave --in helper\nhelper|", ["Cannot go: helper: a value of type function has no like in Octave"]),
        ("%%remote octave --in loop\nloop|", ["list, goes with --in", "About "]),
        ("%%remote octave --in hostile\nhostile|", ["Hostile, goes with --in", "Whether it can go"]),
        ("%%remote python --in hostile\nhostile|", ["Hostile, goes with --in", "Whether it can go"]),
        ("%%remote octave --in absent\nabsent|", ["absent\nnot defined here", "Run the cell that defines it first."]),
    ],
)  # fmt: skip
def test_a_value_that_goes(code: str, parts: list[str]) -> None:
    text = told(code)
    assert text is not None
    assert [part for part in parts if part not in text] == []


def test_values_are_shown_in_detail_unless_they_look_secret() -> None:
    shown = told("%%remote octave --in texts\ntexts|", detail=1)
    assert shown is not None
    assert "['aaaaaaaaaa', " in shown
    assert "Hostile" in (told("%%remote octave --in hostile\nhostile|", detail=1) or "")
    assert "list" in (told("%%remote octave --in hostiles\nhostiles|", detail=1) or "")
    assert complete("%%remote octave --in hos", NOTEBOOK) == ["hostile", "hostiles"]
    assert "aaaa" not in (told("%%remote octave --in texts\ntexts|") or "")
    assert "hunter2" not in (told("%%remote octave --in token\ntoken|", detail=1) or "hunter2")


@pytest.mark.parametrize("option", OPTIONS)
def test_options_have_their_help(option: str) -> None:
    text = told(f"%%remote shell {option[:3]}|{option[3:]} x")
    assert text is not None
    assert text.startswith(option)
    assert "option of %%remote" in text
    assert len(text.splitlines()[-1]) > 10
    assert "Examples" in (told(f"%%remote shell {option}|", detail=1) or "")


def test_the_value_of_an_option_tells_of_the_option() -> None:
    assert "--time-limit 10m\n" in (told("%%remote shell --time-limit 5|m") or "")
    assert "--fetch '*.png'\n" in (told("%%remote shell --fetch='a b|'") or "")


def test_a_setting_has_its_help() -> None:
    assert (
        told("%%remote maxima --with enco|ding=cp1251")
        == "encoding=…\nsetting of maxima\n\nof texts there, such as cp1251"
    )


def test_a_route_is_described(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text(
        '[servers.lab]\nurl = "https://lab.example"\n'
        '[routes.big]\nlanguage = "octave"\nserver = "lab"\nresources = ["r1", "r2"]\ntime_limit = "5m"\n'
    )
    notebook = Notebook(folder=tmp_path)
    text = told("%%remote bi|g", notebook)
    assert text is not None
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines == ["big", "route to octave", "", "server lab", "command sh program.sh", "resources r1, r2"]
    assert "time limit  " in (told("%%remote big|", notebook, detail=1) or "")
    assert "300 s" in (told("%%remote big|", notebook, detail=1) or "")


def test_a_route_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert "Did you mean 'shell'?" in (told("%%remote shel|") or "")
    (tmp_path / "everest.toml").write_text("not toml")
    assert "is not TOML" in (told("%%remote shell|", Notebook(folder=tmp_path)) or "")


@given(CELLS, st.integers(-2, 120), st.integers(0, 1))
def test_nothing_raises(code: str, cursor: int, detail: int) -> None:
    reply = inspect_cell(code, cursor, NOTEBOOK, python, detail)
    assert reply is None or reply["found"] == bool(reply["data"])
    check_cell(code, Notebook(), no_completeness)


# --- whether a cell is complete


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("%%remote shell", "incomplete", ""),
        ("%%remote shell\n", "incomplete", ""),
        ("%%remote shell\n\n", "complete", None),
        ("%%remote shell\necho", "incomplete", ""),
        ("%%remote shell\necho\n", "incomplete", ""),
        ("%%remote shell\necho\n\n", "complete", None),
        ("%%remote shell\nif true; then", "incomplete", "  "),
        ("%%remote shell\nif true; then\n  echo\n\n\n", "incomplete", "  "),
        ("%%remote shell\nif true; then\n  echo\n  fi", "incomplete", "  "),
        ("%%remote shell\nif true; then\n  echo\n  fi\n  ", "complete", None),
        ("%%remote shell\nfi", "incomplete", ""),
        ("%%remote shell\nfi\n\n", "invalid", None),
        ("%%remote octave\nfor i=1:3", "incomplete", "  "),
        ("%%remote octave\nfor i=1:3\n  i\nend\n\n", "complete", None),
        ("%%time\n%%remote octave\nx = [1\n\n", "incomplete", ""),
        ("%%remote python\nfor i in x:", "incomplete", "    "),
        ("%%remote python\nfor i in x:\n    print(i)", "incomplete", "    "),
        ("%%remote python\nfor i in x:\n    print(i)\n    ", "complete", None),
        ("%%remote python\nx = (1,\n\n\n", "incomplete", ""),
        ("  %%remote python\n  x = 1\n\n", "complete", None),
        ("  %%remote python\n  if x:", "incomplete", "      "),
        ("%%remote python\nx = = 1", "incomplete", ""),
        ("%%remote python\nx = = 1\n\n", "invalid", None),
    ],
)
def test_completeness(code: str, status: str, indent: str | None) -> None:
    expected = {"status": status} if indent is None else {"status": status, "indent": indent}
    assert check_cell(code, Notebook(), no_completeness) == expected


@pytest.mark.parametrize("code", ["x = 1", "%%remote", "%%remote nowhere\nx", "%%remote?", "%%bash\nif"])
def test_of_other_cells_ipython_decides(code: str) -> None:
    assert check_cell(code, Notebook(), no_completeness) is None


# --- code in Markdown


@pytest.mark.parametrize(
    ("text", "fence"), [("x", "```"), ("`x`", "```"), ("a ``` b", "````"), ("`````", "``````")]
)  # fmt: skip
def test_a_fence_is_longer_than_any_in_the_code(text: str, fence: str) -> None:
    assert fenced(text, "bash") == f"{fence}bash\n{text}\n{fence}"
    assert fenced(text, "text") == f"{fence}\n{text}\n{fence}"
