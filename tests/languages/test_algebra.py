"""Statements and values of the computer-algebra languages, without a program."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages.algebra import (
    GIAC,
    MAPLE,
    MAPLE_IN_GIAC,
    Dialect,
    UnreadableError,
    check_complete,
    read_expression,
    read_integer,
    read_named_values,
    split_statements,
    write_integer,
)
from everest_kernel.languages.algebra.scanner import scan
from everest_kernel.languages.algebra.symbolic import to_sympy
from everest_kernel.wire import CellError

DIALECTS = st.sampled_from([MAPLE, MAPLE_IN_GIAC, GIAC])
PIECES = st.sampled_from(
    ["x", ":=", "proc(x)", "end proc", "end", "do", "od", "for i", "if", "then", "elif", "else", "fi", "(", ")", "[",
     "]", '"a;b"', '"', "# c;\n", "// c\n", "(*", "*)", "/*", "*/", ";", ":", ":;", "\n", "`a b`", "'", "\\", "1.5e3",
     "1..3", "ж", "\r\n", "::", ":-end", "?", "{", "}"]
)  # fmt: skip


def parts(code: str, dialect: Dialect = MAPLE) -> list[tuple[str, int, bool]]:
    return [(s.text, s.line, s.silent) for s in split_statements(code, dialect)]


@given(st.lists(PIECES | st.text(max_size=3), max_size=30).map(" ".join), DIALECTS)
def test_tokens_put_together_are_the_text(code: str, dialect: Dialect) -> None:
    tokens = list(scan(code, dialect))
    assert "".join(token.text for token in tokens) == code
    for token in tokens:
        assert code.startswith(token.text, token.start)
        assert token.line == code.count("\n", 0, token.start) + 1


@given(st.lists(PIECES | st.text(max_size=3), max_size=30).map(" ".join), DIALECTS)
def test_any_text_is_split_or_refused_with_a_line(code: str, dialect: Dialect) -> None:
    status = check_complete(code + "\n\n", dialect).status
    if status != "complete":
        with pytest.raises(CellError, match=r"line \d"):
            split_statements(code, dialect)
        return
    for statement in split_statements(code, dialect):
        assert code.startswith(statement.tokens[0].text, statement.start)
        assert statement.text.count("\n") == sum(token.text.count("\n") for token in statement.tokens)


SIMPLE = st.sampled_from(
    ["x := 1", "f := proc(x) local y; y := x; y end proc", "for i to 3 do x; y: od", 'print("a;b")', "`a;b` := 2",
     "if a then b; elif c then d; else e; end if", "[1, {2: 3}]",
     "while x<3 do x := x+1; if x=2 then break; fi; end do",
     "x :: integer", "g := proc() proc() 1; end; end"]
)  # fmt: skip
BLANKS = st.sampled_from(["", " ", "\n", "# c; d\n", "\r\n", "(* a; (* b *) \n *)"])


@given(st.lists(st.tuples(BLANKS, SIMPLE, BLANKS, st.sampled_from(";:")), max_size=6))
def test_statements_are_found_where_they_stand(written: list[tuple[str, str, str, str]]) -> None:
    code, expected = "", []
    for before, text, after, end in written:
        code += before
        expected.append((text, code.count("\n") + 1, end == ":"))
        code += text + after + end
    assert parts(code) == expected


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("x := 1;\nfor i to 3 do\n x;\n", "the 'do' of line 2 is not closed"),
        ("x := 1;\nend do;", "'end' in line 2 closes nothing"),
        ("f(x,\n[1;2);", "')' in line 2 does not close the '[' of line 2"),
        ("if a then\nb; od;", "'od' in line 2 does not close the 'if' of line 1"),
        ('x := 1;\ny := "abc;', "the string that begins in line 2 has no end"),
        ("x := 1;\n(* abc;", "the comment that begins in line 2 has no end"),
        ("f := proc(x)\n (x end proc", "'end' in line 2 does not close the '(' of line 2"),
    ],
)
def test_what_does_not_match_is_told_with_its_line(code: str, problem: str) -> None:
    with pytest.raises(CellError, match="^" + problem.replace("(", r"\(").replace(")", r"\)").replace("[", r"\[")):
        split_statements(code, MAPLE)


def test_giacs_own_syntax() -> None:
    code = 'f(x):={ local y; y:=x; return y; };\na:=1:;b:=2:\nx>0?1:2; // c;\n"a;b"; /* ;\n */ c'
    assert parts(code, GIAC) == [
        ("f(x):={ local y; y:=x; return y; }", 1, False),
        ("a:=1", 2, True),
        ("b:=2", 2, True),
        ("x>0?1:2", 3, False),
        ('"a;b"', 4, False),
        ("c", 5, False),
    ]


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("x := 1;", "complete", ""),
        ("x := 1", "incomplete", ""),
        ("x := 1\n\n", "complete", ""),
        ("f := proc(x)\n", "incomplete", "  "),
        ("f := proc(x)\n for i to 3 do", "incomplete", "    "),
        ("f := proc(x) x end proc:", "complete", ""),
        ("end do;", "invalid", ""),
        ('"abc', "incomplete", ""),
        ("", "complete", ""),
    ],
)
def test_completeness(code: str, status: str, indent: str) -> None:
    found = check_complete(code, MAPLE)
    assert (found.status, found.indent) == (status, indent)


@given(st.integers() | st.integers(10**5000, 10**5100).map(lambda n: -n))
def test_integers_of_any_length(value: int) -> None:
    assert read_integer(write_integer(value)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-12", -12),
        ("1/3", Fraction(1, 3)),
        ("-0x1.999999999998p-4", float.fromhex("-0x1.999999999998p-4")),
        (".1e-5", 1e-6),
        ("5.", 5.0),
        ("1.5+2*I", 1.5 + 2j),
        ("-i", -1j),
        ("I/2", 0.5j),
        ("-(1+4*I)/2", -0.5 - 2j),
        ("(1+4*I)/3", "(1+4*I)/3"),
        ("0x1.8p+0-0x1.4p+1*i", 1.5 - 2.5j),
        ("0.12345678901234567890123456789", Decimal("0.12345678901234567890123456789")),
        ('"a"",[b"', 'a",[b'),
        ('[1,["a, ]",true],[]]', [1, ["a, ]", True], []]),
        ("{1,x}", {1, "x"}),
        ("set[1,2]", {1, 2}),
        ('table(\n"a" = 3,\n1 = [2,x]\n)', {"a": 3, 1: [2, "x"]}),
        ("table()", {}),
        ("everest_text([208,159, 10])", "П\n"),
        ("everest_complex(.5,-2)", 0.5 - 2j),
        ("x^2+[1,2]", "x^2+[1,2]"),
        ("0x1.8p+0*x", "1.5*x"),
        ("1/3*I+x", "1/3*I+x"),
        ("1/3+I", "1/3+I"),
        ("infinity", float("inf")),
        ("-Float(infinity)", -float("inf")),
    ],
)
def test_expressions(text: str, value: Any) -> None:
    found = read_expression(text)
    assert found == value
    assert isinstance(found, type(value))


def test_matrices_have_the_smallest_type_that_is_exact() -> None:
    assert read_expression("matrix[[1,2],[3,4]]").dtype == np.int64
    assert read_expression("matrix[[1,.5],[3,4]]").dtype == np.float64
    assert read_expression("matrix[[1,I]]").dtype == np.complex128
    assert read_expression(f"matrix[[1,{2**70}]]").tolist() == [[1, 2**70]]
    assert read_expression(f"matrix[[.5,{2**60 + 1}]]").dtype == object
    assert read_expression("matrix[[1/3,x]]").tolist() == [[Fraction(1, 3), "x"]]
    assert read_expression("everest_vector(1,2)").tolist() == [1, 2]


def test_named_values() -> None:
    found = read_named_values('a [1,2]\nb ["x]\n"]\nc []\n')
    assert {name: items for name, (items, _) in found.items()} == {"a": [1, 2], "b": ["x]\n"], "c": []}
    assert read_named_values("a [everest_text([239])]", "cp1251")["a"][0] == ["п"]


@given(st.text('[](){}",=1a. %/I', max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_named_values(f"x [{text}]")
    except UnreadableError:
        assert text


EXPRESSIONS = st.recursive(
    st.integers(0, 99).map(str) | st.sampled_from(["x", "y", "Pi", "I", "0.5"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
        st.tuples(st.sampled_from(["sin", "exp", "f", "BesselJ"]), inner, inner).map(
            lambda p: f"{p[0]}({p[1]},{p[2]})" if p[0] in ("f", "BesselJ") else f"{p[0]}({p[1]})"
        ),
    ),
    max_leaves=6,
)


@given(EXPRESSIONS)
def test_sympy_reads_what_is_written(text: str) -> None:
    sympy = pytest.importorskip("sympy")
    names = {"x": sympy.Symbol("x"), "y": sympy.Symbol("y"), "Pi": sympy.pi, "BesselJ": sympy.besselj}
    expected = sympy.sympify(text, locals={**names, "f": sympy.Function("f")})
    assert sympy.simplify(to_sympy(text, frozenset("I")) - expected) == 0


def test_sympy_has_functions_equations_and_derivatives() -> None:
    sympy = pytest.importorskip("sympy")
    x = sympy.Symbol("x")
    assert to_sympy("2*arctan(x)^2!-ln(3)", frozenset("I")) == 2 * sympy.atan(x) ** 2 - sympy.log(3)
    assert to_sympy("-x^-2", frozenset("I")) == -(x**-2)
    assert to_sympy("x = 3", frozenset("I")) == sympy.Eq(x, 3)
    assert to_sympy("diff(g(x),x)", frozenset("I")) == sympy.Derivative(sympy.Function("g")(x), x)
    for text in ("x;y", "proc(x) x end", "(" * 400 + "x", "x y", "[1", "__import__('os')"):
        with pytest.raises(UnreadableError):
            to_sympy(text, frozenset("I"))
