"""The `%%remote` line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.notebook.options import HELP, OPTIONS, RemoteOptions, parse_remote_line
from everest_kernel.wire import CellOptionError


def test_a_route_alone() -> None:
    assert parse_remote_line(" python ") == RemoteOptions("python", line="python")


def test_every_option() -> None:
    line = "--in a,b shell --out=x --files 'd/*.csv' --files e --fetch '*.png' --name 'my job' --time-limit 1h30m"
    more = "--dry-run --bg --set --into job --fresh --queue-limit 2m --running new"
    assert parse_remote_line(f"{line} {more}") == RemoteOptions(
        "shell",
        ("a", "b"),
        ("x",),
        ["d/*.csv", "e"],
        ["*.png"],
        "my job",
        5400.0,
        {},
        True,
        line=f"{line} {more}",
        queue_limit=120.0,
        background=True,
        into="job",
        set_values=True,
        fresh=True,
        running="new",
    )


def test_lists_of_names_add_up_without_doubles() -> None:
    options = parse_remote_line("python --in a,b --in b,c --out ''")
    assert options.inputs == ("a", "b", "c")
    assert options.outputs == (), "an empty list is one: nothing comes back"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "no route"),
        ("--in a", "no route"),
        ("python shell", "a second route, 'shell', after 'python'"),
        ("python --inn a", "Did you mean --in?"),
        ("python --zzz", "unknown option --zzz"),
        ("python -x", "unknown option -x"),
        ("python --in", "--in needs a value"),
        ("python --in --out x", "--in needs a value"),
        ("python --in a-b", "'a-b' is not a name"),
        ("python --in 1a", "'1a' is not a name"),
        ("python --name ''", "--name: it is empty"),
        ("python --dry-run=yes", "takes no value"),
        ("python --time-limit 0", "no time at all"),
        ("python --time-limit 5weeks", "not a length of time"),
        ("python --name 'open", "cannot be read"),
        ("python --set", "--set is for a cell with --bg"),
        ("python --into job", "--into is for a cell with --bg"),
        ("python --bg --into for", "'for' is not a name"),
        ("python --running later", "'later' is none of attach, new, ask"),
        ("python --bg --running ask", "needs a cell that waits"),
        ("python --queue-limit soon", "not a length of time"),
    ],
)
def test_mistakes_are_told(line: str, said: str) -> None:
    with pytest.raises(CellOptionError) as caught:
        parse_remote_line(line)
    assert said in str(caught.value)
    assert "%%remote?" in str(caught.value)


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_any_line_is_read_or_refused(line: str) -> None:
    with contextlib.suppress(CellOptionError):
        assert parse_remote_line(line).route


def test_the_help_tells_of_every_option_and_its_examples_are_right() -> None:
    for option in OPTIONS:
        assert f"\n{option} " in HELP
    for line in HELP.splitlines():
        if line.strip().startswith("%%remote ") and "ROUTE" not in line:
            parse_remote_line(line.strip().removeprefix("%%remote "))
