"""JupyterLab in a true headless Chromium: the way of a user from the launcher to a remote cell's output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from .browser import LIMIT, JupyterServer, idle, last_cell, run_cell


@pytest.fixture
def page(server: JupyterServer, open_page: Callable[[str], Page]) -> Page:
    return open_page(server.lab())


def _contents(method: str) -> Callable[[Response], bool]:
    return lambda response: response.request.method == method and "/api/contents/" in response.url


def wait_for_kernel(page: Page) -> None:
    """A cell that is run before asks which kernel is meant."""
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("Python (Everest)", timeout=LIMIT)
    expect(idle(page)).to_be_visible(timeout=LIMIT)


def new_notebook(page: Page) -> None:
    page.locator('.jp-LauncherCard[data-category="Notebook"][title^="Python (Everest)"]').click()
    wait_for_kernel(page)


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
def test_a_flood_of_output_leaves_the_page_alive(page: Page, tmp_path: Path) -> None:
    new_notebook(page)
    gate = tmp_path / "gate"
    flood = f"seq 1000000; until [ -e {gate} ]; do seq 1000; done"
    run_cell(page, f'%%remote shell\n{flood}; echo "flood is o""ver"')
    wait_for_words(page, "1000\n")
    for _ in range(5):
        page.evaluate("() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve)))")
    last_cell(page).locator(".cm-content").click()
    page.keyboard.insert_text("answer = 21 * 2")
    expect(last_cell(page)).to_contain_text("answer = 21 * 2")
    gate.touch()  # all this while the flood went on
    wait_for_words(page, "flood is over")
    wait_for_words(page, "not shown; the whole output: %log")
    page.keyboard.press("Shift+Enter")
    expect(run_cell(page, "answer")).to_contain_text("42", timeout=LIMIT)


def wait_for_words(page: Page, words: str) -> None:
    """As `expect(...).to_contain_text`, which puts all of a text into its report."""
    script = "words => document.querySelector('.jp-OutputArea')?.textContent.includes(words)"
    page.wait_for_function(script, arg=words, timeout=LIMIT)


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_widget_answers_while_a_remote_cell_runs(page: Page, tmp_path: Path) -> None:
    new_notebook(page)
    gate = tmp_path / "gate"
    widget = run_cell(
        page,
        "import ipywidgets\nbutton, label = ipywidgets.Button(description='Press'), ipywidgets.Label('bef' 'ore')\n"
        "def press(_): label.value = 'pres' 'sed'\nbutton.on_click(press)\nipywidgets.VBox([button, label])",
    )
    expect(widget).to_contain_text("before", timeout=LIMIT)
    output = run_cell(page, f'%%remote shell\necho "wai""ting"; until [ -e {gate} ]; do sleep 0.1; done')
    expect(output).to_contain_text("waiting", timeout=LIMIT)
    widget.get_by_role("button", name="Press").click()
    expect(widget).to_contain_text("pressed", timeout=LIMIT)
    expect(output).not_to_contain_text(": done in")
    gate.touch()
    expect(output).to_contain_text(": done in", timeout=LIMIT)


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_job_goes_on_while_nobody_looks(
    server: JupyterServer, open_page: Callable[[str], Page], tmp_path: Path
) -> None:
    gate, path = tmp_path / "gate", server.new_notebook()
    page = open_page(server.lab(path))
    wait_for_kernel(page)
    run_cell(page, f"gate = {str(gate)!r}")
    wait = "import os, time\nprint('wai' 'ting', flush=True)\nwhile not os.path.exists(gate): time.sleep(0.05)"
    output = run_cell(page, f"%%remote python\n{wait}\nprint('ov' 'er')\nfound = 6 * 7")
    expect(output).to_contain_text("waiting", timeout=LIMIT)
    with page.expect_response(_contents("PUT")):
        page.keyboard.press("Control+s")
    page.close()
    gate.touch()

    page = open_page(server.lab(path))
    wait_for_kernel(page)
    notebook = page.locator(".jp-Notebook")
    expect(notebook).to_contain_text("waiting", timeout=LIMIT)  # as it was saved
    output = run_cell(page, "f'found {found}'")
    expect(output).to_contain_text("found 42", timeout=LIMIT)
    job = re.search(r"job ([0-9a-f]+)", notebook.inner_text())
    assert job is not None
    output = run_cell(page, f"%attach {job[1]}")
    expect(output).to_contain_text(re.compile("waiting\\s+over"), timeout=LIMIT)


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


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_background_job_outlives_its_kernel(page: Page, tmp_path: Path) -> None:
    new_notebook(page)
    gate = tmp_path / "gate"
    run_cell(page, f"gate = {str(gate)!r}")
    wait = "import os, time\nwhile not os.path.exists(gate): time.sleep(0.05)"
    output = run_cell(page, f"%%remote python --bg --name survivor\n{wait}\nprint('ov' 'er')\nfound = 6 * 7")
    row = output.locator("table tbody td")  # it replaces itself
    expect(row.nth(3)).to_have_text("running", timeout=LIMIT)
    job = row.first.inner_text()
    output = run_cell(page, "print('mean' 'while')")
    expect(output).to_contain_text("meanwhile", timeout=LIMIT)

    page.locator('[data-command="notebook:restart-kernel"]').click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0, timeout=LIMIT)
    wait_for_kernel(page)
    output = run_cell(page, "%jobs")
    expect(output).to_contain_text(f"%attach {job}", timeout=LIMIT)  # of what the first cell mentions
    expect(output.locator("table tr", has_text="survivor")).to_contain_text(job)

    output = run_cell(page, f"%attach {job}")
    expect(output).to_contain_text("running", timeout=LIMIT)
    gate.touch()
    expect(output).to_contain_text("over", timeout=LIMIT)
    output = run_cell(page, "f'found {found}'")
    expect(output).to_contain_text("found 42", timeout=LIMIT)


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_route_is_kept_in_the_notebook(page: Page, server: JupyterServer) -> None:
    def stored() -> object:
        return json.loads((server.folder / "Untitled.ipynb").read_text("utf-8"))["metadata"].get("everest")

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
    assert not (server.folder / "Untitled.ipynb").exists()
    output = run_cell(page, "%route local --save")
    expect(output).to_contain_text("Removed from named.ipynb", timeout=LIMIT)
    named = json.loads((server.folder / "named.ipynb").read_text("utf-8"))
    assert "6 * 7" in str(named["cells"])
    assert "everest" not in named["metadata"]


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_a_sweep_fills_its_picture_and_shows_its_grid(page: Page, tmp_path: Path) -> None:
    new_notebook(page)
    gate = tmp_path / "gate"
    body = (
        f"import math, os, time\nwhile a > 0 and not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "y = math.sin(a) * math.cos(b)"
    )
    output = run_cell(page, f"%%sweep python a=-3:3:41 b=-3:3:31 --out y --live y\n{body}")
    expect(output).to_contain_text("41 x 31 = 1,271 points", timeout=LIMIT)
    expect(output.locator("img").first).to_be_visible(timeout=LIMIT)  # while the other half is not there yet
    expect(output).not_to_contain_text("took")
    gate.touch()
    expect(output).to_contain_text("1,271 of 1,271 points", timeout=LIMIT)
    expect(output).to_contain_text("took")
    expect(idle(page)).to_be_visible(timeout=LIMIT)
    output = run_cell(page, "grid")
    expect(output.locator("img")).to_be_visible(timeout=LIMIT)
    output = run_cell(page, "grid.plot(contour=0);")
    expect(output.locator("img")).to_be_visible(timeout=LIMIT)

    output = run_cell(page, "%%sweep python x=1:4000:4000 --out y\nimport time\ntime.sleep(0.05)\ny = x")
    expect(output).to_contain_text("/s", timeout=LIMIT)
    page.locator('[data-command="notebook:interrupt-kernel"]').click()
    expect(output).to_contain_text("the sweep was interrupted; its jobs are cancelled", timeout=LIMIT)
    expect(output).to_contain_text("the same cell computes only what is missing")
