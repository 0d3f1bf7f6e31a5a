"""Notebook 7 in a true headless Chromium."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .browser import LIMIT, JupyterServer, idle, run_cell


@pytest.mark.system("chromium")
@pytest.mark.timeout(240)
def test_remote_cells_answer_and_are_interrupted(server: JupyterServer, open_page: Callable[[str], Page]) -> None:
    page = open_page(server.notebook(server.new_notebook()))
    expect(page.locator(".jp-Toolbar-kernelName")).to_have_text("Python (Everest)", timeout=LIMIT)

    output = run_cell(page, "%%remote python\nprint('the' 're')\nanswer = 6 * 7\nanswer")
    expect(output).to_contain_text("there", timeout=LIMIT)
    expect(output).to_contain_text("42", timeout=LIMIT)
    expect(output).to_contain_text(re.compile(r"python on .*: done in .* back answer \(\d+ B\)"))

    output = run_cell(page, "%%remote python\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]);")
    expect(output.locator("img")).to_be_visible(timeout=LIMIT)

    files = (
        "printf 'n,square\\n1,1\\n2,4\\n' > a.csv; echo '<style>body { color: red }</style><h1>Re''port</h1>' > b.html"
    )
    output = run_cell(page, f"%%remote shell\n{files}")
    expect(output.locator("table th")).to_have_text(["n", "square"], timeout=LIMIT)
    expect(output.frame_locator("iframe").locator("h1")).to_have_text("Report")

    for press in (press_button, choose_in_menu):
        output = run_cell(page, '%%remote shell\necho "wai""ting"; sleep 600')
        expect(output).to_contain_text("waiting", timeout=LIMIT)
        press(page)
        expect(output).to_contain_text("JobCancelledError", timeout=LIMIT)
        expect(output).to_contain_text(": cancelled")
        expect(idle(page)).to_be_visible(timeout=LIMIT)


def press_button(page: Page) -> None:
    page.locator('[data-command="notebook:interrupt-kernel"]').first.click()


def choose_in_menu(page: Page) -> None:
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator('.lm-Menu-item[data-command="kernelmenu:interrupt"]').click()
