"""One kernel for the tests that only look; tests that break things start their own."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest
from jupyter_core.utils import ensure_event_loop

from tests.support.kernel import Kernel, running_kernel


@pytest.fixture(scope="package", autouse=True)
def jupyter_loop() -> None:
    """jupyter_client's blocking calls share an event loop for the process's life: it is no leak of a test."""
    ensure_event_loop()


@pytest.fixture(scope="package")
def shared_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with running_kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.run("%%remote shell\ntrue")  # the hub starts here, before leaks are looked for
        yield kernel


@pytest.fixture
def kernel(shared_kernel: Kernel) -> Iterator[Kernel]:
    """The shared kernel with an empty namespace; afterwards nothing may be left to say.

    A kernel that an earlier test has left busy is replaced: that test's failure is its own.
    """
    try:
        shared_kernel.run("%reset -f", limit=10)
    except (queue.Empty, AssertionError):
        shared_kernel.restart()
        shared_kernel.run("%%remote shell\ntrue")
    yield shared_kernel
    assert shared_kernel.leftovers() == []


@pytest.fixture(scope="package")
def stock_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """ipykernel's own kernel."""
    with running_kernel(tmp_path_factory.mktemp("stock"), name="python3") as kernel:
        kernel.run("%load_ext everest_kernel")
        kernel.run("%%remote shell\ntrue")
        yield kernel


@pytest.fixture(scope="package")
def plain_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """ipykernel's own kernel, without our magics."""
    with running_kernel(tmp_path_factory.mktemp("plain"), name="python3") as kernel:
        yield kernel
