from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.hub.tasks import (
    InputError,
    check_inputs,
    command_line,
    output_paths,
    read_results,
    stage_inputs,
    substitute,
)
from everest_kernel.wire import (
    Application,
    ApplicationConfig,
    InputMapping,
    OutputMapping,
    Parameter,
    file_list_parameter,
    file_parameter,
)


def app(
    command: str = "run",
    inputs: dict[str, Parameter] | None = None,
    outputs: dict[str, Parameter] | None = None,
    maps: dict[str, str] | None = None,
    out: dict[str, str] | None = None,
) -> Application:
    config = ApplicationConfig(
        command=command,
        input_mappings=tuple(InputMapping(p, f) for p, f in (maps or {}).items()),
        output_mappings=tuple(OutputMapping(p, f) for p, f in (out or {}).items()),
    )
    return Application(inputs=inputs or {}, outputs=outputs or {}, config=config)


NUMBER, TEXT = Parameter(type="number"), Parameter(type="string")


@pytest.mark.parametrize(
    ("command", "inputs", "words"),
    [
        ("echo ${input-string}", {"input-string": "hello"}, ["echo", "hello"]),
        ("echo ${a}", {"a": "two words; rm -rf /"}, ["echo", "two words; rm -rf /"]),
        ("echo x${n}y", {"n": 1.5}, ["echo", "x1.5y"]),
        ("echo '${a} b'", {"a": '"'}, ["echo", '" b']),
        ("echo ${absent}", {}, ["echo", ""]),
        ("echo ${flag} ${list name}", {"flag": True, "list name": "z"}, ["echo", "true", "z"]),
    ],
)
def test_command(command: str, inputs: dict[str, Any], words: list[str]) -> None:
    assert shlex.split(command_line(app(command), inputs)) == words


@given(st.text())
def test_no_value_adds_a_word(value: str) -> None:
    assert shlex.split(command_line(app("run ${v} end"), {"v": value})) == ["run", value, "end"]


def test_an_unreadable_command_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be split"):
        command_line(app("echo 'open"), {})


def test_values_are_not_substituted_twice() -> None:
    assert substitute("${a}", {"a": "${b}", "b": "x"}) == "${b}"


def test_staging_as_everests_clients_expect() -> None:
    inputs = {
        "r": NUMBER,
        "text": TEXT,
        "code": file_parameter(""),
        "plain": file_parameter(""),
        "many": file_list_parameter(""),
    }
    maps = {"r": "rho.txt", "text": "in.txt", "code": "code.txt", "many": "list.json"}
    staging = stage_inputs(
        app(inputs=inputs, maps=maps),
        {
            "r": 28.5,
            "text": "a\n",
            "code": "/api/files/temp/1/x.cpp",
            "plain": "/api/files/temp/2/my%20file.dat",
            "many": ["/api/files/temp/3/a.b", "/api/files/temp/4/c.d"],
            "unknown": 5,
        },
    )
    assert staging.texts == {
        "rho.txt": b"28.5",
        "in.txt": b"a\n",
        "list.json": b'["/api/files/temp/3/a.b", "/api/files/temp/4/c.d"]',
    }
    assert staging.files == {
        "code.txt": "/api/files/temp/1/x.cpp",
        "my file.dat": "/api/files/temp/2/my%20file.dat",
        "a.b": "/api/files/temp/3/a.b",
        "c.d": "/api/files/temp/4/c.d",
    }


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "a\\b", "x\0y", ""])
def test_hostile_paths_are_refused(path: str) -> None:
    with pytest.raises(InputError):
        stage_inputs(app(inputs={"a": TEXT}, maps={"a": path or "${a}"}), {"a": path})
    with pytest.raises(InputError):
        output_paths(app(outputs={"o": TEXT}, out={"o": path or "${a}"}), {"a": path})


def test_two_inputs_for_one_file_are_refused() -> None:
    with pytest.raises(InputError, match="both"):
        stage_inputs(app(inputs={"a": TEXT, "b": TEXT}, maps={"a": "f", "b": "f"}), {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("parameter", "value", "problem"),
    [
        (TEXT, None, "missing"),
        (TEXT, {"a": 1}, "single value"),
        (file_parameter(""), 5, "file URI"),
        (file_list_parameter(""), "x", "array"),
        (file_list_parameter(""), [1], "file URIs"),
        (NUMBER, 5, None),
        (TEXT, True, None),
        (Parameter(required=False), None, None),
    ],
)
def test_check_inputs(parameter: Parameter, value: Any, problem: str | None) -> None:
    description = app(inputs={"p": parameter})
    if problem is None:
        check_inputs(description, {"p": value, "undeclared": 1})
    else:
        with pytest.raises(InputError, match=problem):
            check_inputs(description, {"p": value})


@pytest.mark.parametrize(
    ("parameter", "content", "expected"),
    [
        (TEXT, b"line\n", "line\n"),
        (NUMBER, b" 0.5\n", 0.5),
        (NUMBER, b"7", 7),
        (Parameter(type="integer"), b"7", 7),
        (Parameter(type="boolean"), b"true", True),
        (file_parameter(""), b"x", "uri:f"),
    ],
)
def test_results(parameter: Parameter, content: bytes, expected: Any) -> None:
    description = app(outputs={"o": parameter}, out={"o": "f"})
    result, problems = read_results(description, {"o": "f"}, lambda path: f"uri:{path}", lambda uri: content)
    assert (result, problems) == ({"o": expected}, [])


@pytest.mark.parametrize(
    ("parameter", "content"), [(NUMBER, b"abc"), (NUMBER, b"true"), (Parameter(type="integer"), b"1.5"), (NUMBER, None)]
)
def test_missing_or_malformed_results_are_problems(parameter: Parameter, content: bytes | None) -> None:
    description = app(outputs={"o": parameter}, out={"o": "f"})
    uri_of = (lambda path: None) if content is None else (lambda path: path)
    result, problems = read_results(description, {"o": "f"}, uri_of, lambda uri: content or b"")
    assert result == {}
    assert len(problems) == 1


def test_an_optional_output_may_be_missing() -> None:
    description = app(outputs={"o": Parameter(required=False)}, out={"o": "f"})
    assert read_results(description, {"o": "f"}, lambda path: None, lambda uri: b"") == ({}, [])
