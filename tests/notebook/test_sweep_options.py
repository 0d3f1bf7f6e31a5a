"""The line of a sweep, read."""

from __future__ import annotations

import pytest

from everest_kernel.notebook.sweep_options import parse_sweep_line
from everest_kernel.wire import CellOptionError


def test_a_whole_line() -> None:
    options = parse_sweep_line(
        "vm1,vm2 a=20:50:31 b[m/s]=linspace(0, 1, 5) c=3 --out L1,L2 --where 'a < b' --sample 100 --seed 0 "
        "--sampling lhs --refine L1=0 --live=L1 --time-limit 5m --bg --zip --into g"
    )
    assert options.routes == ("vm1", "vm2")
    assert options.route == "vm1"
    assert options.space == ["a=20:50:31", "b[m/s]=linspace(0, 1, 5)", "c=3"]
    assert options.outputs == ("L1", "L2")
    assert options.where == "a < b"
    assert (options.sample, options.seed, options.sampling) == (100, 0, "lhs")
    assert (options.refine, options.live, options.time_limit) == ("L1=0", "L1", 300.0)
    assert options.background
    assert options.zipped
    assert options.into == "g"


@pytest.mark.parametrize(
    ("line", "space"),
    [
        ("python x=[1, 2, 3] --out y", ["x=[1, 2, 3]"]),
        ("python x='a','b c' --out y", ["x='a','b c'"]),
        ("python x={'k': [1, 2]}['k'] z=(1, 2) --out y", ["x={'k': [1, 2]}['k']", "z=(1, 2)"]),
        ("python --out y x=1,2", ["x=1,2"]),
    ],
)
def test_values_keep_their_blanks_and_quotes(line: str, space: list[str]) -> None:
    assert parse_sweep_line(line).space == space


@pytest.mark.parametrize(
    ("words", "attribute", "value"),
    [
        ("--where=\"m == 'fast'\"", "where", "m == 'fast'"),
        ("--where \"m == 'fast'\"", "where", "m == 'fast'"),
        ("--with program='my giac'", "settings", {"program": "my giac"}),
        (r"--files data/a\ b", "files", ["data/a b"]),
        (r'--name "a \" b"', "name", 'a " b'),
        ("--refine 'y=0'", "refine", "y=0"),
        (r"m='it\'s','b'", "space", ["x=1,2", r"m='it\'s','b'"]),
        ("'m=1, 2'", "space", ["x=1,2", "m=1, 2"]),
        ("--name :-) z=(1, 2)", "space", ["x=1,2", "z=(1, 2)"]),
    ],
)
def test_quotes_mean_what_they_mean_on_other_lines(words: str, attribute: str, value: object) -> None:
    assert getattr(parse_sweep_line(f"python x=1,2 --out y {words}"), attribute) == value


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "no route"),
        ("python", "no parameters"),
        ("python x=1:2:3", "no outputs"),
        ("python x=1:2:3 --out y z", "'z' is neither an option nor a parameter"),
        ("python x==1 --out y", "'x==1' is neither"),
        ("python x=[1, 2 --out y", "bracket is not closed"),
        ("python x='1 --out y", "quote ' is not closed"),
        ("python x=1,2 --out y \\", "a backslash ends the line"),
        ("python x=1:2:3 --out y --sample 0", "not a whole number from 1"),
        ("python x=1:2:3 --out y --sampling best", "none of uniform"),
        ("python x=1:2:3 --out y --seed 1", "--seed and --sampling are for"),
        ("python x=1:2:3 --out y --live z", "not among the outputs y"),
        ("python x=1:2:3 --out y --frame f", "from one of them"),
        ("python x=1:2:3 --out y --fetch '*'", "--fetch is for %%remote"),
        ("python x=1:2:3 --out y --fres", "Did you mean --fresh?"),
        ("python x=1:2:3 --out y --refine-budget 3", "is for a sweep with --refine"),
        ("python x=1:2:3 --out y --running new", "unknown option --running"),
    ],
)
def test_what_cannot_be_read_is_said(line: str, told: str) -> None:
    with pytest.raises(CellOptionError, match=told.replace("*", r"\*").replace("?", r"\?")):
        parse_sweep_line(line)
