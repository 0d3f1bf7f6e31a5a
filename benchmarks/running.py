"""What happens while remote code runs: interrupts, a flood of output, many background jobs."""

from __future__ import annotations

import http.client
import re
import statistics
import subprocess
import time
from typing import Any
from urllib.parse import urlsplit

import psutil

from everest_kernel.local_hub import read_record

from .figures import Figure, median_of, peak_memory
from .kernels import KernelDriver, running_kernel

__all__ = ["background", "flood", "interrupts"]

_SLEEPING = "%%remote shell\n(sleep 600) &\nsleep 600 &\necho tree $$ $!\nwait"
_LINES = 1_000_000
_FLOOD = f"yes 'a line of a flood, as long as those of many programs are' | head -n {_LINES}"
_ANSWER = 30.0


def interrupts(rounds: int = 30) -> list[Figure]:
    """A cell whose task sleeps is interrupted as a front end does it, once its output shows that it runs."""
    idle, gone = [], []
    with running_kernel("everest") as kernel:
        for number in range(rounds + 3):
            to_idle, to_gone = _interrupted(kernel)
            if number >= 3:
                idle.append(to_idle)
                gone.append(to_gone)
    return [
        Figure("interrupt of a remote cell to idle", statistics.median(idle) * 1e3, "ms", 20, detail=median_of(idle)),
        Figure("interrupt until the remote processes are gone", max(gone), "s", 1, detail=median_of(gone)),
    ]


def _interrupted(kernel: KernelDriver) -> tuple[float, float]:
    """Seconds from the request to idle, and until all processes of the task are gone; they may well be by then."""
    tree: list[int] = []
    began = 0.0

    def watch(kind: str, content: dict[str, Any]) -> None:
        nonlocal began
        found = re.search(r"tree ([\d ]+)\n", content.get("text", "")) if kind == "stream" else None
        if found and not tree:
            tree.extend(int(word) for word in found[1].split())
            began = time.perf_counter()
            kernel.manager.interrupt_kernel()

    _, messages = kernel.run(_SLEEPING, watch=watch, fails=True)
    to_idle = time.perf_counter() - began
    while any(_is_alive(pid) for pid in tree):
        if time.perf_counter() - began > _ANSWER:
            raise TimeoutError("the task's processes live on")
        time.sleep(0.0005)
    to_gone = time.perf_counter() - began
    errors = [content["ename"] for _, kind, content in messages if kind == "error"]
    if errors != ["JobCancelledError"]:
        raise RuntimeError(f"the interrupted cell ended with {errors}")
    log = _get(kernel, f"/api/jobs/{_job_of(messages)}/log").decode()
    if "Cancel requested" not in log:
        raise RuntimeError("the cell was given back before the hub had the cancel")
    return to_idle, to_gone


def flood() -> list[Figure]:
    """A million lines, beside the same program into a pipe; then the hub is asked for the job's output."""
    began = time.perf_counter()
    expected = subprocess.run(["sh", "-c", _FLOOD], stdout=subprocess.PIPE, check=True).stdout
    bare = time.perf_counter() - began
    with running_kernel("everest") as kernel:
        kernel.run("%%remote shell\nseq 20000")
        with peak_memory(kernel.manager.provisioner.pid) as grown:
            took, messages = kernel.run(f"%%remote shell\n{_FLOOD}")
        kept = _get(kernel, f"/api/files/jobs/{_job_of(messages)}/stdout")
    if kept != expected:
        raise RuntimeError(f"the job's output has {len(kept)} bytes, and its program wrote {len(expected)}")
    shown = [wall for wall, kind, _ in messages if kind in ("stream", "display_data", "update_display_data")]
    worst = max(sum(at <= other < at + 1 for other in shown) for at in shown)
    size = len(expected) / 1e6
    return [
        Figure("messages in the worst second of a million lines", worst, "", 10, detail=f"{len(shown)} in all"),
        Figure("growth of the kernel's memory meanwhile", grown[0] / 1e6, "MB", 50),
        Figure("a million lines, request to idle", took, "s", detail=f"{size / took:.0f} MB/s; a pipe {bare:.2f} s"),
    ]


def background(jobs: int = 200) -> list[Figure]:
    """Plain cells while many background jobs wait, run and end; and by how many connections those are followed."""
    start = (
        "from everest_kernel import remote\n"
        f"jobs = [remote('shell', 'echo started; sleep 0.1; echo $((6 * 7))') for _ in range({jobs})]"
    )
    with running_kernel("everest") as kernel:
        kernel.run("%%remote shell\ntrue")
        alone = [kernel.run("1 + 1")[0] for _ in range(100)]
        kernel.run(start)
        times, connections, over = [], [], False
        while not over:
            took, messages = kernel.run("all(job.done() for job in jobs)")
            times.append(took)
            connections.append(_connections(kernel))
            over = _result(messages) == "True"
            time.sleep(0.02)  # a person at the prompt
        ended = _result(kernel.run("sum('42' in job.log() for job in jobs)")[1])
    if ended != str(jobs):
        raise RuntimeError(f"of {jobs} background jobs {ended} wrote what they should")
    most = statistics.quantiles(times, n=20)[-1]
    detail = f"{median_of(times)}, worst {max(times) * 1e3:.0f} ms; without them {median_of(alone)}"
    return [
        Figure(f"plain cell beside {jobs} background jobs, 95 %", most * 1e3, "ms", 50, detail=detail),
        Figure("connections by which those are followed, at most", max(connections), "", 40),
    ]


def _connections(kernel: KernelDriver) -> int:
    """Open connections from the kernel to the hub."""
    record = read_record(kernel.hub)
    port = urlsplit(record.url).port if record else None
    found = psutil.Process(kernel.manager.provisioner.pid).net_connections("tcp")
    return sum(bool(c.raddr) and c.raddr.port == port and c.status == psutil.CONN_ESTABLISHED for c in found)


def _result(messages: list[tuple[float, str, dict[str, Any]]]) -> str:
    found = [content["data"]["text/plain"] for _, kind, content in messages if kind == "execute_result"]
    return str(found[-1]) if found else ""


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _job_of(messages: list[tuple[float, str, dict[str, Any]]]) -> str:
    for _, kind, content in reversed(messages):
        found = re.search(r"job ([0-9a-f]{24})", str(content)) if "display" in kind else None
        if found:
            return found[1]
    raise RuntimeError("no header named the job")


def _get(kernel: KernelDriver, path: str) -> bytes:
    record = read_record(kernel.hub)
    if record is None:
        raise RuntimeError("there is no hub")
    connection = http.client.HTTPConnection(urlsplit(record.url).netloc, timeout=_ANSWER)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {record.token}"})
        answer = connection.getresponse()
        content = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return content
