"""Kernels as fast as a front end can drive them: raw ZeroMQ sockets, no thread in between."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from everest_kernel.kernelspec import install
from everest_kernel.local_hub import read_record

__all__ = ["KernelDriver", "running_kernel"]

LIMIT_MS = 60_000


class KernelDriver:
    """A kernel; every call waits for what it asked for. Its hub's data are below `hub`."""

    def __init__(self, manager: KernelManager, hub: Path) -> None:
        self.manager = manager
        self.hub = hub
        self.client = manager.client()
        self.client.start_channels(hb=False, stdin=False, control=False)
        self.client.wait_for_ready(timeout=60)
        self._iopub = self.client.iopub_channel.socket
        self._shell = self.client.shell_channel.socket

    def restart(self) -> None:
        """Start a kernel in place of one that was killed; the hub goes on."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=True)
        self.client = self.manager.client()
        self.client.start_channels(hb=False, stdin=False, control=False)
        self.client.wait_for_ready(timeout=60)
        self._iopub = self.client.iopub_channel.socket
        self._shell = self.client.shell_channel.socket

    def run(
        self, code: str, *, watch: Callable[[str, dict[str, Any]], None] | None = None, fails: bool = False
    ) -> tuple[float, list[tuple[float, str, dict[str, Any]]]]:
        """Run a cell; seconds from request to idle, and (time of day, kind, content) of each IOPub message.

        Args:
            code: of the cell.
            watch: called with kind and content of each message as it comes.
            fails: whether it is to end with an error.
        """
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        request = self.client.session.msg("execute_request", content, metadata={"cellId": "cell"})
        mine = request["header"]["msg_id"].encode()
        seen: list[tuple[float, str, dict[str, Any]]] = []
        began = time.perf_counter()
        self.client.session.send(self._shell, request)
        while True:
            if not self._iopub.poll(LIMIT_MS):
                raise TimeoutError(code)
            frames = self._iopub.recv_multipart()
            at, wall = time.perf_counter(), time.time()
            header, parent, content = frames[-4], frames[-3], json.loads(frames[-1])
            if mine not in parent:
                continue
            kind = json.loads(header)["msg_type"]
            seen.append((wall, kind, content))
            if watch is not None:
                watch(kind, content)
            if kind == "error" and not fails:
                raise RuntimeError(content["evalue"])
            if content.get("execution_state") == "idle":
                self._shell.recv_multipart()
                return at - began, seen


@contextmanager
def running_kernel(name: str, cwd: str | None = None) -> Iterator[KernelDriver]:
    """A kernel with a hub and a history of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        install(folder)
        specs = KernelSpecManager(kernel_dirs=[str(home / "share/jupyter/kernels")])
        manager = KernelManager(kernel_name=name, kernel_spec_manager=specs, connection_file=str(home / "kernel.json"))
        hub = home / "hub"
        homes = {"EVEREST_HUB_HOME": str(hub), "EVEREST_RECORDS_HOME": str(home / "records"), "IPYTHONDIR": folder}
        manager.start_kernel(env=os.environ | homes, cwd=folder)
        driver = KernelDriver(manager, hub)
        try:
            yield driver
        finally:
            driver.client.stop_channels()
            manager.shutdown_kernel()
            record = read_record(hub)
            if record is not None:
                os.kill(record.pid, 15)
                while read_record(hub) is not None:
                    time.sleep(0.05)
