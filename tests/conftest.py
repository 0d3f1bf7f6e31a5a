"""Fixtures and checks for every test: isolated homes, no leaks, system components."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import psutil
import pytest

from tests.support.homes import HOMES

pytest_plugins = ["pytester"]

# derandomized: a failure that a change did not cause must not stop it; explore with --hypothesis-profile=search
hypothesis.settings.register_profile("default", deadline=None, max_examples=60, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None, max_examples=2000)
hypothesis.settings.load_profile("default")

PROBES = {
    "libcurl4-openssl-dev": "curl-config",
    "gnuplot-nox": "gnuplot",
    "iproute2": "ip",
    "octave": "octave-cli",
    "r-base-core": "Rscript",
    "xcas": "giac",
}
"""Debian package to the command whose presence shows that it is there, where that has another name."""

# no test writes into the keyring of whoever runs it, nor does a process that a test starts
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"

_missing: dict[str, list[str]] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Python 3.10 leaves the transport of a refused TLS connection to the garbage collector."""
    if sys.version_info < (3, 11):
        ignored = "ignore:Exception ignored in. .function _SSLProtocolTransport:pytest.PytestUnraisableExceptionWarning"
        config.addinivalue_line("filterwarnings", ignored)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests under wine run where they were asked for; it is large."""
    if not os.environ.get("EVEREST_TEST_WINE"):
        for item in items:
            if item.get_closest_marker("wine"):
                item.add_marker(pytest.mark.skip(reason="runs under wine: make test-wine"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose system component is absent, or fail it when components were promised."""
    for marker in item.iter_markers("system"):
        absent = [package for package in marker.args if shutil.which(PROBES.get(package, package)) is None]
        if not absent:
            continue
        for package in absent:
            _missing.setdefault(package, []).append(item.nodeid)
        reason = f"needs Debian's {', '.join(absent)}"
        if os.environ.get("EVEREST_TEST_SYSTEM"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which tests want which packages, and how to get them all."""
    if _missing:
        terminalreporter.section("tests without their system components")
        for package, tests in sorted(_missing.items()):
            for test in tests:
                terminalreporter.line(f"{package}: {test}")
        terminalreporter.line(f"to install: apt-get install -y --no-install-recommends {' '.join(sorted(_missing))}")


@pytest.fixture(autouse=True)
def isolated_homes(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No test sees the user's own configuration, hub or Jupyter."""
    home = tmp_path_factory.mktemp("home")
    for variable, name in HOMES.items():
        folder = home / name
        folder.mkdir(mode=0o700)
        monkeypatch.setenv(variable, str(folder))
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "EVEREST_DEFAULT_SERVER", "MPLBACKEND"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    yield home
    if "everest_kernel.notebook.remembered" in sys.modules:
        sys.modules["everest_kernel.notebook.remembered"].close_records()


def _sockets() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(target)
    return found


@pytest.fixture(autouse=True)
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that leaves threads, child processes, sockets or asyncio tasks behind fails."""
    if asyncio.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("no_left_tasks")
    threads, children = set(threading.enumerate()), set(psutil.Process().children(recursive=True))
    sockets = _sockets()
    yield
    leaks = []
    coroutine = asyncio.iscoroutinefunction(getattr(request, "function", None))
    for thread in set(threading.enumerate()) - threads:
        if coroutine and thread.name.startswith("asyncio_"):
            continue  # the loop's own executor, which ends with the loop after this
        thread.join(5)  # one that is just ending
        if thread.is_alive():
            leaks.append(f"thread {thread.name}")
    left = set(psutil.Process().children(recursive=True)) - children
    _, alive = psutil.wait_procs(left, timeout=5)
    leaks += [f"process {process.pid} {process.name()}" for process in alive if process.is_running()]
    if coroutine:
        # pytest-asyncio closes the loop's own socket pair after this
        sockets |= {target for target in _sockets() if len(_sockets() - sockets) <= 2}
    leaks += [f"socket {target}" for target in _sockets() - sockets]
    if leaks:
        pytest.fail(f"left behind: {', '.join(leaks)}", pytrace=False)


@pytest.fixture
async def no_left_tasks() -> AsyncIterator[None]:
    """A coroutine test that leaves asyncio tasks behind fails."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)  # generators that were dropped with the test's own frame are closed by tasks of one turn
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        pytest.fail(f"left behind: {', '.join(repr(task) for task in left)}", pytrace=False)
