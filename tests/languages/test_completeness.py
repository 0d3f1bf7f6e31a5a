"""Whether texts in the shell's language, Octave's and Python's are complete."""

from __future__ import annotations

import subprocess
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from everest_kernel.languages.octave.completeness import check as octave
from everest_kernel.languages.python.completeness import check as python
from everest_kernel.languages.shell.completeness import check as shell

SHELL_COMPLETE = [
    "",
    "echo a",
    "if true; then\n  echo a\nfi",
    "for i in 1 2; do echo $i; done",
    'echo "a $(b "c") d"',
    "cat <<EOF\nfoo\nEOF\n",
    "cat <<-'E F' | wc\n\tx\n\tE F\necho",
    "cat <<A <<B\n1\nA\n2\nB\n",
    "f() { echo; }",
    "case $x in\n a) echo ;;\n (*) b;;\nesac",
    "case x in esac",
    "a \\\nb",
    "a \\\n\n",
    "echo `date`",
    "x=$((1<<2))",
    'echo ${x:-"a}"}',
    "( a; b )",
    "{ if a; then b; fi }",
    "echo if then",
    "echo done }",
    "while read -r l; do echo; done < f",
    "echo don\\'t # it's",
    "x='a\nb'",
    "echo a#b",
    "echo привет",
]
SHELL_OPEN = {
    "if true; then": "  ",
    "if a; then b; else": "  ",
    "  while true; do\n  x": "  ",
    "echo 'a": "",
    'echo "a $(b "c': "",
    "cat <<EOF\nfoo": "",
    "cat <<EOF\n": "",
    "f() {": "  ",
    "case x in\n  a) b": "  ",
    "a |": "",
    "a && # c": "",
    "a ||\n\n": "",
    "a \\": "",
    "echo `date": "",
    "echo ${x": "",
    "(a": "",
    "echo a#b 'c": "",
}
SHELL_WRONG = ["done", "if a; then b; done", "a )", "{ a; fi"]


@pytest.mark.parametrize("code", SHELL_COMPLETE)
def test_complete_shell(code: str) -> None:
    assert shell(code).status == shell(code.replace("\n", "\r\n")).status == "complete"
    assert subprocess.run(["sh", "-n"], input=code, text=True, timeout=20).returncode == 0


@pytest.mark.parametrize("code", SHELL_OPEN)
def test_open_shell(code: str) -> None:
    found = shell(code)
    assert (found.status, found.indent) == ("incomplete", SHELL_OPEN[code])


@pytest.mark.parametrize("code", SHELL_WRONG)
def test_wrong_shell(code: str) -> None:
    assert shell(code).status == "invalid"
    assert subprocess.run(["sh", "-n"], input=code, text=True, capture_output=True, timeout=20).returncode != 0


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("", "complete", ""),
        ("x = 1", "complete", ""),
        ("if x", "incomplete", "  "),
        ("if x\n  y=1;\nelse", "incomplete", "  "),
        ("if x\n  y=1;\nend", "complete", ""),
        ("for i=1:3 disp(i); end", "complete", ""),
        ("for i=1:3\n  if i", "incomplete", "    "),
        ("x = [1 2", "incomplete", ""),
        ("x = {1, (2", "incomplete", ""),
        ("x = [1, 2)", "invalid", ""),
        ("a' * b'", "complete", ""),
        ("[a' b'] + [a 'b']", "complete", ""),
        ("x = a(1)'; y = b.'; z = c''", "complete", ""),
        ("s = 'it''s'; t = \"a \\\" b\"", "complete", ""),
        ("'abc", "invalid", ""),
        ("x(end) = c{end}(1); s.end = 1", "complete", ""),
        ("%{\nif", "incomplete", ""),
        ("%{\nif\n#{\n#}\n%}", "complete", ""),
        ("x = 1; % if [\n# for (", "complete", ""),
        ("x = 1 + ...", "incomplete", ""),
        ("x = 1 + ... why\n", "incomplete", ""),
        ("x = 1 + ...\n2", "complete", ""),
        ("do\n x++;\nuntil x>3", "complete", ""),
        ("function f()\n  x", "incomplete", "  "),
        ("try\n a\ncatch e\n b\nend_try_catch", "complete", ""),
        ("if x, endfor", "invalid", ""),
        ("end", "invalid", ""),
        ("длина = 3;", "complete", ""),
        ("if x\r\n  y\r\nend\r\n", "complete", ""),
    ],
)
def test_octave(code: str, status: str, indent: str) -> None:
    found = octave(code)
    assert (found.status, found.indent) == (status, indent)


@pytest.mark.parametrize(
    ("code", "status", "indent"),
    [
        ("x = 1", "complete", ""),
        ("for i in x:", "incomplete", "    "),
        ("x = = 1", "invalid", ""),
        ("(" * 5, "incomplete", ""),
        ("%time x", "invalid", ""),
    ],
)
def test_python(code: str, status: str, indent: str) -> None:
    found = python(code)
    assert (found.status, found.indent) == (status, indent)


PIECES = (
    r"if then fi for do done case in esac { } ( ) $( ${ ' \" ` \ <<E E ; | && #",
    "end [ ] ... %{ %} function x 1 $ until switch endif",
)
WORDS = [piece for line in PIECES for piece in line.split()]
TEXTS = st.lists(st.sampled_from([*WORDS, " ", "\n"]) | st.text(max_size=3), max_size=30).map("".join)


@pytest.mark.parametrize("check", [shell, octave])
@given(code=TEXTS)
def test_any_text_gets_an_answer(check: object, code: str) -> None:
    found = check(code)  # type: ignore[operator]
    assert found.status in ("complete", "incomplete", "invalid")
    assert found.indent.strip() == ""


@given(code=TEXTS)
@example(code="x\x1cy")
def test_any_python_text_gets_an_answer(code: str) -> None:
    assert python(code).status in ("complete", "incomplete", "invalid", "unknown")


@pytest.mark.parametrize("check", [shell, octave])
@pytest.mark.parametrize(
    "piece", ["(", "x", "'", '"', "$((", "<<E\n", "if ", "%{\n", "...", "\\", "`", '"$(', "[", "' ", "\n", " "]
)
def test_long_texts_are_quick(check: object, piece: str) -> None:
    began = time.perf_counter()
    check(piece * 20_000)  # type: ignore[operator]
    assert time.perf_counter() - began < 2  # seconds: far below what a quadratic search takes
