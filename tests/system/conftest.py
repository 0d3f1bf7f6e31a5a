"""A Jupyter of the test's own, with our kernel installed where it looks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jupyter_core.utils import ensure_event_loop
from playwright.sync_api import Browser, Page

from everest_kernel.kernelspec import install
from tests.support.kernel import stop_hub

from .browser import LIMIT, JupyterServer, chromium, running_server


@pytest.fixture(scope="package", autouse=True)
def jupyter_loop() -> None:
    """jupyter_client's blocking calls share an event loop for the process's life: it is no leak of a test."""
    ensure_event_loop()


@pytest.fixture
def jupyter(isolated_homes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in; the kernel is offered there, and its hub ends with the test."""
    install(str(tmp_path / "prefix"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix/share/jupyter"))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    yield folder
    stop_hub(Path(os.environ["EVEREST_HUB_HOME"]))


@pytest.fixture(scope="package")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with running_server(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


@pytest.fixture
def server(shared_server: JupyterServer) -> Iterator[JupyterServer]:
    """The Jupyter server that all tests in a browser share; kernels and notebooks end with each."""
    yield shared_server
    shared_server.clear()


@pytest.fixture
def browser(server: JupyterServer) -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Page]]:
    """Opens a page at an address. At the test's end those that are open are pictured: in its folder, or in one that
    EVEREST_TEST_SCREENSHOTS names."""
    pages: list[Page] = []

    def open_at(url: str) -> Page:
        page = browser.new_page(viewport={"width": 1300, "height": 900})
        page.set_default_timeout(LIMIT)
        page.goto(url)
        pages.append(page)
        return page

    yield open_at
    folder = Path(os.environ.get("EVEREST_TEST_SCREENSHOTS") or tmp_path)
    for number, page in enumerate(page for page in pages if not page.is_closed()):
        page.screenshot(path=folder / f"{request.node.name}-{number}.png")
