"""What an editor knows of a `%%sweep` cell: completion, inspection, completeness, and the words of its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.cell_text import locate, read_cell
from everest_kernel.notebook.completion import TYPES, complete_cell
from everest_kernel.notebook.line_values import Notebook
from everest_kernel.notebook.line_words import split_line, split_sweep_line
from everest_kernel.notebook.sweep_options import SWEEP_OPTIONS
from everest_kernel.notebook.sweep_parameters import MAKERS

FRAME = pd.DataFrame({"mass": [1.0, 2.0], "maker": ["a", "b"], "no name": [1, 2]})
NAMES = {"field": np.zeros((3, 4)), "frame": FRAME, "rate": 3, "frames": [FRAME]}
NOTEBOOK = Notebook(NAMES, {}, Path())


def no_python(code: str, cursor: int) -> dict[str, Any]:
    raise AssertionError("this is no Python")


def ipython(*matches: str, back: int = 1) -> Any:
    """An IPython that completes the last characters before the cursor to these words."""

    def python(code: str, cursor: int) -> dict[str, Any]:
        start = cursor - back
        assert start >= 0
        kinds = [{"start": start, "end": cursor, "text": word, "type": "x", "signature": ""} for word in matches]
        found = {"matches": list(matches), "cursor_start": start, "cursor_end": cursor}
        return {"status": "ok", **found, "metadata": {TYPES: kinds}}

    return python


def complete(code: str, notebook: Notebook = NOTEBOOK, python: Any = no_python) -> list[str]:
    """Matches at the place of the first `|`, or at the end."""
    before, bar, after = code.partition("|")
    reply = complete_cell(before + after, len(before) if bar else None, notebook, python)
    assert reply is not None
    assert reply["cursor_end"] == len(before)
    prefix = before[reply["cursor_start"] :]
    assert all(match.startswith(prefix) for match in reply["matches"])
    kinds = reply["metadata"][TYPES]
    assert [kind["text"] for kind in kinds] == reply["matches"]
    assert all((kind["start"], kind["end"]) == (reply["cursor_start"], len(before)) for kind in kinds)
    return list(reply["matches"])


# --- the parts of a cell


@pytest.mark.parametrize(
    ("code", "line", "body", "magic"),
    [
        ("%%sweep python x=1,2 --out y\ny = x", " python x=1,2 --out y", "y = x", 0),
        ("%%time\n  %%sweep shell", " shell", "", 9),
        ("%%sweep\nx", "", "x", 0),
    ],
)
def test_a_sweep_is_found(code: str, line: str, body: str, magic: int) -> None:
    cell = locate(code)
    assert cell is not None
    assert (cell.line, cell.body, cell.magic, cell.magic_start) == (line, body, "sweep", magic)
    assert code[cell.line_start :].startswith(line)


@pytest.mark.parametrize("code", ["%%sweep?", "%%sweep ?", "%%sweeper x", "%sweep x", "x\n%%sweep python"])
def test_other_cells_are_not(code: str) -> None:
    assert locate(code) is None


def test_what_a_line_says() -> None:
    cell = locate(
        "%%sweep lab,octave x=[1, 2] v[m/s]='a b',c --in a,b --out=y --out z --frame df --where 'x < 1' --live"
    )
    assert cell is not None
    line = read_cell(cell)
    assert (line.route, line.inputs, line.outputs, line.waits) == ("lab", ("a", "b"), ("y", "z"), "--live")
    assert line.parameters == ("x=[1, 2]", "v[m/s]='a b',c")
    assert (line.value("--frame"), line.value("--where"), line.value("--live")) == ("df", "x < 1", "")


@pytest.mark.parametrize(
    ("line", "words", "unclosed"),
    [
        ("python x=[1, 2] --out y", ["python", "x=[1, 2]", "--out", "y"], ""),
        (r"x='it\'s ok','b' z=1", [r"x='it\'s ok','b'", "z=1"], ""),
        (r"--files a\ b 'c\' d", ["--files", r"a\ b", r"'c\'", "d"], ""),
        (r'--name "a \" b" c', ["--name", r'"a \" b"', "c"], ""),
        ("--name :-) x=(1, 2)", ["--name", ":-)", "x=(1, 2)"], ""),
        ("x=[1, 2 --out y", ["x=[1, 2 --out y"], "a bracket is not closed"),
        ("--where 'a < b", ["--where", "'a < b"], "a quote ' is not closed"),
        ("python \\", ["python", "\\"], "a backslash ends the line"),
        ("  ", [], ""),
    ],
)
def test_words_of_a_line(line: str, words: list[str], unclosed: str) -> None:
    found, left_open = split_sweep_line(line)
    assert [word.raw for word in found] == words
    assert left_open == unclosed
    assert all(line.startswith(word.raw, word.start) for word in found)


@given(st.text(st.sampled_from(" ab'\"\\=-,:1é"), max_size=30))
def test_without_brackets_and_parameters_words_are_those_of_other_lines(text: str) -> None:
    line = text.replace("=", "")
    assert split_sweep_line(line)[0] == split_line(line)


# --- completion on the line


@pytest.mark.parametrize(
    ("code", "matches"),
    [
        ("%%sweep oct", ["octave"]),
        ("%%time\n%%sweep oct", ["octave"]),
        ("%%sweep octave --sampl", ["--sample", "--sampling"]),
        ("%%sweep octave --sampling ", ["uniform", "lhs", "sobol"]),
        ("%%sweep octave --sampling=l", ["lhs"]),
        ("%%sweep octave --refine-", ["--refine-budget"]),
        ("%%sweep octave --ru", []),
        ("%%sweep octave --fe", []),
        ("%%sweep octave --se", ["--seed"]),
        ("%%sweep octave --ve", []),
        ("%%sweep python --ve", ["--vectorized"]),
        ("%%sweep octave x=1,2 --in fi", ["field"]),
        ("%%sweep octave field=1,2 --in fi", []),
        ("%%sweep octave x=[1, 2] --in rate,f", ["field", "frame", "frames"]),
        ("%%sweep octave x=1,2 --out |\nx = x + 1; y = x; z = 1;", ["y", "z"]),
        ("%%sweep octave x=1,2 --out y,|\ny = x; z = 1;", ["z"]),
        ("%%sweep octave x=1,2 --out y,z --live ", ["y", "z"]),
        ("%%sweep octave x=1,2 --live |\ny = x", ["y"]),
        ("%%sweep octave x=1,2 --out y,z --refine ", ["y=", "z="]),
        ("%%sweep octave --refine z| --out y,z", ["z="]),
        ("%%sweep octave --out y --refine y=", []),
        ("%%sweep octave --frame ", ["frame"]),
        ("%%sweep octave alpha=1,2 x=1,2 --where 'x < al", ["alpha"]),
        ("%%sweep octave alpha=1,2 x=1,2 --where a", ["alpha", "abs", "atan2"]),
        ("%%sweep octave --where 'al|' alpha=1,2", ["alpha"]),
        ("%%sweep octave --frame frame --where ma", ["mass", "maker", "max"]),
        ("%%sweep octave max=1,2 --where ma", ["max"]),
        ("%%sweep octave --frame frame --where no", []),
        ("%%sweep giac x=1,2 --with syn", ["syntax="]),
        ("%%sweep giac x=1,2 --with syntax=ma", ["maple"]),
        ("%%sweep octave x=1,2 zzz", []),
        ("%%sweep octave x=", list(MAKERS)),
        ("%%remote octave --running ", ["attach", "new", "ask"]),
    ],
)
def test_on_the_line(code: str, matches: list[str]) -> None:
    assert complete(code) == matches


def test_options_of_other_magics_are_not_offered() -> None:
    offered = complete("%%sweep --")
    assert set(offered) == set(SWEEP_OPTIONS)
    assert {"--where", "--plan-file", "--bg", "--time-limit"} <= set(offered)
    assert not {"--fetch", "--set", "--running"} & set(offered)


def test_several_routes_are_of_one_language(tmp_path: Path) -> None:
    (tmp_path / "everest.toml").write_text("[routes.lab]\nlanguage='octave'\n[routes.lap]\nlanguage='shell'\n")
    notebook = Notebook(NAMES, {}, tmp_path)
    assert complete("%%sweep la", notebook) == ["lab", "lap"]
    assert complete("%%sweep octave,la", notebook) == ["lab"]
    assert complete("%%sweep lab,", notebook) == ["octave"]
    assert complete("%%sweep lab,octave,", notebook) == []
    assert complete("%%sweep nowhere,", notebook) == []
    assert complete("%%sweep lab,octave x=1,2\nlinsp", notebook) == ["linspace"]
    (tmp_path / "everest.toml").write_text("not toml")
    assert complete("%%sweep octave,", notebook) == []


def test_plan_files_are_offered_and_read(tmp_path: Path) -> None:
    (tmp_path / "plan.txt").write_text("parameter mesh from 1 to 3 step 1\nparameter no-name 1 2\ncommand sh ${mesh}\n")
    (tmp_path / "bad.txt").write_bytes(b"\xff")
    (tmp_path / "wrong.txt").write_text("nonsense")
    (tmp_path / "huge.txt").write_text("# " + "x" * 2_000_000 + "\nparameter mesh 1 2\ncommand x")
    notebook = Notebook(NAMES, {}, tmp_path)
    assert complete("%%sweep shell --plan-file p", notebook) == ["plan.txt"]
    assert complete("%%sweep shell --plan-file plan.txt\necho $me", notebook) == ["mesh"]
    for other in ("bad.txt", "wrong.txt", "huge.txt", "nowhere", ".", "''"):
        assert "mesh" not in complete(f"%%sweep shell --plan-file {other}\necho $me", notebook)


def test_values_of_a_parameter_are_python() -> None:
    asked = []

    def python(code: str, cursor: int) -> dict[str, Any]:
        asked.append((code, cursor))
        return dict(ipython("limit", "linear", "%lit", back=2)(code, cursor))

    names = ["linspace", "limit", "linear"]
    assert complete("%%sweep octave a=1 x[m/s]=[f(k) for k in li|] --out y", python=python) == names
    assert asked == [("[f(k) for k in li", 17)]
    assert complete("%%sweep octave x=np.li", python=python) == ["limit", "linear"]
    assert complete("%%sweep octave 'x=1, li", python=python) == names
    assert complete("%%sweep octave x=ar", python=ipython(back=0)) == ["arange"]
    assert complete("%%sweep octave x=ar", python=ipython("arange", "args", back=2)) == ["arange", "args"]
    assert "--out" in complete("%%sweep octave x=1,2 ")


# --- completion in the text


def test_parameters_are_offered_in_the_text() -> None:
    assert {"alpha", "alpine", "abs"} <= set(complete("%%sweep octave alpha=1,2 --in alpine --out y\ny = a"))
    assert complete("%%sweep octave --frame frame --out y\nmass_of = mas") == ["mass", "mass_of"]
    assert complete("%%sweep nowhere alpha=1,2\nalp") == []


def test_parameters_are_offered_beside_what_ipython_offers() -> None:
    line = "%%sweep python rho=0:28:57 rate=1,2 --out y\n"
    assert complete(f"{line}y = r", python=ipython("rate", "repr")) == ["rho", "rate", "repr"]
    assert complete(f"{line}y = rh", python=ipython(back=0)) == ["rho"]
    assert complete(f"{line}y = x.r", python=ipython("real")) == ["real"]
    assert complete(f"{line}y = x.r", python=ipython(back=0)) == []
    assert complete(f"{line}y = '/r", python=ipython("/root", back=2)) == ["/root"]
    assert complete(f"{line}y = z", python=ipython("zip")) == ["zip"]


def test_ids_of_sweeps_are_offered(tmp_path: Path) -> None:
    class Job:
        def __init__(self, over: bool) -> None:
            self.done = lambda: over

    notebook = Notebook(folder=tmp_path, sweeps=lambda: {"sweep-1a": Job(False), "sweep-2b": Job(True)})
    assert complete("%cancel sw", notebook) == ["sweep-1a"]
    assert complete("%attach ", notebook) == ["sweep-1a", "sweep-2b"]
    assert complete("%cancel sweep-1a ", notebook) == []
    assert complete("%job sw", notebook) == complete("%log sw", notebook) == []
    assert complete("%everest sweeps ", notebook) == ["clear"]
    assert complete("%everest sweeps clear ", notebook) == []
