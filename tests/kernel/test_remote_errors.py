"""What goes wrong, as a new user would meet it: a clear message, a failed cell, and none of our own frames."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

from tests.kernel.test_remote_cells import folder_of
from tests.support.kernel import Cell, Kernel, running_kernel


def assert_clear(cell: Cell, name: str, *parts: str) -> None:
    """The cell failed with this error and says these things, and its message is not a traceback."""
    assert cell.status == "error"
    assert cell.reply["ename"] == name
    error = cell.error
    for part in parts:
        assert part in error, error
    assert "Traceback" not in error
    assert "everest_kernel/" not in error


@pytest.mark.parametrize(
    ("code", "error", "parts"),
    [
        (
            "%%remote pyton\n1",
            "ConfigurationError",
            ["no route 'pyton'", "Did you mean 'python'?", "Routes: ", "python", "shell"],
        ),
        ("%%remote\n1", "CellOptionError", ["no route", "%%remote python"]),
        ("%%remote python --inn x\n1", "CellOptionError", ["--inn", "Did you mean --in?"]),
        ("%%remote python --in\n1", "CellOptionError", ["--in needs a value"]),
        ("%%remote python --in nowhere\n1", "CellOptionError", ["'nowhere' is not defined"]),
        ("%%remote python --time-limit soon\n1", "CellOptionError", ["'soon'", "90s, 10m or 1h30m"]),
        ("%%remote python --name 'open\n1", "CellOptionError", ["cannot be read"]),
        ("%%remote shell --files 'no-such-*.csv'\n1", "CellOptionError", ["no-such-*.csv", "no such file"]),
        ("%%remote python\n", "CellError", ["empty"]),
        ("%%remote python\nx = = 1", "CellError", ["SyntaxError", "line 1 of the cell"]),
        (
            "%%remote python\nx = 1\nprint(y)",
            "JobFailedError",
            ["NameError: name 'y' is not defined (line 2 of the cell)"],
        ),
        ("%%remote python --out z\nx = 1", "CellError", ["z: the cell did not assign it", "job "]),
        ("%%remote shell\necho last words >&2; exit 3", "JobFailedError", ["exit code 3", "  | last words", "job "]),
        ("%%remote shell --time-limit 0.2s\nsleep 60", "JobFailedError", ["time limit", "--time-limit"]),
        ("%%remote shell\nkill -9 $$", "JobFailedError", ["killed by SIGKILL"]),
        ("%%remote python\nimport sys; sys.exit('no data')", "JobFailedError", ["exit code 1", "no data"]),
        ("%%remote shell --in f\ntrue", "ValueRefusedError", ["f: a value of type function"]),
        ("%%remote python\nf()", "ValueRefusedError", ["the cell uses f", "function", "Define it inside the cell"]),
        ("%%remote python\nbig[0]", "ValueRefusedError", ["the cell uses big", "16,000,", "--in big"]),
        ("%%remote shell --fetch '*.png'\ntrue", "CellError", ["no file matches --fetch '*.png'"]),
    ],
)
def test_each_mistake_has_its_message(kernel: Kernel, code: str, error: str, parts: list[str]) -> None:
    kernel.run("import numpy as np\ndef f(): pass\nbig = np.zeros(2_000_000)")
    assert_clear(kernel.run(code), error, *parts)


def test_a_remote_traceback_shows_the_cells_lines_only(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\ndef inner():\n    return 1 / 0\ninner()")
    said = cell.text("stderr")
    assert "return 1 / 0" in said
    assert "line 3" in said
    assert "everest" not in said
    assert_clear(cell, "JobFailedError", "ZeroDivisionError: division by zero (line 2 of the cell)")


def test_later_cells_are_aborted_like_after_any_failed_cell(kernel: Kernel) -> None:
    first, second = kernel.send_cell("%%remote shell\nexit 3"), kernel.send_cell("1 + 1")
    assert kernel.collect(first).status == "error"
    assert kernel.collect(second).status == "aborted"


def test_secrets_are_not_picked_up(kernel: Kernel) -> None:
    kernel.run("api_token = 's3cr3t-value'")
    cell = kernel.run("%%remote python\nprint(globals().get('api_token'))\nif False: api_token")
    assert (cell.status, cell.text()) == ("ok", "None\n")
    assert "not sent api_token (looks secret; --in sends it)" in cell.header
    assert kernel.run("%%remote python --in api_token\nprint(api_token)").text() == "s3cr3t-value\n"


def test_nothing_is_set_when_a_job_fails(kernel: Kernel) -> None:
    kernel.run("x = 'old'")
    kernel.run("%%remote python\nx = 'new'\nraise ValueError('no')")
    assert kernel.run("x").result == "'old'"


def test_a_large_value_goes_when_it_is_named(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nbig = np.arange(2_000_000)")
    cell = kernel.run("%%remote python --in big --out back\nback = big[::-1].copy()")
    assert cell.status == "ok", cell.error
    assert "sent big (16 MB)" in cell.header
    assert kernel.run("np.array_equal(back, big[::-1])").result == "True"


def test_a_large_result_is_not_brought_back_unasked(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\nsmall = 1\nlarge = bytes(11_000_000)")
    assert_clear(cell, "CellError", "large has 11,000,", "--out large")
    assert kernel.run("small").result == "1"


def test_a_million_lines_leave_the_page_alive(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell\nseq 1000000", limit=60)
    assert cell.status == "ok", cell.error
    text, notes = cell.text(), cell.text("stderr")
    assert len(text) < 600_000
    assert len(cell.of("stream")) < 60 + 10 * cell.seconds
    assert text.startswith("1\n2\n3\n")
    assert text.endswith("999999\n1000000\n")
    hidden = re.search(r"\[([\d,]+) lines \(.*\) not shown; the whole output: %log (\w+)\]", notes)
    assert hidden is not None
    numbers = [int(line) for line in text.split()]
    gaps = sum(1 for a, b in itertools.pairwise(numbers) if b != a + 1)
    assert gaps == 1, "shown from the beginning, and the end"
    saved = folder_of(kernel)
    kernel.run(f"%log {hidden[2]} --save flood")
    assert (saved / "flood/stdout").read_text() == "".join(f"{n}\n" for n in range(1, 1_000_001))


def test_carriage_returns_update_in_place(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\nfor i in range(50_000): print(f'\\rstep {i}', end='')\nprint()")
    assert cell.status == "ok", cell.error
    assert cell.text().endswith("step 49999\n")
    assert len(cell.text()) < 5_000


def test_binary_garbage_is_shown_as_far_as_it_is_text(kernel: Kernel) -> None:
    cell = kernel.run("%%remote shell\nprintf 'a\\377\\000\\200b\\n'; head -c 100000 /dev/urandom; printf '\\nend\\n'")
    assert cell.status == "ok", cell.error
    assert cell.text().startswith("a\ufffd\x00\ufffdb\n")
    assert cell.text().endswith("\nend\n")


def test_garbage_that_imitates_a_display_stays_text(kernel: Kernel) -> None:
    cell = kernel.run("%%remote python\nprint('\\x1b]5379;everest;0;0;1;!!!!\\x1b\\\\done')")
    assert cell.status == "ok", cell.error
    assert cell.text() == "\x1b]5379;everest;0;0;1;!!!!\x1b\\done\n"


def test_a_faulty_configuration_is_named(kernel: Kernel) -> None:
    path = folder_of(kernel) / "everest.toml"
    path.write_text("[routes.x]\nlanguage = 'cobol'\n")
    try:
        assert_clear(kernel.run("%%remote python\n1"), "ConfigurationError", "route 'x'", "'cobol'", "python, shell")
        path.write_text("not toml")
        assert_clear(kernel.run("%%remote python\n1"), "ConfigurationError", "everest.toml is not TOML")
    finally:
        path.unlink()


def test_a_server_without_token_and_one_that_is_not_there(kernel: Kernel) -> None:
    path = folder_of(kernel) / "everest.toml"
    path.write_text("[servers.lab]\nurl = 'http://127.0.0.1:9'\n[routes.far]\nserver = 'lab'\nlanguage = 'shell'\n")
    try:
        cell = kernel.run("%%remote far\ntrue")
        assert_clear(cell, "AuthenticationError", "no token for the server 'lab'", "EVEREST_TOKEN_LAB")
        kernel.run("%env EVEREST_TOKEN_LAB=not-to-be-shown")
        cell = kernel.run("%%remote far\ntrue")
        assert_clear(cell, "TransportError", "http://127.0.0.1:9", "cannot be reached")
        assert "not-to-be-shown" not in str(cell.messages)
    finally:
        path.unlink()
        kernel.run("import os; os.environ.pop('EVEREST_TOKEN_LAB', None)")


def test_a_wrong_token_is_told_without_showing_it(kernel: Kernel) -> None:
    path = folder_of(kernel) / "everest.toml"
    url = kernel.run("import json, os\njson.load(open(os.environ['EVEREST_HUB_HOME'] + '/hub.json'))['url']").result
    path.write_text(f"[servers.other]\nurl = {url}\n[routes.far]\nserver = 'other'\nlanguage = 'shell'\n")
    kernel.run("import os; os.environ['EVEREST_TOKEN_OTHER'] = 'not-to-be-shown'")
    try:
        cell = kernel.run("%%remote far\ntrue")
        assert_clear(cell, "AuthenticationError", "does not accept the token")
        assert "not-to-be-shown" not in str(cell.messages)
    finally:
        path.unlink()


def test_a_hub_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("in the way")
    with running_kernel(tmp_path) as kernel:
        cell = kernel.run("%%remote shell\ntrue")
        assert_clear(cell, "HubStartError", "cannot be started", str(tmp_path / "hub"))
        (tmp_path / "hub").unlink()
        assert kernel.run("%%remote shell\necho now").text() == "now\n"


def test_a_hub_that_dies_while_starting_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir(mode=0o700)
    (tmp_path / "hub" / "hub.sqlite").mkdir()
    with running_kernel(tmp_path) as kernel:
        cell = kernel.run("%%remote shell\ntrue")
        assert_clear(cell, "HubStartError", "did not start", "  | ", "`everest-kernel hub` in a terminal")
