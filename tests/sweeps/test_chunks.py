"""Chunks' programs, run for real."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from everest_kernel.languages import PythonLanguage, StagedFile
from everest_kernel.sweeps.chunks import Answer, PointCell
from everest_kernel.sweeps.posix_chunks import PosixChunks
from everest_kernel.sweeps.python_chunks import PythonChunks
from everest_kernel.sweeps.single_chunks import SingleChunks
from everest_kernel.wire import JobFailedError, ProtocolError

from .chunk_runner import PYTHON, language, run_chunk


def python(code: str, *outputs: str, vectorized: bool = False, **constants: object) -> PythonChunks:
    return PythonChunks(PYTHON, PointCell(code, constants, outputs, vectorized=vectorized))


def results(answer: Answer, name: str) -> dict[int, object]:
    return {
        int(place): value.tolist()
        for group in answer.groups
        for place, value in zip(group.index, group.values[name], strict=True)
    }


def test_each_point_runs_with_its_parameters_and_the_constants(tmp_path: Path) -> None:
    chunks = python("y = k * x * x + n", "y", k=10)
    answer = run_chunk(chunks, {"x": [0.1, 0.2, 0.3], "n": [1, 2, 3]}, tmp_path)
    assert results(answer, "y") == {0: 10 * 0.1 * 0.1 + 1, 1: 10 * 0.2 * 0.2 + 2, 2: 10 * 0.3 * 0.3 + 3}
    assert not answer.failed
    assert answer.seconds > 0


def test_large_constants_are_one_file_for_all_chunks(tmp_path: Path) -> None:
    chunks = python("y = float(k[x])", "y", k=np.arange(5000.0))
    columns = [{"x": np.array([3])}, {"x": np.array([4])}]
    first, second = (chunks.render(each, 1, 1.0) for each in columns)
    assert first.attachments == second.attachments
    assert len(first.text) < 100_000
    assert results(run_chunk(chunks, {"x": [3, 4999]}, tmp_path), "y") == {0: 3.0, 1: 4999.0}


@pytest.mark.parametrize("value", ["1.5", "7", "True", "'a'", "2+3j", "[1.0, 2.0]", "__import__('numpy').ones((2, 2))"])
def test_outputs_come_back_as_they_were(value: str, tmp_path: Path) -> None:
    answer = run_chunk(python(f"y = {value}", "y"), {"x": [1, 2]}, tmp_path)
    assert results(answer, "y")[1] == np.asarray(eval(value)).tolist()
    assert answer.groups[0].values["y"].dtype.kind == np.asarray(eval(value)).dtype.kind


def test_a_point_that_raises_has_failed_and_the_others_have_results(tmp_path: Path) -> None:
    answer = run_chunk(python("# a note\ny = 1 / x", "y"), {"x": [1.0, 0.0, 4.0]}, tmp_path)
    assert results(answer, "y") == {0: 1.0, 2: 0.25}
    assert answer.failed == {1: "ZeroDivisionError: float division by zero (line 2 of the cell)"}


@pytest.mark.parametrize(
    ("death", "told"),
    [("os._exit(3)", "ended with status 3"), ("os.kill(os.getpid(), 11)", "was ended by signal 11")],
)
def test_a_point_that_ends_the_process_costs_itself_alone(death: str, told: str, tmp_path: Path) -> None:
    cell = f"import os\nopen('runs', 'a').write('x')\nif x == 500: {death}\ny = x"
    answer = run_chunk(python(cell, "y"), {"x": list(range(1000))}, tmp_path)
    assert sorted(results(answer, "y")) == [x for x in range(1000) if x != 500]
    assert answer.failed == {500: f"the process {told}"}


@pytest.mark.parametrize("name", ["python", "shell"])
def test_points_find_the_users_files(name: str, tmp_path: Path) -> None:
    (tmp_path / "staged-1").write_text("40")
    files = (StagedFile("staged-1", "data/in.txt"),)
    if name == "python":
        cell = PointCell("y = int(open('data/in.txt').read()) + x", {}, ("y",), files)
        answer = run_chunk(PythonChunks(PYTHON, cell), {"x": [1, 2]}, tmp_path)
    else:
        shell = language("shell")
        cell = PointCell("y=$(($(cat data/in.txt) + x))", {}, ("y",), files)
        answer = run_chunk(PosixChunks(shell, cell), {"x": [1, 2]}, tmp_path, on=shell)
    assert results(answer, "y") == {0: 41, 1: 42}


def test_a_chunk_gives_back_what_it_has_when_its_time_is_up(tmp_path: Path) -> None:
    cell = "import time\nend = time.perf_counter() + 0.05\nwhile time.perf_counter() < end: pass\ny = x"
    answer = run_chunk(python(cell, "y"), {"x": list(range(100))}, tmp_path, budget=0.2)
    found = sorted(results(answer, "y"))
    assert found == list(range(len(found)))
    assert 1 <= len(found) <= 5
    assert not answer.failed


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("z = 1", "NameError: the cell did not set y"),
        ("y = open", "TypeError: y is a builtin_function_or_method"),
        ("y = 'a' + chr(0)", "ValueError: y ends with a zero character"),
        ("y = 2**70", "OverflowError: y has more than 64 bits"),
        ("y = [1, 'a', None]", "TypeError: y is an array of dtype object"),
        ("raise SystemExit(2)", "SystemExit: 2"),
    ],
)
def test_what_is_no_output_is_an_error_of_the_point(code: str, told: str, tmp_path: Path) -> None:
    answer = run_chunk(python(code, "y"), {"x": [1]}, tmp_path)
    assert answer.failed[0].startswith(told)


def test_points_of_different_forms_are_in_different_groups(tmp_path: Path) -> None:
    answer = run_chunk(python("y = [1.0] * x", "y"), {"x": [1, 2, 1]}, tmp_path)
    assert [(group.index.tolist(), group.values["y"].shape) for group in answer.groups] == [
        ([0, 2], (2, 1)),
        ([1], (1, 2)),
    ]


def test_a_cell_that_is_no_python_says_so_once(tmp_path: Path) -> None:
    with pytest.raises(JobFailedError, match="SyntaxError"):
        run_chunk(python("y = = 1", "y"), {"x": [1, 2]}, tmp_path)


def test_a_vectorized_cell_gets_arrays(tmp_path: Path) -> None:
    answer = run_chunk(python("y = x ** 2\nn = len(x)", "y", "n", vectorized=True), {"x": [1.0]}, tmp_path)
    assert "n has shape ()" in answer.failed[0]
    chunks = python("y = x ** 2 + a", "y", vectorized=True)
    answer = run_chunk(chunks, {"x": np.arange(5000.0), "a": np.ones(5000)}, tmp_path)
    assert results(answer, "y") == {x: x**2 + 1.0 for x in range(5000)}


def test_a_vectorized_cell_that_fails_is_halved_down_to_the_point(tmp_path: Path) -> None:
    cell = "if (x == 777).any(): raise ValueError('no')\ny = x * 2"
    answer = run_chunk(python(cell, "y", vectorized=True), {"x": list(range(2000))}, tmp_path)
    assert answer.failed == {777: "ValueError: no (line 1 of the cell)"}
    assert len(results(answer, "y")) == 1999


def test_shell_points_run_one_after_another(tmp_path: Path) -> None:
    shell = language("shell")
    cell = PointCell('[ "$x" != 2 ] || { echo no luck >&2; exit 4; }\ny=$((x * k))\nt="<$x>"', {"k": 3}, ("y", "t"))
    answer = run_chunk(PosixChunks(shell, cell), {"x": [1, 2, 3]}, tmp_path, on=shell)
    assert results(answer, "y") == {0: 3, 2: 9}
    assert results(answer, "t") == {0: "<1>", 2: "<3>"}
    assert answer.failed == {1: "no luck"}


def test_a_single_point_is_an_ordinary_cell(tmp_path: Path) -> None:
    chunks = SingleChunks(PYTHON, PointCell("y = x + 1", {}, ("y",)))
    assert results(run_chunk(chunks, {"x": [41]}, tmp_path), "y") == {0: 42}
    failing = SingleChunks(PYTHON, PointCell("y = 1 / x", {}, ("y",)))
    assert run_chunk(failing, {"x": [0]}, tmp_path).failed == {
        0: "ZeroDivisionError: division by zero (line 1 of the cell)"
    }


def _answer(head: object, *blobs: bytes) -> io.BytesIO:
    return io.BytesIO(json.dumps(head).encode() + b"\n" + b"".join(blobs))


def _group(index: list[int], values: object, count: int = 0) -> dict[str, object]:
    return {"index": ["q", len(index)], "seconds": ["d", count or len(index)], "values": [values]}


def _head(*groups: object, failed: object = ()) -> dict[str, object]:
    return {"groups": groups, "failed": failed, "seconds": 1.0}


def _places(*index: int) -> bytes:
    return np.array(index, np.int64).tobytes()


_ONE = np.ones(1).tobytes()


def test_an_answer_is_read() -> None:
    stream = _answer(_head(_group([1], ["d", 1]), failed=[[0, "no"]]), _places(1), _ONE, _ONE)
    answer = PythonChunks(PythonLanguage(), PointCell("", {}, ("y",))).read(stream, 2, "", {})
    assert results(answer, "y") == {1: 1.0}
    assert answer.failed == {0: "no"}


@pytest.mark.parametrize(
    "stream",
    [
        io.BytesIO(b""),
        io.BytesIO(b"PK\x03\x04"),
        io.BytesIO(b"[" * 100_000),
        _answer(None),
        _answer({}),
        _answer(_head(_group([9], ["d", 1])), _places(9), _ONE, _ONE),
        _answer(_head(_group([0, 0], ["d", 2])), _places(0, 0), _ONE * 2, _ONE * 2),
        _answer(_head(_group([0], ["d", 2])), _places(0), _ONE, _ONE * 2),
        _answer(_head(_group([0], ["d", 1]), failed=[[0, "too"]]), _places(0), _ONE, _ONE),
        _answer(_head(_group([0], ["d", 1])), _places(0), _ONE),
        _answer(_head(_group([0], ["d", -1])), _places(0), _ONE, _ONE),
        _answer(_head(_group([0], ["d", 1 << 60])), _places(0), _ONE, _ONE),
        _answer(_head(_group([0], ["O", 1])), _places(0), _ONE, _ONE),
        _answer(_head(_group([0], ["list", [None]])), _places(0), _ONE),
        _answer(_head({"index": ["d", 1], "seconds": ["d", 1], "values": [["d", 1]]}), _ONE * 3),
        _answer(_head({**_group([0], ["d", 1]), "values": []}), _places(0), _ONE),
    ],
)
def test_garbage_from_a_resource_is_refused(stream: io.BytesIO) -> None:
    with pytest.raises(ProtocolError):
        PythonChunks(PythonLanguage(), PointCell("", {}, ("y",))).read(stream, 2, "", {})
