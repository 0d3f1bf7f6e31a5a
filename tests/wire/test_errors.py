"""The tree of errors is what its docstring draws, and each error says where and what next."""

from __future__ import annotations

import re

import pytest

from everest_kernel.wire import EverestError, JobFailedError, RefusedError, ValueRefusedError, errors


def drawn() -> dict[str, str]:
    """Child to parent, as the module's docstring draws them."""
    parents: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"([\s│├└─]*)(\w+Error)\b", line)
        if match is None:
            continue
        depth, name = len(match[1]), match[2]
        while stack and stack[-1][0] >= depth:
            stack.pop()
        if stack:
            parents[name] = stack[-1][1]
        stack.append((depth, name))
    return parents


def test_the_drawing_is_the_tree() -> None:
    real = {
        name: kind.__mro__[1].__name__ for name in errors.__all__ if (kind := getattr(errors, name)) is not EverestError
    }
    assert drawn() == real


def test_an_error_says_what_where_and_what_next() -> None:
    error = EverestError("it broke", job_id="j1", resource="vm", hint="Mend it.")
    assert str(error) == "it broke (job j1, resource vm)\nMend it."
    assert str(EverestError("it broke")) == "it broke"


def test_a_failed_job_shows_its_last_lines_before_the_hint() -> None:
    error = JobFailedError("no", last_lines=("a", "b"), job_id="j", hint="h")
    assert str(error) == "no (job j)\n  | a\n  | b\nh"


def test_ipython_shows_the_text_and_no_frames() -> None:
    assert RefusedError("no", status=404, hint="h")._render_traceback_() == ["RefusedError: no", "h"]


@pytest.mark.parametrize("kind", [getattr(errors, name) for name in errors.__all__])
def test_every_error_takes_the_common_context(kind: type[EverestError]) -> None:
    more = {"status": 500} if kind is RefusedError else {"name": "x"} if kind is ValueRefusedError else {}
    error = kind("m", job_id="j", hint="h", **more)
    assert (error.message, error.job_id, error.hint) == ("m", "j", "h")
