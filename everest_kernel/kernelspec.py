"""Installs the kernelspec where Jupyter looks for it."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager

__all__ = ["KERNEL_NAME", "install"]

KERNEL_NAME = "everest"


def _files() -> Path:
    """The folder with kernel.json and the logos: in the wheel inside the package, in a checkout beside it."""
    here = Path(__file__).parent
    packaged = here / "kernelspec_files"
    return packaged if packaged.is_dir() else here.parent / "kernelspec"


def install(prefix: str | None = None) -> Path:
    """Install the kernelspec, for the user or under `prefix`; gives its folder.

    The copy starts this very interpreter, wherever the server that offers it runs.
    """
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / KERNEL_NAME
        shutil.copytree(_files(), spec)
        description = json.loads((spec / "kernel.json").read_text("utf-8"))
        description["argv"][0] = sys.executable
        (spec / "kernel.json").write_text(json.dumps(description, indent=2) + "\n", "utf-8")
        manager = KernelSpecManager()
        return Path(manager.install_kernel_spec(str(spec), KERNEL_NAME, user=prefix is None, prefix=prefix))
