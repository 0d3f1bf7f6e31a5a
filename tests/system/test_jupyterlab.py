"""JupyterLab in a true headless Chromium: the way of a user from the launcher to a remote cell's output."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, Response, expect, sync_playwright

LIMIT = 60_000  # ms
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """A server; its URL with the token."""
    token = secrets.token_hex(16)
    (folder.parent / "token.json").write_text(json.dumps({"IdentityProvider": {"token": token}}))
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root",
        f"--config={folder.parent / 'token.json'}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    log = folder.parent / "lab.log"
    with log.open("wb") as stream, subprocess.Popen(command, stdout=stream, stderr=stream) as server:
        try:
            yield f"{_wait_for_server(server, log, token)}?token={token}"
        finally:
            server.terminate()
            server.wait(20)


def _wait_for_server(server: subprocess.Popen[bytes], log: Path, token: str) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"(http://127\.0\.0\.1:\d+)/lab", log.read_text("utf-8", "replace"))
        if found is not None:
            try:
                httpx.get(f"{found[1]}/api/status", params={"token": token}, trust_env=False).raise_for_status()
            except httpx.HTTPError:
                continue
            return f"{found[1]}/lab"
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture
def page(jupyter: Path) -> Iterator[Page]:
    with jupyter_lab(jupyter) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(LIMIT)
        page.goto(url)
        yield page
        browser.close()


def new_notebook(page: Page) -> None:
    page.locator('.jp-LauncherCard[data-category="Notebook"][title^="Python (Everest)"]').click()
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("Python (Everest)", timeout=LIMIT)
    expect(idle(page)).to_be_visible(timeout=LIMIT)


def idle(page: Page) -> Locator:
    return page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').first


def run_cell(page: Page, code: str) -> Locator:
    """Type into the last cell and run it; the area of its output."""
    cells = page.locator(".jp-Notebook .jp-CodeCell")
    cell = cells.nth(cells.count() - 1)
    cell.locator(".cm-content").click()
    page.keyboard.insert_text(code)
    page.keyboard.press("Shift+Enter")
    return cell.locator(".jp-OutputArea")


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_remote_cell_streams_is_interrupted_and_fails_as_any_cell_does(page: Page, tmp_path: Path) -> None:
    new_notebook(page)

    gate = tmp_path / "gate"
    output = run_cell(page, f'%%remote shell\necho "fi""rst"; until [ -e {gate} ]; do :; done; echo "se""cond"')
    expect(output).to_contain_text("first", timeout=LIMIT)  # while the job runs
    expect(output).to_contain_text("shell on")
    expect(output).to_contain_text("running")
    expect(output).not_to_contain_text("second")
    gate.touch()
    expect(output).to_contain_text("second", timeout=LIMIT)
    expect(output).to_contain_text(": done in")

    run_cell(page, "x = 20")
    output = run_cell(page, "%%remote python\ny = x * 2 + 2\nprint('there', y - 1)\ny")
    expect(output).to_contain_text("there 41", timeout=LIMIT)
    expect(output).to_contain_text("42")
    expect(output).to_contain_text(re.compile(r"sent x \(\d+ B\) · back y \(\d+ B\)"))

    output = run_cell(page, "%%remote python\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    expect(output.locator("img")).to_be_visible(timeout=LIMIT)

    output = run_cell(page, '%%remote shell\necho "wai""ting"; sleep 600')
    expect(output).to_contain_text("waiting", timeout=LIMIT)
    page.locator('[data-command="notebook:interrupt-kernel"]').click()
    expect(output).to_contain_text("JobCancelledError", timeout=LIMIT)
    expect(output).to_contain_text(": cancelled")
    expect(idle(page)).to_be_visible(timeout=LIMIT)

    output = run_cell(page, "%%remote shell\nexit 3")
    expect(output).to_contain_text("JobFailedError: the program ended with exit code 3", timeout=LIMIT)
    expect(output).not_to_contain_text("Traceback")


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_flood_of_output_leaves_the_page_alive(page: Page) -> None:
    new_notebook(page)
    output = run_cell(page, "%%remote shell\nseq 1000000")
    expect(output).to_contain_text("lines (", timeout=LIMIT)
    expect(output).to_contain_text("not shown; the whole output: %log")
    expect(output).to_contain_text("1000000")
    output = run_cell(page, "21 * 2")
    expect(output).to_contain_text("42", timeout=LIMIT)


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_remote_cells_words_complete_and_are_explained(page: Page) -> None:
    new_notebook(page)
    editor = page.locator(".jp-Notebook .jp-CodeCell .cm-content").first
    editor.click()
    page.keyboard.insert_text("%%remote octave\nx = '🙂 я'; lin")  # JavaScript counts 🙂 as two characters
    page.keyboard.press("Tab")
    item = page.locator(".jp-Completer-item", has_text="linspace")
    expect(item).to_be_visible(timeout=LIMIT)
    expect(item.locator(".jp-Completer-type, .jp-Completer-icon").first).to_be_visible()
    item.click()
    expect(editor.locator(".cm-line").nth(1)).to_have_text("x = '🙂 я'; linspace")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".jp-Tooltip")).to_contain_text("Numbers at equal distances.", timeout=LIMIT)


def _contents(method: str) -> Callable[[Response], bool]:
    return lambda response: response.request.method == method and "/api/contents/" in response.url


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_route_is_kept_in_the_notebook(page: Page, jupyter: Path) -> None:
    def stored() -> object:
        return json.loads((jupyter / "Untitled.ipynb").read_text("utf-8"))["metadata"].get("everest")

    new_notebook(page)
    output = run_cell(page, "%route python --name routed --save")
    expect(output).to_contain_text("Kept in Untitled.ipynb", timeout=LIMIT)
    assert stored() == {"route": "python --name routed"}
    page.get_by_role("menuitem", name="File", exact=True).click()
    page.get_by_role("menuitem", name="Reload Notebook from Disk").click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Notebook")).not_to_contain_text("--save", timeout=LIMIT)

    page.locator('[data-command="notebook:restart-kernel"]').click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(idle(page)).to_be_visible(timeout=LIMIT)
    output = run_cell(page, "6 * 7")
    expect(output).to_contain_text("go to python --name routed (its metadata says so)", timeout=LIMIT)
    expect(output).to_contain_text("python on", timeout=LIMIT)
    expect(output).to_contain_text("42", timeout=LIMIT)

    page.keyboard.press("Control+s")  # the first time JupyterLab asks for a name
    page.locator(".jp-Dialog input:not([type=checkbox])").fill("named.ipynb")
    with page.expect_response(_contents("PATCH")), page.expect_response(_contents("PUT")):
        page.locator(".jp-Dialog .jp-mod-accept").click()
    assert not (jupyter / "Untitled.ipynb").exists()
    output = run_cell(page, "%route local --save")
    expect(output).to_contain_text("Removed from named.ipynb", timeout=LIMIT)
    named = json.loads((jupyter / "named.ipynb").read_text("utf-8"))
    assert "6 * 7" in str(named["cells"])
    assert "everest" not in named["metadata"]
