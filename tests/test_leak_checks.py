"""The checks for leaks are seen to fail."""

from pathlib import Path

import pytest

CONFTEST = (Path(__file__).parent / "conftest.py").read_text().replace('pytest_plugins = ["pytester"]', "")


@pytest.fixture(autouse=True)
def _support_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the copied conftest, run in a folder of its own, import the tests' support."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.mark.parametrize(
    ("body", "leak"),
    [
        ("import threading\ndef test(): threading.Thread(target=E.wait, args=(9,), daemon=True).start()", "thread"),
        ("import subprocess\ndef test(): K.append(subprocess.Popen(['sleep', '20']))", "process"),
        ("import socket\ndef test(): K.append(socket.socketpair())", "socket"),
        ("import asyncio\nasync def test(): K.append(asyncio.create_task(asyncio.Event().wait()))", "Task pending"),
    ],
)
def test_a_leak_fails_the_test(pytester: pytest.Pytester, body: str, leak: str) -> None:
    pytester.makeconftest(CONFTEST.replace("5)", "0.2)").replace("timeout=5", "timeout=0.2"))
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    cleanup = "import atexit, threading\nE = threading.Event()\nK = []\n"
    cleanup += "atexit.register(lambda: [k.kill() for k in K if hasattr(k, 'kill')])\n"
    pytester.makepyfile(cleanup + body)
    result = pytester.runpytest_subprocess("-p", "no:timeout")
    assert "left behind" in result.stdout.str()
    assert leak in result.stdout.str()


def test_a_clean_test_passes(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile("async def test_a(): pass\ndef test_b(): pass")
    pytester.runpytest_subprocess("-p", "no:timeout").assert_outcomes(passed=2)


def test_missing_component_is_skipped_and_listed(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVEREST_TEST_SYSTEM", raising=False)
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\nmarkers = system(*packages): x\nasyncio_default_fixture_loop_scope = function\n")
    pytester.makepyfile("import pytest\n@pytest.mark.system('no-such-package')\ndef test(): pass")
    result = pytester.runpytest_subprocess("-p", "no:timeout")
    result.assert_outcomes(skipped=1)
    assert "apt-get install -y --no-install-recommends no-such-package" in result.stdout.str()
    monkeypatch.setenv("EVEREST_TEST_SYSTEM", "1")
    pytester.runpytest_subprocess("-p", "no:timeout").assert_outcomes(errors=1)
