"""Generated modules on disk, where numba keeps what it compiled: a second process starts in a fraction of a second."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["cache_folder", "load", "numba_version"]

_PREFIX = "everest_flow_"


def numba_version() -> str:
    """Numba's version where it can be used, else an empty text."""
    first = "numba" not in sys.modules
    try:
        import numba

        if first:
            _prefer_wide_vectors(numba.config)
    except Exception:  # noqa: BLE001 - a numba that does not fit its numpy fails in many ways, and numpy does instead
        return ""
    return str(numba.__version__)


def _prefer_wide_vectors(config: Any) -> None:
    """Let numba use AVX-512's full width, a quarter more points a second; for most code LLVM thinks half of it better.

    Only for a numba that nobody has used before in this process, and that was not told what to use.
    """
    import llvmlite.binding

    features = llvmlite.binding.get_host_cpu_features()
    if features.get("avx512f") and config.CPU_FEATURES is None and config.CPU_NAME is None:
        config.CPU_NAME = llvmlite.binding.get_host_cpu_name()
        config.CPU_FEATURES = f"{features.flatten()},-prefer-256-bit"


def cache_folder() -> Path:
    """A folder of this user's that nobody else can write to: what lies there is run.

    `EVEREST_LYAPUNOV_CACHE` names another one.
    """
    named = os.environ.get("EVEREST_LYAPUNOV_CACHE")
    if named:
        return _private(Path(named)) or _temporary()
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    usual = Path(base) if base else Path.home() / ".cache"
    return _private(usual / "everest-kernel" / "lyapunov") or _temporary()


def _private(folder: Path) -> Path | None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if os.name != "nt" and (found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)):
            return None
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


def _temporary() -> Path:
    # lives as long as this process, and is compiled anew by the next one
    return Path(tempfile.mkdtemp(prefix="everest-lyapunov-"))


def load(text: str) -> ModuleType:
    """Import generated text as a module of a name that follows from its content.

    It is a file, because numba keeps compiled code only for files; it can be imported by its name, because that is
    how numba finds the globals of what it kept.
    """
    name = _PREFIX + hashlib.sha256(text.encode()).hexdigest()[:20]
    if name in sys.modules:
        return sys.modules[name]
    path = cache_folder() / f"{name}.py"
    if not path.is_file() or path.read_text("utf-8") != text:
        handle, written = tempfile.mkstemp(dir=path.parent, suffix=".new")
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(written, path)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
