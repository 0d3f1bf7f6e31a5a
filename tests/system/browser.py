"""A Jupyter server with our kernel, and pages of its front ends in a true headless Chromium."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import nbformat
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from everest_kernel.kernelspec import install
from tests.support.homes import HOMES
from tests.support.kernel import stop_hub

__all__ = ["LIMIT", "JupyterServer", "chromium", "idle", "last_cell", "run_cell", "running_server"]

LIMIT = 60_000  # ms
_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@dataclass
class JupyterServer:
    """A running server of Notebook 7, which serves JupyterLab too.

    Attributes:
        folder: what it shows.
        url: its address.
        token: by which it knows its user.
    """

    folder: Path
    url: str
    token: str

    def lab(self, path: str = "") -> str:
        """The address of JupyterLab with nothing open, or with a notebook."""
        tree = f"/tree/{path}" if path else ""
        return f"{self.url}/lab/workspaces/{uuid.uuid4().hex[:8]}{tree}?token={self.token}"

    def notebook(self, path: str) -> str:
        """The address of a notebook in Notebook 7."""
        return f"{self.url}/notebooks/{path}?token={self.token}"

    def new_notebook(self) -> str:
        """An empty notebook for our kernel; its path."""
        kernel = {"name": "everest", "display_name": "Python (Everest)", "language": "python"}
        document = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell("")], metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
        )
        name = f"{uuid.uuid4().hex[:8]}.ipynb"
        (self.folder / name).write_text(nbformat.writes(document))
        return name

    def clear(self) -> None:
        """Shut all kernels down, and remove all notebooks."""
        with httpx.Client(base_url=self.url, params={"token": self.token}, trust_env=False, timeout=30) as client:
            for kernel in client.get("/api/kernels").json():
                client.delete(f"/api/kernels/{kernel['id']}").raise_for_status()
        shutil.rmtree(self.folder)
        self.folder.mkdir()


@contextmanager
def running_server(home: Path) -> Iterator[JupyterServer]:
    """A server with homes of its own below `home`."""
    install(str(home / "prefix"))
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy") and k != "MPLBACKEND"}
    for variable, name in HOMES.items():
        (home / name).mkdir(mode=0o700)
        environment[variable] = str(home / name)
    environment["JUPYTER_PATH"] = str(home / "prefix/share/jupyter")
    for plugin, values in _SETTINGS.items():
        path = home / "jupyter-config/lab/user-settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(values))
    folder, token, log = home / "notebooks", secrets.token_hex(16), home / "server.log"
    folder.mkdir()
    (home / "token.json").write_text(json.dumps({"IdentityProvider": {"token": token}}))
    command = [
        sys.executable, "-m", "notebook", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
        f"--config={home / 'token.json'}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    try:
        with (
            log.open("wb") as stream,
            subprocess.Popen(command, stdout=stream, stderr=stream, env=environment) as server,
        ):
            try:
                yield JupyterServer(folder, _wait_for_server(server, log, token), token)
            finally:
                server.terminate()
                server.wait(20)
    finally:
        stop_hub(home / "hub")


def _wait_for_server(server: subprocess.Popen[bytes], log: Path, token: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:\d+)/", log.read_text("utf-8", "replace"))
        if found is not None:
            try:
                httpx.get(f"{found[1]}/api/status", params={"token": token}, trust_env=False).raise_for_status()
            except httpx.HTTPError:
                continue
            return found[1]
    raise AssertionError(f"the Jupyter server did not start:\n{log.read_text()}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_OPTIONS)
        yield browser
        browser.close()


def idle(page: Page) -> Locator:
    """Visible while the kernel waits for a cell."""
    return page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first


def last_cell(page: Page) -> Locator:
    """The cell at the end of the notebook."""
    return page.locator(".jp-Notebook .jp-CodeCell").last


def run_cell(page: Page, code: str) -> Locator:
    """Type into the last cell and run it; the area of its output."""
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cell = cells.nth(cells.count() - 1)
    cell.locator(".cm-content").click()
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    expect(cells).not_to_have_count(0)
    return cell.locator(".jp-OutputArea")
