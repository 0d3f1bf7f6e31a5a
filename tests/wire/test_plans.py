"""Sweep plans, constraints and templates."""

from __future__ import annotations

import itertools
import shlex
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.wire import Criterion, ProtocolError, parse_plan
from everest_kernel.wire.plans import MAX_TASKS

EXAMPLE = """
parameter seed  from 1 to 3 step 1
parameter model fast exact
input_files  run.sh ${model}.cfg
command      bash run.sh ${model}.cfg ${seed}  \t
output_files out-${seed}.txt stdout stderr
"""


def test_the_documented_example_has_six_tasks() -> None:
    plan = parse_plan(EXAMPLE)
    tasks = [plan.task(number) for number in plan.numbers() if number is not None]
    assert [(task.number, task.values["seed"], task.values["model"]) for task in tasks] == [
        (0, "1", "fast"),
        (1, "1", "exact"),
        (2, "2", "fast"),
        (3, "2", "exact"),
        (4, "3", "fast"),
        (5, "3", "exact"),
    ]
    assert tasks[5].command == "bash run.sh exact.cfg 3"
    assert tasks[5].input_files == ("run.sh", "exact.cfg")
    assert tasks[5].output_files == ("out-3.txt", "stdout", "stderr")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("from 0 to 9 step 3", ["0", "3", "6", "9"]),
        ("from 0 to 8 step 3", ["0", "3", "6"]),
        ("from 0 to 1 step 0.25", ["0", "0.25", "0.5", "0.75", "1"]),
        ("from 0.1 to 0.3 step 0.1", ["0.1", "0.2", "0.3"]),
        ("from 5 to 1 step -2", ["5", "3", "1"]),
        ("from 1e-3 to 2e-3 step 5e-4", ["0.001", "0.0015", "0.002"]),
        ("from 7 to 7 step 1", ["7"]),
        ("from 100 to 300 step 100", ["100", "200", "300"]),
        ("from", None),
        ("from 1 to 2", None),
        ("from 2 to 1 step 1", None),
        ("from 1 to 2 step 0", None),
        ("from a to b step c", None),
        ("from 1 to nan step 1", None),
        ("from 1 to 1e30 step 1", None),
        (f"from 0 to {MAX_TASKS} step 1", None),
        ("x from 1", ["x", "from", "1"]),
    ],
)
def test_ranges_and_lists(text: str, values: list[str] | None) -> None:
    plan = f"parameter p {text}\ncommand run ${{p}}"
    if values is None:
        with pytest.raises(ProtocolError, match="line 1 of the plan"):
            parse_plan(plan)
    else:
        found = parse_plan(plan)
        assert [found.values(number)["p"] for number in range(found.size)] == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no command"),
        ("# only a note", "no command"),
        ("command", "command of what"),
        ("kommand x", "unknown directive 'kommand'"),
        ("command a\ncommand b", "line 2 of the plan: a second command"),
        ("command a\nparameter p", "no values"),
        ("command a\nparameter 1p x", "not a parameter's name"),
        ("command a\nparameter p 1\nparameter p 2", "a second parameter 'p'"),
        ("command a ${q}", "uses 'q'"),
        ("command a\noutput_files ${q}", "uses 'q'"),
        ("command 'a", "cannot be split"),
        ("command a\ninput_files ../b", "'..'"),
        ("command a\noutput_files /etc/passwd", "not a relative path"),
        ("command a\nparameter p ../x\ninput_files ${p}", "'..'"),
        ("command a\nconstraint q > 1", "uses 'q'"),
        ("command a\nconstraint __import__('os')", "not allowed"),
        ("command a\nconstraint (1).__class__", "not allowed"),
        ("command a\nconstraint [x for x in (1,)]", "not allowed"),
        ("command a\nconstraint 1 +", "cannot be read"),
        ("command a\nconstraint " + "(" * 900, "cannot be read"),
        ("command a\nconstraint " + "1+" * 900 + "1", "longer than"),
        ("command a\ncriterion best f", "criterion minimize FILE"),
        ("command a\ncriterion minimize f best 0", "not a number of tasks"),
        ("command a\ncriterion minimize f worst 3", "criterion minimize FILE"),
        ("command a\n" + "# \n" * 1_000_000, "lines"),
        ("command a\n" + "".join(f"parameter p{i} {'v ' * 100}\n" for i in range(4)), "tasks; the limit"),
    ],
)
def test_malformed_plans(text: str, said: str) -> None:
    with pytest.raises(ProtocolError, match=said.replace("(", r"\(").replace("+", r"\+")):
        parse_plan(text)


def test_several_lines_of_files_add_up_and_notes_are_skipped() -> None:
    plan = parse_plan("# a note\ninput_files a b\n\n  command   run me   \ninput_files c\noutput_files o")
    assert (plan.input_files, plan.output_files, plan.command, plan.size) == (("a", "b", "c"), ("o",), "run me", 1)


def test_no_value_adds_a_word_to_the_command() -> None:
    plan = parse_plan('parameter p a;b $(x) \'\ncommand run ${p} "in ${p} it"')
    words = [shlex.split(plan.task(number).command) for number in range(3)]
    assert words == [["run", value, f"in {value} it"] for value in ("a;b", "$(x)", "'")]


@pytest.mark.parametrize(
    ("constraint", "kept"),
    [
        ("x + y <= 3", [(1, 1), (1, 2), (2, 1)]),
        ("x == y and not x == 2", [(1, 1), (3, 3)]),
        ("x in (1, 9) or y == 3 and x > 2", [(1, 1), (1, 2), (1, 3), (3, 3)]),
        ("x ** 2 - y // 1 >= 7", [(3, 1), (3, 2)]),
        ("False", []),
    ],
)
def test_constraints_leave_points_out_and_keep_their_numbers(constraint: str, kept: list[tuple[int, int]]) -> None:
    rows = f"parameter x 1 2 3\nparameter y from 1 to 3 step 1\ncommand run\nconstraint {constraint}"
    plan = parse_plan(rows)
    numbers = [number for number in plan.numbers() if number is not None]
    assert [(int(plan.values(n)["x"]), int(plan.values(n)["y"])) for n in numbers] == kept
    assert numbers == [(x - 1) * 3 + y - 1 for x, y in kept]


def test_a_constraint_compares_words_too() -> None:
    plan = parse_plan('parameter m fast slow\ncommand run\nconstraint m != "slow"')
    assert list(plan.numbers()) == [0]


@pytest.mark.parametrize("constraint", ["1 / x > 0", "x > 'a'", "x ** 999999999 > 1", "'a' * 999999999 == x"])
def test_a_constraint_that_cannot_be_computed_says_where(constraint: str) -> None:
    plan = parse_plan(f"parameter x 0 1\ncommand run\nconstraint {constraint}")
    with pytest.raises(ProtocolError, match=r"cannot be computed at x = [01]|cannot be computed at : "):
        list(plan.numbers())


def test_a_long_search_gives_breath() -> None:
    plan = parse_plan("parameter x from 1 to 1000 step 1\ncommand run\nconstraint x == 1000")
    assert list(plan.numbers(look=100)) == [None] * 9 + [999]


def test_a_million_points_are_there_at_once() -> None:
    plan = parse_plan("parameter x from 1 to 1000 step 1\nparameter y from 1 to 1000 step 1\ncommand run ${x} ${y}")
    assert plan.size == 1_000_000
    assert plan.task(999_999).command == "run 1000 1000"
    assert next(plan.numbers()) == 0
    with pytest.raises(IndexError):
        plan.task(1_000_000)


def test_criterion() -> None:
    plan = parse_plan("parameter p 1\ncommand run\ncriterion maximize out-${p}.txt best 3")
    assert plan.criterion == Criterion(True, "out-${p}.txt", 3)
    assert parse_plan("command run\ncriterion minimize f").criterion == Criterion(False, "f", 1)


names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True).filter(lambda name: name != "from")
words = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=8).filter(
    lambda word: word.split() == [word] and word != "from"
)


@given(st.dictionaries(names, st.lists(words, min_size=1, max_size=4), max_size=4))
def test_the_product_of_any_lists(parameters: dict[str, list[str]]) -> None:
    text = "command run\n" + "".join(f"parameter {name} {' '.join(values)}\n" for name, values in parameters.items())
    plan = parse_plan(text)
    product = [dict(zip(parameters, point, strict=True)) for point in itertools.product(*parameters.values())]
    assert [plan.values(number) for number in range(plan.size)] == product


@given(st.integers(-1000, 1000), st.integers(0, 200), st.integers(1, 999), st.integers(0, 4), st.booleans())
def test_ranges_are_exact_decimals(first: int, steps: int, step: int, digits: int, down: bool) -> None:
    unit = Decimal(1).scaleb(-digits)
    start, width = first * unit, (-step if down else step) * unit
    plan = parse_plan(f"parameter p from {start:f} to {start + steps * width:f} step {width:f}\ncommand run")
    assert [Decimal(plan.values(n)["p"]) for n in range(plan.size)] == [start + n * width for n in range(steps + 1)]


@given(st.text(max_size=200))
def test_any_text_is_a_plan_or_a_protocol_error(text: str) -> None:
    try:
        plan = parse_plan(text)
    except ProtocolError:
        return
    assert plan.size >= 1
