"""Runs Windows programs under wine, with a prefix of their own.

Wine's cmd.exe takes batch files for texts in the OEM code page, whatever `chcp` says, and has no code page at all
without a console: so the locale is Russian, where it is 866, and standard input is a terminal of nobody's. Wine 8
differs from Microsoft's cmd.exe in more that tests must know:

* `call` makes 1 of any status but 0;
* `findstr` and `fc` find whatever they are asked for, and `ver` does not set the status to 0;
* the value of a variable is searched for `%` and `!` once more;
* `for` does not see `*` in quotes, nor in its inner loop the variable of the outer one;
* a bracket behind the label of `call` is taken for a part of it, and only one redirection may stand before a command;
* after a syntax error the batch file goes on.
"""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["Wine", "wine"]


class Wine:
    """Wine with a prefix."""

    def __init__(self, prefix: Path) -> None:
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "USER", "TMPDIR") if name in os.environ},
            "WINEPREFIX": str(prefix),
            "WINEDEBUG": "-all",
            "LC_ALL": "ru_RU.UTF-8",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "DISPLAY": "",
        }

    def __call__(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
        """Run a command of Windows."""
        terminal, its_end = pty.openpty()
        try:
            return subprocess.run(
                ["wine", *command], cwd=folder, env=self._environment, capture_output=True, timeout=100, stdin=its_end
            )
        finally:
            os.close(terminal)
            os.close(its_end)

    def close(self) -> None:
        """End wine's server."""
        subprocess.run(["wineserver", "-k"], env=self._environment, check=False)


@pytest.fixture(scope="session")
def wine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    """Wine, which takes some seconds to set itself up."""
    found = Wine(tmp_path_factory.mktemp("wine") / "prefix")
    found(["cmd.exe", "/d", "/c", "ver"], tmp_path_factory.getbasetemp())
    yield found
    found.close()
