"""A Jupyter of the test's own, with our kernel installed where it looks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyter_core.utils import ensure_event_loop

from everest_kernel.kernelspec import install
from tests.support.kernel import stop_hub


@pytest.fixture(scope="package", autouse=True)
def jupyter_loop() -> None:
    """jupyter_client's blocking calls share an event loop for the process's life: it is no leak of a test."""
    ensure_event_loop()


@pytest.fixture
def jupyter(isolated_homes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in; the kernel is offered there, and its hub ends with the test."""
    install(str(tmp_path / "prefix"))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "prefix/share/jupyter"))
    settings = Path(os.environ["JUPYTER_CONFIG_DIR"]) / "lab" / "user-settings" / "@jupyterlab"
    for plugin, values in {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }.items():
        path = settings / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    folder = tmp_path / "notebooks"
    folder.mkdir()
    yield folder
    stop_hub(Path(os.environ["EVEREST_HUB_HOME"]))
