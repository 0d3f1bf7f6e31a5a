"""True kernels, driven through jupyter_client; every message they send is checked against the specification."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from everest_kernel.kernelspec import install
from everest_kernel.local_hub import read_record

from .messages import check_message

__all__ = ["Cell", "Kernel", "running_kernel", "stop_hub"]

LIMIT = 30.0


@dataclass
class Cell:
    """What one request brought: its reply and its IOPub messages, in order."""

    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Contents of the messages of one kind."""
        return [m["content"] for m in self.messages if m["msg_type"] == kind]

    def text(self, stream: str = "stdout") -> str:
        """Everything on one stream; what a dry run shows counts as standard output."""
        shown = [c["data"]["text/plain"] for c in self.of("display_data") if c["metadata"].get("everest_dry_run")]
        return "".join([c["text"] for c in self.of("stream") if c["name"] == stream] + shown * (stream == "stdout"))

    @property
    def status(self) -> str:
        """`ok` or `error`."""
        return str(self.reply["status"])

    @property
    def result(self) -> str | None:
        """The plain text of the value."""
        found = self.of("execute_result")
        return found[0]["data"]["text/plain"] if found else None

    @property
    def header(self) -> str:
        """The last form of the header line."""
        return self._last("everest_header")

    @property
    def job(self) -> str:
        """The last form of a background job's display."""
        return self._last("everest_job")

    def _last(self, mark: str) -> str:
        kinds = ("display_data", "update_display_data")
        shown = [m["content"] for m in self.messages if m["msg_type"] in kinds]
        lines = [c["data"]["text/plain"] for c in shown if c["metadata"].get(mark)]
        return lines[-1] if lines else ""

    @property
    def displays(self) -> list[dict[str, Any]]:
        """Contents of the displays; header lines and background jobs apart."""
        ours = ("everest_header", "everest_job")
        return [c for c in self.of("display_data") if not any(c["metadata"].get(mark) for mark in ours)]

    @property
    def error(self) -> str:
        """What the user reads when the cell failed."""
        found = self.of("error")
        return "\n".join(found[0]["traceback"]) if found else ""


class Kernel:
    """A running kernel and a client of it."""

    def __init__(self, manager: KernelManager) -> None:
        self.manager = manager
        self._connect()

    def _connect(self) -> None:
        self._open: dict[str, Cell] = {}
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)

    def restart(self) -> None:
        """A new process in place of one that is stuck."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self._connect()

    def send(
        self,
        kind: str,
        content: dict[str, Any],
        *,
        channel: str = "shell",
        metadata: dict[str, Any] | None = None,
        header: dict[str, Any] | None = None,
    ) -> str:
        """Send a request; its message id."""
        message = self.client.session.msg(kind, content, metadata=metadata)
        message["header"].update(header or {})
        getattr(self.client, f"{channel}_channel").send(message)
        return str(message["header"]["msg_id"])

    def send_cell(self, code: str, *, cell_id: str | None = "cell-1", **header: Any) -> str:
        """Send code to run, as JupyterLab does (or, without a cell id, as a console does)."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": cell_id is None,
            "stop_on_error": True,
        }
        metadata = {"cellId": cell_id} if cell_id else {}
        return self.send("execute_request", content, metadata=metadata, header=header)

    def collect(
        self,
        message_id: str,
        *,
        watch: Callable[[Cell, dict[str, Any]], None] | None = None,
        channel: str = "shell",
        limit: float = LIMIT,
    ) -> Cell:
        """Gather messages until the reply is there and the kernel is idle. `watch` sees each as it comes."""
        cell, began = Cell(), time.monotonic()
        while True:
            message = self.client.get_iopub_msg(timeout=limit)
            check_message(message)
            if message["parent_header"].get("msg_type") == "interrupt_request" or _of_starting(message, message_id):
                continue
            if message["parent_header"].get("msg_id") != message_id:
                self._of_open_cell(message)
                continue
            cell.messages.append(message)
            cell.times.append(time.monotonic() - began)
            if watch:
                watch(cell, message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        get = self.client.get_shell_msg if channel == "shell" else self.client.get_control_msg
        message = get(timeout=limit)
        while _of_starting(message, message_id):
            message = get(timeout=limit)
        check_message(message)
        assert message["parent_header"]["msg_id"] == message_id
        cell.reply, cell.seconds = message["content"], time.monotonic() - began
        return cell

    def run(self, code: str, **options: Any) -> Cell:
        """Run a cell to its end."""
        return self.collect(self.send_cell(code, cell_id=options.pop("cell_id", "cell-1")), **options)

    def run_open(self, code: str, **options: Any) -> Cell:
        """Run a cell to its end, and take what comes for it later: it grows while other cells run."""
        message_id = self.send_cell(code, cell_id=options.pop("cell_id", "cell-1"))
        cell = self._open[message_id] = self.collect(message_id, **options)
        return cell

    def wait_for(self, condition: Callable[[], bool], limit: float = LIMIT) -> None:
        """Take messages for cells that were opened until something has come to be."""
        until = time.monotonic() + limit
        while not condition():
            message = self.client.get_iopub_msg(timeout=max(until - time.monotonic(), 0))
            check_message(message)
            self._of_open_cell(message)

    def _of_open_cell(self, message: dict[str, Any]) -> None:
        cell = self._open.get(message["parent_header"].get("msg_id", ""))
        assert cell is not None, f"of another cell: {message}"
        cell.messages.append(message)

    def request(self, kind: str, *, channel: str = "shell", **content: Any) -> dict[str, Any]:
        """A request that is not a cell, and the content of its reply."""
        return self.collect(self.send(kind, content, channel=channel), channel=channel).reply

    def leftovers(self) -> list[dict[str, Any]]:
        """Messages that wait although nobody asked for them; they are taken away."""
        found = []
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=0)
            except queue.Empty:
                return found
            if message["parent_header"].get("msg_type") != "interrupt_request":
                found.append(message)


def _of_starting(message: dict[str, Any], message_id: str) -> bool:
    """Whether this answers one of the questions by which jupyter_client waited for a kernel that was slow to start."""
    parent = message["parent_header"]
    return parent.get("msg_type") == "kernel_info_request" and parent.get("msg_id") != message_id


@contextmanager
def running_kernel(
    home: Path, *, name: str = "everest", cwd: Path | None = None, notebook: str = "", keep_hub: bool = False
) -> Iterator[Kernel]:
    """A kernel process with configuration, hub, records and history of its own below `home`.

    Args:
        home: for all of these.
        name: of the kernelspec.
        cwd: where it starts; by default a folder below `home`.
        notebook: the path that Jupyter Server would tell it.
        keep_hub: leave the hub running: another kernel comes.
    """
    install(str(home / "prefix"))
    specs = KernelSpecManager(kernel_dirs=[str(home / "prefix/share/jupyter/kernels")])
    manager = KernelManager(kernel_name=name, kernel_spec_manager=specs, connection_file=str(home / f"{name}.json"))
    environment = os.environ | {
        "EVEREST_HUB_HOME": str(home / "hub"),
        "EVEREST_RECORDS_HOME": str(home / "records"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "IPYTHONDIR": str(home / f"ipython-{name}"),
    }
    if notebook:
        environment["JPY_SESSION_NAME"] = notebook
    cwd = cwd or home / "work"
    cwd.mkdir(exist_ok=True)
    manager.start_kernel(env=environment, cwd=str(cwd))
    kernel = Kernel(manager)
    try:
        yield kernel
    finally:
        kernel.client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()
        if not keep_hub:
            stop_hub(home / "hub")


def stop_hub(home: Path) -> None:
    """End the embedded hub of this home, if it runs."""
    record = read_record(home) if home.is_dir() else None
    if record is None:
        return
    hub = psutil.Process(record.pid)
    hub.terminate()
    hub.wait(10)
