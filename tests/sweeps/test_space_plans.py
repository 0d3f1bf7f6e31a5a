"""Spaces from Everest plans, and plans from spaces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.sweeps.space import Space, parse_space
from everest_kernel.wire import CellOptionError, parse_plan

PLAN = """
parameter seed from 1 to 3 step 1
parameter h from 0 to 0.3 step 0.1
parameter model fast exact 10
command run ${seed}
constraint seed + h <= 2.2
constraint model != "slow" or seed > 1
"""


def numbers(space: Space) -> list[int]:
    return [number for block in space.numbers() for number in block.tolist()]


def test_a_plans_points_are_its_tasks() -> None:
    plan = parse_plan(PLAN)
    space = parse_space([], {}, plan=plan)
    assert numbers(space) == list(plan.numbers())
    assert space.point(5) == {"seed": 1, "h": 0.1, "model": 10}
    for number in (0, 17, 35):
        assert {name: str(value) for name, value in space.point(number).items()} | {"h": ""} == plan.values(number) | {
            "h": ""
        }
    assert [space.point(n)["h"] for n in (0, 3, 6, 9)] == [0.0, 0.1, 0.2, 0.3]


def test_a_plan_can_be_narrowed_and_widened() -> None:
    plan = parse_plan("parameter a 1 2 3\ncommand run\nconstraint a < 3\n")
    space = parse_space(["b=1,2"], {}, plan=plan, where="a == b or b == 2")
    assert space.where == "(a < 3) and (a == b or b == 2)"
    assert [tuple(space.point(number).values()) for number in numbers(space)] == [(1, 1), (1, 2), (2, 2)]


def test_kinds_of_a_plans_values() -> None:
    plan = parse_plan(
        "parameter i 1 2\nparameter f 1 2.5\nparameter s a b\nparameter r from 0 to 1 step 0.5\ncommand run\n"
    )
    kinds = [column.dtype.kind for column in parse_space([], {}, plan=plan).columns(np.array([0])).values()]
    assert kinds == ["i", "f", "U", "f"]


def test_a_plans_name_that_cannot_be_a_variable() -> None:
    with pytest.raises(CellOptionError, match="my-name") as caught:
        parse_space([], {}, plan=parse_plan("parameter my-name 1 2\ncommand run ${my-name}\n"))
    assert "my_name" in (caught.value.hint or "")


def test_the_plan_of_a_space() -> None:
    words = ["a=20:50:31", "h=0:1:0.1s", "m=fast,exact", "third=0:1:4"]
    space = parse_space(words, {}, where="(a > 30 and\n m == 'fast')")
    text = space.plan_text("run ${a} ${m}", input_files=["x.py"], output_files=["out.txt", "stdout"])
    assert text.splitlines() == [
        "parameter a from 20 to 50 step 1",
        "parameter h from 0 to 1 step 0.1",
        "parameter m fast exact",
        "parameter third 0.0 0.3333333333333333 0.6666666666666666 1.0",
        "input_files x.py",
        "command run ${a} ${m}",
        "output_files out.txt stdout",
        "constraint a > 30 and m == 'fast'",
    ]


RANGES = st.one_of(
    st.tuples(st.integers(-5, 5), st.integers(1, 8), st.sampled_from(["1", "0.1", "-0.25", "3e-5", "7", "-1e3"])).map(
        lambda t: f"{t[0]}:{t[0]}{'+' if float(t[2]) > 0 else '-'}{t[1]}*{t[2].lstrip('-')}:{t[2]}s"
    ),
    st.tuples(st.integers(-5, 5), st.integers(2, 30)).map(lambda t: f"{t[0]}:6:{t[1]}"),
    st.lists(st.sampled_from(["1", "2", "-3"]), min_size=1).map(lambda t: ",".join(t) + ","),
    st.lists(st.sampled_from(["fast", "exact", "x.y"]), min_size=1).map(lambda t: ",".join(t) + ","),
    st.lists(st.floats(-10, 10), min_size=1).map(lambda t: f"{t}"),
)


@given(st.lists(RANGES, min_size=1, max_size=3), st.sampled_from(["", "a > 0", "a != 1"]))
def test_a_plan_has_the_same_points_with_the_same_numbers(texts: list[str], where: str) -> None:
    words = [f"{name}={text}" for name, text in zip("abc", texts, strict=False)]
    try:
        space = parse_space(words, {}, where=where)
    except CellOptionError:  # nothing is left, or texts are compared with numbers
        return
    plan = parse_plan(space.plan_text("run"))
    assert plan.size == space.size
    assert [number for number in plan.numbers() if number is not None] == numbers(space)
    again = parse_space([], {}, plan=plan)
    some = np.arange(space.size)[:: max(space.size // 50, 1)]
    for name, column in space.columns(some).items():
        assert again.columns(some)[name].tolist() == column.tolist()


def test_parameters_in_step_are_one_parameter_of_the_plan() -> None:
    space = parse_space(["a=1,2,3", "b=x,y,z"], {}, zipped=True)
    text = space.plan_text("run ${zip}")
    plan = parse_plan(text)
    assert list(plan.parameters) == ["zip"]
    assert [task.command for task in map(plan.task, range(3))] == ["run 0", "run 1", "run 2"]
    assert "#   a = 1, 2, 3: 3 int values" in text


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        (["a=['x y', 'z']"], {}, "'x y'"),
        (["a=['', 'z']"], {}, "''"),
        (["a=[' x']"], {}, "' x'"),
        (["a=['from', 'to']"], {}, "from"),
        (["a=[(1, 2)]"], {}, "'(1, 2)'"),
        (["a=range(5)"], {"where": "sqrt(a) > 1"}, "sqrt"),
        (["a=range(5)"], {"where": "a < pi"}, "pi"),
        (["a=True,False"], {"where": "a == True"}, "'True'"),
        (["a=['1', '2']"], {"where": "a == '1'"}, "'1'"),
        (["σ=1,2"], {}, "σ"),
        (["a=1,2", "b=1,2"], {"zipped": True, "where": "a > 1"}, "go in step"),
        (["a=logspace(0, 1, 200000)"], {}, "200,000"),
    ],
)
def test_what_plans_cannot_say(words: list[str], options: dict[str, Any], message: str) -> None:
    space = parse_space(words, {}, **options)
    with pytest.raises(CellOptionError) as caught:
        space.plan_text("run")
    assert message in caught.value.message


@pytest.mark.parametrize("command", ["", "  ", "a\nb"])
def test_a_command_is_one_line(command: str) -> None:
    with pytest.raises(CellOptionError, match="one line"):
        parse_space(["a=1,2"], {}).plan_text(command)


def test_numbers_too_long_for_a_plans_range_are_listed() -> None:
    space = parse_space(["a=-12345678901234567890.12345678901234567891:0.5:2"], {})
    assert parse_plan(space.plan_text("run")).parameters == {"a": ("-1.2345678901234567e+19", "0.5")}
