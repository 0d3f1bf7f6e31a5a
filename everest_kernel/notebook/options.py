"""The options of a `%%remote` line."""

from __future__ import annotations

import difflib
import keyword
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..routes import parse_duration
from ..wire import CellOptionError

__all__ = [
    "FLAGS",
    "HELP",
    "OPTIONS",
    "RUNNING",
    "VALUES",
    "WITH_VALUE",
    "RemoteOptions",
    "parse_remote_line",
    "set_option",
]

HELP = """\
Run this cell on a resource.

    %%remote ROUTE [options]

ROUTE           where the cell goes: a language such as `python`, `maple`, `octave` or `shell`, or a route of your
                everest.toml; `%everest routes` lists them
--in a,b        values to send; for Python the default is every name that the cell uses and you have
--out x,y       values to bring back; for Python the default is every name that the cell assigns
--files 'data/*.csv'   files to send, by pattern, at the same relative path (may be repeated)
--fetch '*.png'        files to bring back, by pattern (may be repeated)
--name NAME     the job's name
--time-limit 10m       kill it after this time (90s, 10m, 1h30m)
--queue-limit 2m       withdraw it when it has not begun to run by then
--bg            go on at once; the cell's value is a job that can be awaited and asked
--into NAME     with --bg: give the job this name
--set           with --bg: set the values that come back when it ends, as a cell without --bg does
--fresh         run it, also when the same cell has succeeded before and its result is kept
--running new   when this cell's job is still running: start a second one; `attach` (follow that one) is the
                default, `ask` asks
--with NAME=VALUE       a setting of the route's language, such as standard=c++20 (may be repeated)
--maple                short for --with syntax=maple, for languages that can be written as Maple is
--sympy                short for --with symbolic=sympy: symbolic results as sympy expressions, not as texts
--dry-run       show what would be sent, and send nothing

Examples

    %%remote python
    y = x ** 2                # x goes, y comes back

    %%remote python --in grid --out mean --time-limit 5m
    mean = grid.mean(axis=0)

    %%remote python --bg --into job
    total = simulate(1_000_000)

    (await job)["total"]                        # in a later cell

    %%remote maple --in a --out s
    s := int(exp(-a*x^2), x = 0..infinity);

    %%remote shell --files 'data/*.csv' --fetch 'out/*.txt' --out lines
    mkdir -p out && cat data/*.csv > out/all.txt
    lines=$(wc -l < out/all.txt)
"""

RUNNING = ("attach", "new", "ask")
"""What `--running` can say."""


@dataclass
class RemoteOptions:
    """A parsed line. `inputs` and `outputs` are None when the cell's own text decides.

    Attributes:
        line: as it was written.
        into: name for the background job.
        set_values: whether a background job sets values at its end.
        running: what to do about a job of this cell that still runs: `attach`, `new` or `ask`.
    """

    route: str = ""
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    files: list[str] = field(default_factory=list)
    fetch: list[str] = field(default_factory=list)
    name: str = ""
    time_limit: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    line: str = ""
    queue_limit: float | None = None
    background: bool = False
    into: str = ""
    set_values: bool = False
    fresh: bool = False
    running: str = "attach"


def parse_remote_line(line: str) -> RemoteOptions:
    """Read the rest of a `%%remote` line.

    Raises:
        CellOptionError: an option that does not exist, lacks its value, or has a wrong one.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise CellOptionError(f"the options cannot be read: {error}", hint=_TRY_HELP) from error
    options = RemoteOptions(line=line.strip())
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            given = value if equals else None
            set_option(options, option, given, lambda: next(rest, None), flags=FLAGS, values=VALUES, hint=_TRY_HELP)
        elif word.startswith("-") and len(word) > 1:
            raise CellOptionError(f"unknown option {word}", hint=_TRY_HELP)
        elif options.route:
            raise CellOptionError(f"a second route, {word!r}, after {options.route!r}", hint=_TRY_HELP)
        else:
            options.route = word
    if not options.route:
        raise CellOptionError("no route: write %%remote python, or another route's name", hint=_TRY_HELP)
    for needy, wanted in (("--into", options.into), ("--set", options.set_values)):
        if wanted and not options.background:
            raise CellOptionError(f"{needy} is for a cell with --bg", hint=_TRY_HELP)
    if options.background and options.running == "ask":
        raise CellOptionError(
            "--running ask needs a cell that waits for the answer, and one with --bg does not", hint=_TRY_HELP
        )
    return options


def set_option(
    options: RemoteOptions,
    option: str,
    value: str | None,
    following: Callable[[], str | None],
    *,
    flags: Mapping[str, Callable[[Any], None]],
    values: Mapping[str, tuple[str, Callable[[str], Any]]],
    hint: str,
) -> None:
    """Set what one option of a line says.

    Args:
        options: to be changed.
        option: as it is written, with its dashes.
        value: what stands behind its equals sign; None without one.
        following: gives the next word of the line.
        flags: options without a value, and what they do.
        values: options with one: the attribute, and what reads it.
        hint: where to look for help.

    Raises:
        CellOptionError: there is no such option, it lacks its value, or has a wrong one.
    """
    if option in flags:
        if value is not None:
            raise CellOptionError(f"{option} takes no value", hint=hint)
        flags[option](options)
        return
    if option not in values:
        near = difflib.get_close_matches(option, [*flags, *values], n=1)
        suggestion = f" Did you mean {near[0]}?" if near else ""
        raise CellOptionError(f"unknown option {option}.{suggestion}", hint=hint)
    value = following() if value is None else value
    if value is None or value.startswith("--"):
        raise CellOptionError(f"{option} needs a value", hint=hint)
    attribute, read = values[option]
    try:
        read_value = read(value)
    except ValueError as error:
        raise CellOptionError(f"{option}: {error}", hint=hint) from error
    present = getattr(options, attribute)
    if isinstance(present, dict):
        present.update([read_value])
    elif isinstance(present, list):
        present.append(read_value)
    elif isinstance(present, tuple):
        setattr(options, attribute, (*present, *(n for n in read_value if n not in present)))
    else:
        setattr(options, attribute, read_value)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{name!r} is not a name")
    return names


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise ValueError(f"{text!r} is not NAME=VALUE")
    return name.strip(), value.strip()


def _name(text: str) -> str:
    if not text.isidentifier() or keyword.iskeyword(text):
        raise ValueError(f"{text!r} is not a name")
    return text


def _running(text: str) -> str:
    if text not in RUNNING:
        raise ValueError(f"{text!r} is none of {', '.join(RUNNING)}")
    return text


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("it is empty")
    return text


FLAGS: dict[str, Callable[[RemoteOptions], None]] = {
    "--maple": lambda options: options.settings.update(syntax="maple"),
    "--sympy": lambda options: options.settings.update(symbolic="sympy"),
    "--dry-run": lambda options: setattr(options, "dry_run", True),
    "--bg": lambda options: setattr(options, "background", True),
    "--set": lambda options: setattr(options, "set_values", True),
    "--fresh": lambda options: setattr(options, "fresh", True),
}
VALUES: dict[str, tuple[str, Callable[[str], Any]]] = {
    "--in": ("inputs", _names),
    "--out": ("outputs", _names),
    "--files": ("files", _text),
    "--fetch": ("fetch", _text),
    "--name": ("name", _text),
    "--time-limit": ("time_limit", parse_duration),
    "--queue-limit": ("queue_limit", parse_duration),
    "--into": ("into", _name),
    "--running": ("running", _running),
    "--with": ("settings", _setting),
}
OPTIONS = (*VALUES, *FLAGS)
"""Every option of the line."""
WITH_VALUE = frozenset(VALUES)
"""Those of them that take a value."""
_TRY_HELP = "`%%remote?` shows the options with examples."
