"""Real old programs, where a copy is at hand. None of them is part of this repository.

`EVEREST_PY=/path/to/everest.py` names a copy of Everest's Python client of 2017 or later, and `EVEREST_PY_PYTHON` the
interpreter that runs it, with the packages requests and future; by default that of the tests.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from .support import FILE, everest

EVEREST_PY = os.environ.get("EVEREST_PY", "")
SESSION = Path(__file__).with_name("old_session.py")


@pytest.mark.skipif(not EVEREST_PY, reason="EVEREST_PY names no copy of everest.py")
async def test_everest_py(tmp_path: Path) -> None:
    folder = tmp_path / "module"
    folder.mkdir()
    (folder / "everest.py").write_bytes(Path(EVEREST_PY).read_bytes())
    async with everest(tmp_path) as hub:
        maps = {"into": {"message": "m.txt", "file": "in.txt"}, "out": {"file": "out.txt"}}
        inputs = {"message": {"type": "string"}, "file": FILE}
        await hub.publish("append", "sh -c 'cat in.txt m.txt > out.txt'", inputs, {"file": FILE}, **maps)
        await hub.publish("fails", "false", {}, {})
        process = await asyncio.create_subprocess_exec(
            os.environ.get("EVEREST_PY_PYTHON") or sys.executable,
            str(SESSION),
            str(tmp_path),
            hub.hub.url,
            env={**os.environ, "EVEREST_PY_FOLDER": str(folder), "NO_PROXY": "127.0.0.1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    found = json.loads(said.strip().splitlines()[-1])
    assert found["appended"] == "data12"
    assert found["failed"] == "Job is failed!"
    assert "TASK_STATE" in found["log"]
    assert found["jobs"] == [f"Old session - Job {number}" for number in range(3)]
    assert found["left"] == 1
