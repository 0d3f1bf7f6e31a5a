"""Installs the kernelspec where Jupyter looks for it."""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

__all__ = ["KERNEL_NAME", "install", "kernel_json"]

KERNEL_NAME = "everest"


def kernel_json() -> dict[str, object]:
    """The content of kernel.json for this interpreter; the wheel's copy says `python` instead of its path."""
    return {
        "argv": [sys.executable, "-m", "everest_kernel", "kernel", "-f", "{connection_file}"],
        "display_name": "Python (Everest)",
        "language": "python",
        "kernel_protocol_version": "5.5",
        "metadata": {"debugger": True, "supported_encryption": ["curve"]},
    }


def install(prefix: str | None = None) -> Path:
    """Install the kernelspec, for the user or under `prefix`; gives its folder."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder)
        (spec / "kernel.json").write_text(json.dumps(kernel_json(), indent=2) + "\n")
        for logo in (files(__package__) / "logos").iterdir():
            (spec / logo.name).write_bytes(logo.read_bytes())
        manager = KernelSpecManager()
        return Path(manager.install_kernel_spec(folder, KERNEL_NAME, user=prefix is None, prefix=prefix))
