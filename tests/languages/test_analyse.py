"""Which names a Python cell takes and gives."""

from __future__ import annotations

import ast
import builtins

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages.python.analyse import find_names
from everest_kernel.wire import CellError

BUILTINS = set(dir(builtins))


@pytest.mark.parametrize(
    ("code", "free", "maybe", "assigned"),
    [
        ("y = x ** 2", "x", "", "y"),
        ("x = 1\ny = x", "", "", "x y"),
        ("print(len(range(3)))", "", "", ""),
        ("x += 1", "x", "", "x"),
        ("x: int = n\nz: float", "n", "", "x"),
        ("a, (b, *c) = d", "d", "", "a b c"),
        ("a[i] = v\nb.c = w", "v a i w b", "", "a b"),
        ("np.x = 1\nimport numpy as np", "np", "", ""),
        ("a.b[i[0]].c = 1", "a i", "", "a"),
        ("(n := 5)\nprint(n)", "", "", "n"),
        ("import numpy as np\nfrom os import path\nnp.x(path)", "", "", ""),
        ("for i in items:\n    total = i", "items", "", "i total"),
        ("if c:\n    x = 1\nprint(x)", "c", "x", "x"),
        ("if c:\n    x = 1\nelse:\n    x = 2\nprint(x)", "c", "", "x"),
        ("while c:\n    x = 1\nprint(x)", "c", "x", "x"),
        ("with open(f) as h:\n    t = h.read()", "f", "", "h t"),
        ("try:\n    x = 1\nexcept E as e:\n    print(e)\nprint(x)", "E", "x", "x"),
        ("def f(a, b=c):\n    return a + d", "c d", "", "f"),
        ("def f():\n    return later\nlater = 1", "", "later", "f later"),
        ("f = lambda a: a + k", "k", "", "f"),
        ("[u * m for u in us if u > t]", "us m t", "", ""),
        ("class C(Base):\n    y = w\n    def m(self): return g", "Base w g", "", "C"),
        ("def f():\n    global counter\n    counter = 1", "", "", "f counter"),
        ("del x", "x", "", ""),
        ("x = 1\ndel x\nprint(x)", "x", "", ""),
        ("_hidden = 1\nshown = 2", "", "", "shown"),
        ("@wrap\ndef f(): pass", "wrap", "", "f"),
        (
            "match p:\n    case [a, K(b=c), *r] if q: print(a, c, r)\n    case {'k': v, **w}: pass",
            "p K q",
            "",
            "a c r v w",
        ),
        ("async def f():\n    async for i in gen: yield i\nawait go()", "go gen", "", "f"),
        ("f'{name!r:>{width}}'", "name width", "", ""),
        ("def f():\n    def g(): return outer\n    inner = 1\n    return inner", "outer", "", "f"),
        ("", "", "", ""),
    ],
)
def test_names(code: str, free: str, maybe: str, assigned: str) -> None:
    names = find_names(code)
    assert set(names.free) - BUILTINS == set(free.split())
    assert set(names.maybe_free) == set(maybe.split())
    assert set(names.assigned) == set(assigned.split())


def test_builtins_are_named_because_the_user_may_have_replaced_them() -> None:
    assert find_names("id + len(sum)").free == ("id", "len", "sum")


def test_a_syntax_error_is_told_with_its_line() -> None:
    with pytest.raises(CellError, match=r"SyntaxError: .*\(line 2 of the cell: y = = 2\)"):
        find_names("x = 1\ny = = 2")


NAMES = st.sampled_from("abcde")
SIMPLE = st.one_of(
    st.tuples(NAMES, NAMES).map(lambda p: f"{p[0]} = {p[1]}"),
    NAMES.map(lambda n: f"{n} = 1"),
    NAMES.map(lambda n: f"str({n})"),
    st.tuples(NAMES, NAMES).map(lambda p: f"if bool({p[0]}): {p[1]} = 2"),
    st.tuples(NAMES, NAMES).map(lambda p: f"for {p[0]} in ({p[1]},): pass"),
    st.tuples(NAMES, NAMES).map(lambda p: f"def {p[0]}(): return {p[1]}"),
)


@given(st.lists(SIMPLE, max_size=6))
def test_a_cell_finds_every_name_that_it_needs(lines: list[str]) -> None:
    """With exactly the names that were found free or maybe free, no line fails for want of a name."""
    code = "\n".join(lines)
    names = find_names(code)
    needed = [name for name in (*names.free, *names.maybe_free) if name not in BUILTINS]
    namespace: dict[str, object] = dict.fromkeys(needed, 0)
    exec(compile(ast.parse(code), "cell", "exec"), namespace)
    for name in set(names.free) - BUILTINS:
        without: dict[str, object] = {k: 0 for k in needed if k != name}
        if f"return {name}" in code:
            continue  # needed when the function is called
        with pytest.raises(NameError):
            exec(compile(ast.parse(code), "cell", "exec"), without)
