"""`%jobs`, `%job`, `%cancel` and `%everest cache` in true kernels with a true hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from everest_kernel.local_hub import read_record
from tests.support.kernel import Cell, Kernel, running_kernel

START = """
import time
from everest_kernel import remote
from everest_kernel.records import JobRecord, Journal, journal_path

def begin(code, **fields):
    job = remote("shell", code)
    while not job.done() and job.status in ("starting", "submitted", "ready", "scheduled"):
        time.sleep(0.01)
    book = Journal(journal_path())
    book.begin(JobRecord(key=job.id, job_id=job.id, server="embedded", route="shell", language="shell", code=code,
                         name="a cell", state="RUNNING", **fields))
    book.close()
    return job
"""


def shown(cell: Cell) -> str:
    assert cell.status == "ok", cell.error
    return "\n".join(display["data"]["text/plain"] for display in cell.displays)


def started(kernel: Kernel, code: str, fields: str = "") -> str:
    """The id of a job that runs now and is in the journal."""
    kernel.run(START)
    found = kernel.run(f"job = begin({code!r}{fields})\njob.id").result
    assert found is not None
    return found.strip("'")


@pytest.fixture
def own_kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path) as kernel:
        yield kernel


def test_a_running_job_is_listed_shown_and_cancelled(kernel: Kernel) -> None:
    job = started(kernel, "echo begun; sleep 600", ", notebook='/u/integrals.ipynb', sent={'a': 1500}")
    cell = kernel.run("%jobs --state running --notebook integrals -n 1")
    (row,) = shown(cell).splitlines()[1:]
    assert re.match(rf"{job}  running  shell  \S+ +integrals\.ipynb  0 s  0\.\d\d s   a cell\Z", row)
    assert f"<td style='text-align: left'>{job}</td>" in cell.displays[0]["data"]["text/html"]
    page = kernel.run(f"%job {job}")
    assert re.search(r"^state +running$", shown(page), re.M)
    assert re.search(r"^sent +a \(1\.5 kB\)$", shown(page), re.M)
    assert page.displays[0]["data"]["text/markdown"].endswith("```bash\necho begun; sleep 600\n```")
    cell = kernel.run(f"%cancel {job} nonesuch")
    assert re.match(rf"job {job} was cancelled on \S+\n\Z", cell.text())
    assert (cell.status, cell.reply["ename"]) == ("error", "JobError")
    assert "there is no job 'nonesuch'" in cell.error
    assert re.search(r"^state +cancelled$", shown(kernel.run(f"%job {job}")), re.M)
    assert kernel.run(f"%cancel {job}").text() == f"job {job} had ended before (cancelled)\n"


def test_a_failed_cell_tells_why(kernel: Kernel) -> None:
    failed = kernel.run("%%remote shell\nexit 7")
    job = re.search(r"job (\w+)", failed.error)
    assert job is not None
    page = shown(kernel.run(f"%job {job[1]}"))
    assert re.search(r"^state +failed$", page, re.M)
    assert re.search(r"^exit code +7$", page, re.M)
    assert page.endswith("--- code\nexit 7")


def test_no_token_is_ever_shown(own_kernel: Kernel, tmp_path: Path) -> None:
    job = started(own_kernel, "true")
    own_kernel.run("%%remote shell\ntrue")
    record = read_record(tmp_path / "hub")
    assert record is not None
    for line in ("%jobs", f"%job {job}", "%everest cache"):
        assert record.token not in str(own_kernel.run(line).messages)
    for path in (tmp_path / "records").rglob("*"):
        assert path.is_dir() or record.token.encode() not in path.read_bytes()


def test_a_new_kernel_knows_the_jobs_of_one_that_was_killed_and_of_a_hub_that_is_away(tmp_path: Path) -> None:
    with running_kernel(tmp_path) as first:
        job = started(first, "sleep 600")
        psutil.Process(first.manager.provisioner.pid).kill()
        first.manager.restart_kernel(now=True)
        first.client.wait_for_ready(timeout=30)
        assert re.search(rf"^{job}  running ", shown(first.run("%jobs")), re.M)
    with running_kernel(tmp_path) as second:  # the first one's hub has ended with it
        text = shown(second.run("%jobs"))
        assert re.search(rf"^{job}  running ", text, re.M)
        assert text.endswith("the embedded hub does not run; its jobs are shown as they were last seen.")
        page = shown(second.run(f"%job {job}"))
        assert "running (last seen; the server 'embedded' cannot be asked: the embedded hub does not run)" in page
        assert page.endswith("--- code\nsleep 600")
        assert read_record(tmp_path / "hub") is None, "nobody has started it"
        assert second.run(f"%cancel {job}").status == "ok", "that is worth starting it"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%jobs --sate x", "CellOptionError: unknown option --sate. Did you mean --state?"),
        ("%jobs --server nonesuch", "ConfigurationError: the server 'nonesuch' is not configured"),
        ("%job", "CellOptionError: write %job and the id of a job"),
        ("%job nonesuch", "JobError: there is no job 'nonesuch'"),
        ("%cancel", "CellOptionError: write %cancel and the ids of jobs"),
        ("%everest cache cler", "Did you mean 'clear'?"),
    ],
)
def test_a_faulty_line_is_a_failed_cell(kernel: Kernel, line: str, said: str) -> None:
    cell = kernel.run(line)
    assert cell.status == "error"
    assert said in cell.error
    assert "Traceback" not in cell.error


@pytest.mark.parametrize("magic", ["jobs", "job", "cancel"])
def test_help_has_examples(kernel: Kernel, magic: str) -> None:
    reply = kernel.request("inspect_request", code=f"%{magic}", cursor_pos=2, detail_level=0)
    assert re.search(rf"Examples?\n\n +%{magic}\b", reply["data"]["text/plain"])


def test_the_cache_is_looked_at_and_cleared(kernel: Kernel) -> None:
    kernel.run("%everest cache clear")
    kernel.run("""
from everest_kernel.records import CachedResult, ResultCache, cache_folder
from everest_kernel.wire import Job, JobState
cache = ResultCache(cache_folder())
cache.put("h", CachedResult(Job("j1", JobState.DONE), [], None, None, None, 0.0, "maple"))
""")
    assert re.search(r"^j1 +maple ", shown(kernel.run("%everest cache")), re.M)
    assert shown(kernel.run("%everest cache clear j1")).startswith("1 result is dropped")
    assert shown(kernel.run("%everest cache")).startswith("No results")


def test_they_work_in_the_stock_kernel(stock_kernel: Kernel) -> None:
    job = started(stock_kernel, "true")
    assert job in shown(stock_kernel.run("%jobs"))
    assert f"job          {job}" in shown(stock_kernel.run(f"%job {job}"))


def test_a_cell_is_remembered_with_all_that_made_its_result(kernel: Kernel) -> None:
    kernel.run("n = 4")
    kernel.run("%%remote python --name squares --out m\nm = n ** 2\nprint('here')")
    text = shown(kernel.run("%jobs --notebook this --route python -n 1"))
    job = re.search(r"^(\w+)  done   python  \S+ +\(work\) .* squares$", text, re.M)
    assert job is not None
    page = shown(kernel.run(f"%job {job[1]}"))
    assert re.search(r"^line +python --name squares --out m$", page, re.M)
    assert re.search(r"^sent +n \(", page, re.M)
    assert re.search(r"^outputs +m$", page, re.M)
    assert re.search(r"^content +[0-9a-f]{64}$", page, re.M)
    assert page.endswith("--- code\nm = n ** 2\nprint('here')")
    assert re.search(rf"^{job[1]}  python ", shown(kernel.run("%everest cache")), re.M)
