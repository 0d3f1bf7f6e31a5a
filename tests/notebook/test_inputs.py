"""Which values go: what the code uses, what the user named, and nothing secret."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from everest_kernel.languages import PythonLanguage, ShellLanguage
from everest_kernel.notebook.inputs import Selection, looks_secret, select
from everest_kernel.notebook.options import parse_remote_line
from everest_kernel.wire import CellOptionError, ValueRefusedError


def chosen(line: str, code: str, namespace: dict[str, Any], hidden: dict[str, Any] | None = None) -> Selection:
    return select(parse_remote_line(line), PythonLanguage(), code, namespace, hidden or {})


def test_what_the_code_uses_and_the_user_has() -> None:
    found = chosen("python", "y = x + unknown\nz = len([k for k in x])", {"x": [1], "other": 2})
    assert found.inputs == {"x": [1]}
    assert (found.found, found.named) == (("y", "z"), ())


def test_a_builtin_that_the_user_replaced_goes() -> None:
    assert chosen("python", "print(id, max)", {"id": 5}).inputs == {"id": 5}


def test_named_ones_replace_the_found_ones() -> None:
    found = chosen("python --in a --out q", "y = x", {"x": 1, "a": 2})
    assert (found.inputs, found.named, found.found) == ({"a": 2}, ("q",), ())


def test_what_the_shell_itself_put_there_does_not_go() -> None:
    shells: Any = object()
    assert chosen("python", "exit", {"exit": shells}, {"exit": shells}).inputs == {}
    assert chosen("python", "exit", {"exit": 5}, {"exit": shells}).inputs == {"exit": 5}


def test_an_undefined_name_that_was_asked_for_is_an_error() -> None:
    with pytest.raises(CellOptionError, match="'nope' is not defined"):
        chosen("python --in nope", "1", {})


def test_a_shell_finds_nothing_by_itself() -> None:
    found = select(parse_remote_line("shell"), ShellLanguage(), "echo $x", {"x": 1}, {})
    assert (found.inputs, found.found) == ({}, ())


def test_what_cannot_travel_is_refused_by_name() -> None:
    with pytest.raises(ValueRefusedError, match=r"the cell uses f.*function") as caught:
        chosen("python", "f(1)", {"f": lambda n: n})
    assert caught.value.name == "f"


def test_what_is_too_large_is_refused_with_its_size() -> None:
    with pytest.raises(ValueRefusedError, match=r"big, which has 16,000,\d+ bytes") as caught:
        chosen("python", "big.sum()", {"big": np.zeros(2_000_000)})
    assert "--in big" in str(caught.value)
    assert "big" in chosen("python --in big", "big.sum()", {"big": np.zeros(2_000_000)}).inputs


def test_what_is_perhaps_not_needed_is_left_out_when_it_cannot_go() -> None:
    code = "if False:\n    f = 1\nprint(f)"
    assert chosen("python", code, {"f": lambda: 1}).inputs == {}
    assert chosen("python", code, {"f": 7}).inputs == {"f": 7}


@pytest.mark.parametrize(
    "name",
    ["token", "API_TOKEN", "apiToken", "my_password", "passwd", "secretValue", "SECRET", "aws_key", "key", "privateKey",
     "ssh_keys", "credentials", "API_KEY", "apikey", "auth", "pwd", "passphrase", "client_secret_2"],
)  # fmt: skip
def test_secrets_are_held_back(name: str) -> None:
    assert looks_secret(name)
    found = chosen("python", f"print({name})", {name: "hush", "x": 1})
    assert (found.inputs, found.held_back) == ({}, (name,))
    assert chosen(f"python --in {name}", f"print({name})", {name: "hush"}).inputs == {name: "hush"}


@pytest.mark.parametrize(
    "name", ["x", "monkey", "keyboard", "turnkey2", "author", "compass", "pattern", "path", "lyapunov"]
)
def test_innocent_names_go(name: str) -> None:
    assert not looks_secret(name)
