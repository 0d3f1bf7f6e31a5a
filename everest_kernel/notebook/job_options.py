"""The lines of `%jobs`, and of the magics that take the ids of jobs."""

from __future__ import annotations

import difflib
import re
import shlex
from dataclasses import dataclass

from ..routes import parse_duration
from ..wire import ACTIVE_STATES, FINAL_STATES, CellOptionError, JobState

__all__ = ["JOBS_OPTIONS", "STATE_WORDS", "JobsOptions", "check_job_id", "parse_job_ids", "parse_jobs_line"]

DEFAULT_NUMBER = 20
_JOB_ID = re.compile(r"[A-Za-z0-9_-]+")
_UNCONFIRMED = ""
"""The journal's state of a job of which its server has said nothing yet."""
_GONE = "GONE"
"""The journal's state of a job that its server does not have any more."""
STATE_WORDS: dict[str, frozenset[str]] = {
    **{str(state).lower(): frozenset([str(state)]) for state in JobState},
    "unconfirmed": frozenset([_UNCONFIRMED]),
    "gone": frozenset([_GONE]),
    "active": frozenset([*map(str, ACTIVE_STATES), _UNCONFIRMED]),
    "finished": frozenset([*map(str, FINAL_STATES), _GONE]),
}
"""What `--state` takes, and what each word stands for."""


@dataclass(frozen=True)
class JobsOptions:
    """A parsed `%jobs` line; what is empty does not restrict.

    Attributes:
        states: Everest's words; the empty one is that of a job that its server has not confirmed.
        notebook: `this`, or (a part of) a notebook's path.
        age: of the oldest, in seconds.
        number: how many to show; None for all.
    """

    states: frozenset[str] = frozenset()
    route: str = ""
    notebook: str = ""
    age: float | None = None
    server: str = ""
    number: int | None = DEFAULT_NUMBER


def parse_jobs_line(line: str) -> JobsOptions:
    """Read the rest of a `%jobs` line.

    Raises:
        CellOptionError: an option that does not exist, lacks its value, or has a wrong one.
    """
    words = iter(_words(line, "jobs"))
    given: dict[str, str] = {}
    for word in words:
        option, equals, value = word.partition("=")
        if option not in JOBS_OPTIONS:
            raise _unknown(word)
        if option == "--all":
            if equals:
                raise CellOptionError("--all takes no value", hint=_TRY_HELP)
            given[option] = ""
            continue
        value = value if equals else next(words, "")
        if not value or value.startswith("--"):
            raise CellOptionError(f"{option} needs a value", hint=_TRY_HELP)
        given[option] = f"{given[option]},{value}" if option == "--state" and option in given else value
    if "--all" in given and "-n" in given:
        raise CellOptionError("-n and --all contradict each other", hint=_TRY_HELP)
    return JobsOptions(
        states=_states(given.get("--state", "")),
        route=given.get("--route", ""),
        notebook=given.get("--notebook", ""),
        age=_age(given["--age"]) if "--age" in given else None,
        server=given.get("--server", ""),
        number=None if "--all" in given else _number(given.get("-n", str(DEFAULT_NUMBER))),
    )


def parse_job_ids(line: str, magic: str, most: int | None = None) -> list[str]:
    """The ids on a line, each once.

    Args:
        line: the rest of the line.
        magic: for the message.
        most: how many there may be.

    Raises:
        CellOptionError: there is none, or there are too many, or something else is there.
    """
    words = list(dict.fromkeys(_words(line, magic)))
    options = [word for word in words if word.startswith("-")]
    if options:
        raise CellOptionError(f"%{magic} has no option {options[0]}", hint=f"`%{magic}?` shows what there is.")
    if not words or (most is not None and len(words) > most):
        what = "the id of a job" if most == 1 else "the ids of jobs"
        raise CellOptionError(f"write %{magic} and {what}", hint="`%jobs` lists them.")
    for word in words:
        check_job_id(word)
    return words


def check_job_id(text: str) -> None:
    """Whether this can be the id of a job, at any server: it becomes a part of an address.

    Raises:
        CellOptionError: it cannot.
    """
    if not _JOB_ID.fullmatch(text):
        raise CellOptionError(f"{text!r} is no job's id", hint="`%jobs` lists the jobs that there are.")


def _words(line: str, magic: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise CellOptionError(f"the line cannot be read: {error}", hint=f"`%{magic}?` shows what there is.") from error


def _unknown(word: str) -> CellOptionError:
    if not word.startswith("-"):
        hint = f"`%job {word}` shows one job. {_TRY_HELP}"
        return CellOptionError(f"%jobs takes options only, not {word!r}", hint=hint)
    near = difflib.get_close_matches(word.partition("=")[0], JOBS_OPTIONS, n=1)
    suggestion = f" Did you mean {near[0]}?" if near else ""
    return CellOptionError(f"unknown option {word}.{suggestion}", hint=_TRY_HELP)


def _states(text: str) -> frozenset[str]:
    found: set[str] = set()
    for word in filter(None, (part.strip().lower() for part in text.split(","))):
        if word not in STATE_WORDS:
            near = difflib.get_close_matches(word, STATE_WORDS, n=1)
            suggestion = f" Did you mean {near[0]}?" if near else ""
            raise CellOptionError(
                f"there is no state {word!r}.{suggestion}", hint=f"One or more of: {', '.join(STATE_WORDS)}."
            )
        found |= STATE_WORDS[word]
    return frozenset(found)


def _age(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CellOptionError(f"--age: {error}", hint=_TRY_HELP) from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**9):
        raise CellOptionError(f"-n: {text!r} is not a number of jobs", hint=_TRY_HELP)
    return int(text)


JOBS_OPTIONS = ("--state", "--route", "--notebook", "--age", "--server", "-n", "--all")
"""Every option of `%jobs`."""
_TRY_HELP = "`%jobs?` shows the options with examples."
