"""The engine as one file: it computes the same elsewhere, with nothing of ours at hand."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from everest_kernel.lyapunov import shipping, spectrum, systems
from everest_kernel.lyapunov.codegen import program_for
from everest_kernel.lyapunov.shipping import _PARTS, worker_text
from everest_kernel.lyapunov.spectrum import schedule_for
from everest_kernel.lyapunov.starts import starting_states

ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from lyapunov_worker import exponents
found = exponents(rho=[10.0, 28.0])
assert not [name for name in sys.modules if name.split(".")[0] == "everest_kernel"], "it must do without"
print(json.dumps({name: column.tolist() for name, column in found.items()}))
"""


@pytest.mark.parametrize("code", ["numba", "numpy"])
def test_the_file_alone_computes_the_same(tmp_path: Path, code: str) -> None:
    system = systems.lorenz()
    schedule = schedule_for(system, T=20, dt=None, transient=5, renormalize=None)
    constants = {"sigma": 10.0, "beta": 8 / 3}
    text = worker_text(program_for(system), schedule, starting_states(system, 1), constants, code=code)
    (tmp_path / "lyapunov_worker.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(tmp_path)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    here = spectrum(system, {**constants, "rho": [10.0, 28.0]}, T=20, transient=5, code=code)
    assert np.array_equal(np.array([found[f"L{i}"] for i in (1, 2, 3)]).T, here.exponents)
    assert np.array_equal(np.array([found[f"dL{i}"] for i in (1, 2, 3)]).T, here.standard_error)
    assert found["D_KY"] == here.kaplan_yorke.tolist()
    assert found["orbit"] == ["fixed point", "chaotic"]


@pytest.mark.parametrize("part", _PARTS)
def test_what_travels_is_python_3_9_and_imports_what_came_before_it(part: str) -> None:
    text = Path(shipping.__file__).with_name(f"{part}.py").read_text("utf-8")
    tree = ast.parse(text, feature_version=(3, 9))
    ours = [node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.level]
    assert set(ours) <= set(_PARTS[: _PARTS.index(part)])
