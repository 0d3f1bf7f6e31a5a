"""C++: values, errors, files and the cache of compiled programs, with the true compiler."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from everest_kernel.languages import CellRequest, Language, StagedFile, Text
from everest_kernel.languages.cpp import CppLanguage
from everest_kernel.languages.cpp.diagnostics import error_stream
from everest_kernel.languages.cpp.pieces import split
from everest_kernel.languages.cpp.scanner import ScanError, check_complete, scan
from everest_kernel.wire import CellOptionError, ConfigurationError, ValueRefusedError

from .running import Ran, located, run_cell

pytestmark = pytest.mark.system("g++")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LONG = st.integers(-(2**63), 2**63 - 1)
TYPES = ["f8", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?", "c16", "c8"]
SHAPES = st.one_of(st.tuples(st.integers(1, 4), st.integers(0, 4)), st.just((0, 0)))


@pytest.fixture(scope="module")
def cpp() -> Language:
    return located(CppLanguage())


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tests that need no empty one: what all cells share is compiled once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cached(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(shared_cache))


def same(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray):
        a = np.array(a, b.dtype) if isinstance(a, list) else a
        alike = a.shape == b.shape and a.dtype == b.dtype
        return alike and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (float, complex)):
        return type(a) is type(b) and np.array_equal(np.complex128(a), np.complex128(b), equal_nan=True)
    return type(a) is type(b) and bool(a == b)


# --- values


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {
            "b": st.booleans(),
            "i": LONG,
            "u": st.integers(2**63, 2**64 - 1),
            "f": st.floats(),
            "z": st.complex_numbers(),
            "s": TEXT,
            "fs": st.lists(st.floats(), min_size=1, max_size=4),
            "ls": st.lists(LONG, min_size=1, max_size=4),
            "bs": st.lists(st.booleans(), min_size=1, max_size=4),
            "ss": st.lists(TEXT, min_size=1, max_size=4),
            "lss": st.lists(st.lists(TEXT, max_size=2), min_size=1, max_size=3).filter(lambda ls: any(ls)),
            "m": st.dictionaries(TEXT, st.lists(TEXT, min_size=1, max_size=2), min_size=1, max_size=3),
            "mm": st.dictionaries(TEXT, st.dictionaries(TEXT, st.floats(), min_size=1), min_size=1, max_size=2),
        }
    )
)
def test_values_come_back_as_they_went(cpp: Language, cached: None, tmp_path: Path, values: dict[str, Any]) -> None:
    """One program, compiled once, for all examples."""
    ran = run_cell(cpp, tmp_path / "t", "", inputs=values, out_named=tuple(sorted(values)))
    assert (ran.status, ran.stderr, ran.back.problems) == (0, "", [])
    for name, value in values.items():
        assert same(value, ran.back.values[name]), name


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries(
        {f"v{i}": st_numpy.arrays(np.dtype(kind), SHAPES) for i, kind in enumerate(TYPES)}
        | {"one": st_numpy.arrays("f8", st.integers(0, 5)), "three": st_numpy.arrays("i4", (2, 3, 2))}
    ),
    st.booleans(),
)
def test_arrays_come_back_bit_for_bit(
    cpp: Language, cached: None, tmp_path: Path, arrays: dict[str, Any], in_files: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if in_files:
            patch.setattr("everest_kernel.languages.cpp.values.INLINE_NUMBERS", -1)
        ran = run_cell(cpp, tmp_path / "t", "", inputs=arrays, out_named=tuple(sorted(arrays)))
    assert (ran.status, ran.stderr, ran.back.problems) == (0, "", [])
    for name, array in arrays.items():
        assert same(array, ran.back.values[name]), name


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "bool"),
        (-(2**63), "long long"),
        (2**63, "unsigned long long"),
        (1.5, "double"),
        (1j, "std::complex<double>"),
        ("x", "std::string"),
        ([1, 2], "std::vector<long long>"),
        ([1, 2**63], "std::vector<unsigned long long>"),
        ((1, 2.5), "std::vector<double>"),
        ([1, 1j], "std::vector<std::complex<double>>"),
        ([], "std::vector<double>"),
        ([[], ["x"]], "std::vector<std::vector<std::string>>"),
        ([{"a": []}, {}], "std::vector<std::map<std::string, std::vector<double>>>"),
        ({"a": {"b": 1}}, "std::map<std::string, std::map<std::string, long long>>"),
        (np.float32(1), "float"),
        (np.int16(1), "std::int16_t"),
        (np.zeros((2, 3)), "std::vector<std::vector<double>>"),
        (np.zeros(2, "u1"), "std::vector<std::uint8_t>"),
        (np.zeros((1, 1, 1), bool), "std::vector<std::vector<std::vector<bool>>>"),
    ],
)
def test_types_of_variables(value: Any, kind: str) -> None:
    assert f"\n{kind} v = " in CppLanguage().render(CellRequest("", inputs={"v": value})).text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "NoneType"),
        (2**64, "64 bits"),
        ([-1, 2**63], "64 bits"),
        ([2**60, 0.5], "more digits"),
        (b"x", "bytes"),
        ([1, "x"], "one type in C\\+\\+; these would be long long and std::string"),
        ([True, 1], "one type"),
        ({1: 1}, "the key 1 is not a text"),
        ({1, 2}, "set"),
        (np.array(["x"]), "<U1"),
        (np.array([object()]), "object"),
        (np.zeros(1, "f2"), "float16"),
        (np.zeros((0, 3)), "lose its shape"),
        ("\ud800", "utf-8 does not have"),
    ],
)
def test_what_cpp_cannot_hold_is_refused_by_name(value: Any, why: str) -> None:
    with pytest.raises(ValueRefusedError, match=f"^v: .*{why}"):
        CppLanguage().render(CellRequest("", inputs={"v": value}))


@pytest.mark.parametrize("name", ["class", "co_await", "std", "main", "everest_x", "_X", "a__b", "ф", "new", "xor"])
def test_names_that_cpp_cannot_have(name: str) -> None:
    for request in (CellRequest("", inputs={name: 1}), CellRequest("", out_named=(name,))):
        with pytest.raises(CellOptionError, match="cannot be the name"):
            CppLanguage().render(request)


def test_types_of_results(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = """\
#include <array>
#include <complex>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <valarray>
#include <vector>
std::array<std::array<int, 2>, 3> grid{{{1, 2}, {3, 4}, {5, 6}}};
int raw[2][2] = {{1, 2}, {3, 4}};
std::valarray<double> val{1, 2};
std::deque<float> deque{1.5f};
std::vector<std::complex<float>> waves{{1, 2}};
std::vector<std::vector<int>> ragged{{1}, {2, 3}};
std::set<std::string> words{"b", "a"};
std::unordered_map<std::string, int> counts{{"я", 1}};
std::tuple<int, std::string, std::pair<double, bool>> mixed{1, "s", {2.5, true}};
std::vector<std::pair<int, std::string>> pairs{{1, "a"}};
std::optional<int> full = 3, none;
std::string_view view = "view";
char buffer[10] = "hi", letter = 'x';
const char *pointer = "p";
enum class Color { red, green } color = Color::green;
long double exact = 0.5L;
unsigned long long large = ~0ULL;
auto nothing = nullptr;
"""
    names = "grid raw val deque waves ragged words counts mixed pairs full none view buffer letter pointer color exact"
    ran = run_cell(cpp, tmp_path / "t", code, out_named=(*names.split(), "large", "nothing"))
    assert (ran.error, ran.back.problems) == ("", [])
    values = ran.back.values
    assert values.pop("grid").tolist() == [[1, 2], [3, 4], [5, 6]]
    assert values.pop("raw").dtype == np.int32
    assert values.pop("val").tolist() == [1.0, 2.0]
    assert values.pop("deque").dtype == np.float32
    assert values.pop("waves").dtype == np.complex64
    assert [part.tolist() for part in values.pop("ragged")] == [[1], [2, 3]]
    assert values == {
        "words": ["a", "b"], "counts": {"я": 1}, "mixed": [1, "s", [2.5, True]], "pairs": [[1, "a"]], "full": 3,
        "none": None, "view": "view", "buffer": "hi", "letter": "x", "pointer": "p", "color": 1, "exact": 0.5,
        "large": 2**64 - 1, "nothing": None,
    }  # fmt: skip


def test_what_cannot_come_back_is_named_and_the_rest_comes(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = '#include <string>\nlong double x = 0.1L;\nstd::string y = "\\xff";\nint z = 1;'
    back = run_cell(cpp, tmp_path / "t", code, out_named=("x", "y", "z")).back
    assert back.values == {"z": 1}
    assert [problem.partition(":")[0] for problem in back.problems] == ["x", "y"]
    assert "more digits" in back.problems[0]
    assert "not UTF-8" in back.problems[1]


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("std::thread x;", "x: a value of type std::thread cannot travel"),
        ("std::map<int, int> x;", "x: a value of type std::map<int, int> cannot travel"),
        ("std::vector<std::thread> x;", "x: a value of type std::vector<std::thread> cannot travel"),
        ("std::filesystem::path x;", "x: a value of type std::filesystem::path cannot travel"),
        ("int y;", "x: the cell has no variable of this name"),
    ],
)
def test_a_wrong_output_is_found_by_the_compiler(
    cpp: Language, cached: None, tmp_path: Path, declared: str, said: str
) -> None:
    code = f"#include <filesystem>\n#include <map>\n#include <thread>\n#include <vector>\n{declared}"
    ran = run_cell(cpp, tmp_path / "t", code, out_named=("x",))
    assert (ran.status, ran.error, ran.stderr) == (1, said, f"error: {said}\n")


def test_texts_are_in_the_encoding_of_the_resource(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = '#include <cstdio>\n// Комментарий\nint n = a.size();\nauto b = a + "я";\nstd::printf("%s", "ж");'
    language = cpp.configured({"encoding": "cp1251"})
    ran = run_cell(language, tmp_path / "t", code, inputs={"a": "Привет"}, out_named=("n", "b"))
    assert ran.back.values == {"n": 6, "b": "Приветя"}
    assert ran.stdout == "ж"
    ran = run_cell(language, tmp_path / "t", '// Комментарий\nint n = "я" * q;')
    assert ran.error == "'q' was not declared in this scope (line 2 of the cell)"
    assert 'int n = "я" * q;' in ran.stderr


# --- the two forms of a cell


def test_a_cell_without_main_is_run_as_a_body(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = """\
#include <vector>
#include <cmath>
using namespace std;
#define TWICE(x) (2 * (x))
const int N = 4;
constexpr double h = 1.0 / N;
struct Point { double x, y; };
template <class T> T scale(T v) { return TWICE(v) * N; }
double right_side(double t) { return t * ::beta + N; } // inputs and constants are known to functions
namespace inner { int three() { return 3; } }
enum Color { red, green };
Point p{1, 2};
vector<double> w(N);
auto add = [&](double q) { return q + p.y; };
for (auto &e : w) e = add(right_side(1));
if (w[0] > 1) { p.x = scale(p.x); } else p.x = 0;
int a = inner::three(), c = green;
double b = beta; // not std::beta
"""
    names = ("w", "a", "b", "c")
    ran = run_cell(cpp, tmp_path / "t", code + "double px = p.x;", inputs={"beta": 0.5}, out_named=(*names, "px"))
    assert ran.stderr == ""
    assert ran.back.values.pop("w").tolist() == [6.5] * 4
    assert ran.back.values == {"a": 3, "b": 0.5, "c": 1, "px": 8.0}


def test_a_cell_with_main_is_compiled_as_it_is(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = """\
#include <iostream>
#include <vector>
namespace { std::vector<double> y; }
static int calls;
struct Last { ~Last() { std::cout << "gone"; } } last;
int main(int argc, char **argv) {
    for (double v : x) y.push_back(v * argc);
    std::cout << "here ";
    calls++;
}
"""
    ran = run_cell(cpp, tmp_path / "t", code, inputs={"x": [1.0, 2.0]}, out_named=("y", "calls"))
    assert (ran.status, ran.stdout, ran.back.values.pop("y").tolist()) == (0, "here gone", [1.0, 2.0])
    assert ran.back.values == {"calls": 1}


@pytest.mark.parametrize(("status", "values"), [(0, {"n": 5}), (3, {})])
def test_exit_from_main(cpp: Language, cached: None, tmp_path: Path, status: int, values: dict[str, int]) -> None:
    code = f"#include <cstdlib>\nint n;\nvoid leave() {{ n = 5; std::exit({status}); }}\nint main() {{ leave(); }}"
    ran = run_cell(cpp, tmp_path / "t", code, out_named=("n",))
    assert (ran.status, ran.back.values) == (status, values)


def test_values_go_where_the_task_is_whatever_the_program_does(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = '#include <sys/wait.h>\n#include <unistd.h>\n#include <clocale>\nint n = 1;\nint main() {\n  chdir("/");\n'
    code += "  if (fork() == 0) { n = 2; return 0; }\n  wait(nullptr);\n}"
    ran = run_cell(cpp, tmp_path / "t", code, out_named=("n",))
    assert (ran.status, ran.back.values) == (0, {"n": 1})


def test_a_cell_that_leaves_early_has_not_succeeded(cpp: Language, cached: None, tmp_path: Path) -> None:
    ran = run_cell(cpp, tmp_path / "t", "int n = 1;\nif (n) return 0;\nn = 2;", out_named=("n",))
    assert (ran.status, ran.back.finished) == (1, False)
    assert "before the end of the cell" in ran.error
    assert run_cell(cpp, tmp_path / "t", "return 0;").status == 0  # with nothing to bring there is no harm
    assert run_cell(cpp, tmp_path / "t", "#include <cstdlib>\nstd::_Exit(0);").status == 1
    assert run_cell(cpp, tmp_path / "t", "return 3;").status == 3


@pytest.mark.parametrize(
    ("code", "outside"),
    [
        ("int f(int a) const noexcept { return a; }", True),
        ("auto f(int a) -> std::vector<int> { return {a}; }", True),
        ("Foo::Foo(int a) : x(a), y{a} { run(); }", True),
        ("template <class T = int> struct A { T a; };", True),
        ("bool operator==(const A &a, const A &b) { return true; }", True),
        ("struct A { int b; } a{1};", True),
        ("[[nodiscard]] static inline int f() { return 1; }", True),
        ('extern "C" { int f(); }', True),
        ("typedef std::vector<int> V;", True),
        ("const std::vector<double> w = {1, 2};", True),
        ("const double t = now();", False),
        ("auto f = [](int a) { return a; };", False),
        ("std::cout << [&](int x) { return x; }(3);", False),
        ("std::sort(v.begin(), v.end(), [](int a, int b) { return a < b; });", False),
        ("for (int i = 0; i < 3; i++) { f(i); }", False),
        ("std::vector<int> v{1, 2};", False),
        ("int a[] = {1, 2};", False),
        ("FOREACH(x, y) { f(x); }", False),
        ("{ int a; }", False),
        ("struct A a = {1};", False),
    ],
)
def test_what_stands_outside_of_the_body(code: str, outside: bool) -> None:
    pieces = split(code)
    assert (pieces.outside.strip(), pieces.inside.strip()) == ((code, "") if outside else ("", code))


def test_a_constant_that_depends_on_a_variable_stays_with_it() -> None:
    pieces = split("double T = 2;\nconst double h = 1 / T;\nconst int n = 3;")
    assert pieces.inside.split("\n")[:2] == ["double T = 2;", "const double h = 1 / T;"]
    assert pieces.outside.split("\n") == [" " * 13, " " * 23, "const int n = 3;"]


@given(st.text(alphabet=" \n\r\\/*\"'#(){}[];:=<>ab1R.", max_size=40))
def test_any_text_can_be_split_and_keeps_its_lines(code: str) -> None:
    pieces = split(code)
    for part in (pieces.head, pieces.outside, pieces.inside):
        assert code.startswith(part) or len(part) <= len(code)
        for there, here in zip(part, code, strict=False):
            assert there == here or (there == " " and here not in "\r\n")
    try:
        tokens = scan(code)
    except ScanError:
        return
    assert all(code[token.start : token.end] == token.text for token in tokens)


# --- errors


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("int x = 1;\n\nint y = z;", "‘z’ was not declared in this scope (line 3 of the cell)"),
        ("int x = 1;\nint f() {\n  return x;\n}", "‘x’ was not declared in this scope (line 3 of the cell)"),
        ("int x = 1\nint y;", "before ‘int’ (line 2 of the cell)"),
        ("int x = 1;\nfor (;;) {\n  x++;", "expected ‘}’ at end of input (line 3 of the cell)"),
        ("int x = 1;\nx++;\n}\nint y;", "a closing bracket that closes nothing (line 3 of the cell)"),
        ("int main() {\n  int x = q;\n}", "(line 2 of the cell)"),
        ('#include "none.h"\n', "none.h: No such file or directory (line 1 of the cell)"),
        ("// Комментарий\r\nint x = 1;\r\nx = y;\r\n", "‘y’ was not declared in this scope (line 3 of the cell)"),
        ("int x = 1;\n/* never", "unterminated comment (line 2 of the cell)"),
        ('int x = 1;\nauto s = "text;', '(line 2 of the cell)'),
        ("y := proc(x) return x end proc;", "(line 1 of the cell)"),
        (
            "#include <algorithm>\n#include <vector>\nstruct A {};\n\nstd::vector<A> v(3);\n"
            "std::sort(v.begin(), v.end());",
            "no match for ‘operator<’ (operand types are ‘A’ and ‘A’) (line 6 of the cell)",
        ),
        ("#include <stdexcept>\nthrow std::runtime_error(\"Привет\");", "std::runtime_error: Привет"),
        ("throw 5;", "an exception of type int was not caught"),
        ("#include <cassert>\n\nassert(1 == 2);", "Assertion `1 == 2' failed (line 3 of the cell)"),
        ("void g();\ng();", "undefined reference to `g()'"),
        ("volatile int *p = nullptr;\n*p = 5;", "the program was killed by SIGSEGV"),
        ("#include <csignal>\nraise(SIGFPE);", "the program was killed by SIGFPE (such as an integer divided by 0"),
        ("#include <cstdlib>\nstd::abort();", "the program was killed by SIGABRT"),
    ],
)  # fmt: skip
def test_an_error_names_the_cells_own_line(cpp: Language, cached: None, tmp_path: Path, code: str, said: str) -> None:
    ran = run_cell(cpp, tmp_path / "t", code)
    assert ran.status != 0
    assert said in ran.error, ran.stderr
    assert "everest" not in ran.stderr.replace("everest-program: cell.cpp", "")
    assert "program.sh" not in ran.stderr


def test_an_error_in_a_header_of_the_users(cpp: Language, cached: None, tmp_path: Path) -> None:
    files = {"staged": {"file-1": b"\nint f() { return q; }\n"}, "files": (StagedFile("file-1", "own/u.h"),)}
    ran = run_cell(cpp, tmp_path / "t", 'int x;\n#include "own/u.h"', **files)  # type: ignore[arg-type]
    assert ran.error == "‘q’ was not declared in this scope (line 2 of u.h, included by line 2 of the cell)"


def test_an_input_that_the_library_has_already(cpp: Language, cached: None, tmp_path: Path) -> None:
    ran = run_cell(cpp, tmp_path / "t", "#include <math.h>\nint main() {}", inputs={"y1": 1.0})
    assert ran.error.startswith("y1: an input cannot have this name here: ‘double y1’ redeclared")


def test_sanitizers_say_the_line(cpp: Language, cached: None, tmp_path: Path) -> None:
    language = cpp.configured({"flags": "-g -fsanitize=undefined -fno-sanitize-recover"})
    ran = run_cell(language, tmp_path / "t", "int n = 0;\n\nint m = 5 / n;\nreturn m;")
    assert ran.error == "division by zero (line 3 of the cell)"


def test_what_clang_says() -> None:
    """In the form of clang++, which says afterwards who asked for a template; not taken from a run."""
    stream = error_stream("cell.cpp")
    stream.feed("stderr", b"/usr/include/c++/12/bits/predefined_ops.h:45:23: error: invalid operands to binary expr")
    stream.feed("stderr", b"ession ('A' and 'A')\n      { return *__it1 < *__it2; }\n")
    stream.feed("stderr", b"cell.cpp:6:6: note: in instantiation of function template specialization 'std::sort<A>' ")
    assert stream.feed("stderr", b"requested here\n") == [Text("stderr", b"requested here\n")]
    assert stream.error == "invalid operands to binary expression ('A' and 'A') (line 6 of the cell)"
    stream = error_stream("cell.cpp")
    stream.feed("stderr", b"libc++abi: terminating with uncaught exception of type std::runtime_error: no\n")
    assert stream.error == "std::runtime_error: no"


def test_there_is_no_compiler(tmp_path: Path) -> None:
    ran = run_cell(CppLanguage(program="no-such-g++"), tmp_path / "t", "")
    assert ran.status == 127
    assert ran.error.startswith("there is no C++ compiler 'no-such-g++' on this resource")


# --- input, output, files


def test_standard_input_is_at_its_end(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = "#include <iostream>\nint n = 7;\nbool got = bool(std::cin >> n);"
    assert run_cell(cpp, tmp_path / "t", code, out_named=("n", "got")).back.values == {"n": 7, "got": False}


def test_cyrillic_line_ends_of_windows_and_no_last_line_end(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = '#include <iostream>\r\n#define A 1 \\\r\n + 2\r\n// Метод\r\nstd::cout << "Привет " << A;'
    assert run_cell(cpp, tmp_path / "t", code).stdout == "Привет 3"


def test_lines_are_shown_while_the_program_runs(cpp: Language, cached: None, tmp_path: Path) -> None:
    source = (
        "#include <cstdio>\n#include <iostream>\n#include <unistd.h>\n"
        'std::cout << "first\\n";\nstd::printf("second\\n");\npause();'
    )
    program = cpp.render(CellRequest(source))
    folder = tmp_path / "live"
    folder.mkdir()
    (folder / cpp.program_file).write_text(program.text)
    (folder / cpp.cell_file).write_text(program.cell)
    with subprocess.Popen(["sh", cpp.program_file], cwd=folder, stdout=subprocess.PIPE, start_new_session=True) as run:
        assert run.stdout is not None
        assert [run.stdout.readline(), run.stdout.readline()] == [b"first\n", b"second\n"]
        os.killpg(run.pid, 9)


def test_files_go_in_and_come_out(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = '#include <fstream>\n#include "data/n.h"\nstd::ofstream("b.txt") << N;\nstd::ofstream("p.svg") << "<svg/>";'
    files = (StagedFile("file-1", "data/n.h"),)
    staged = {"file-1": b"#define N 5\n"}
    ran = run_cell(cpp, tmp_path / "t", code, staged=staged, files=files, fetch=("*.txt", "*.cpp", "everest*"))
    assert ran.fetched == {"b.txt": b"5"}
    assert [picture.data["image/svg+xml"] for picture in ran.pictures] == ["<svg/>"]
    assert ran.back.problems == ["no file matches --fetch '*.cpp'", "no file matches --fetch 'everest*'"]


def test_large_inputs_go_in_files(cpp: Language, cached: None, tmp_path: Path) -> None:
    array, text = np.random.default_rng(1).normal(size=(300, 200)), "я" * 100_000
    ran = run_cell(cpp, tmp_path / "t", "auto b = a; auto u = t;", inputs={"a": array, "t": text}, out_named=("b", "u"))
    assert np.array_equal(ran.back.values["b"], array)
    assert ran.back.values["u"] == text
    program = CppLanguage().render(CellRequest("", inputs={"a": array, "t": text}))
    assert len(program.text) < 60_000
    assert program.sizes["a"] > array.nbytes


def test_100_mb_of_output_end(cpp: Language, cached: None, tmp_path: Path) -> None:
    code = "#include <cstdio>\n#include <string>\nstd::string s(99'999, 'x');\n"
    code += "for (int i = 0; i < 1000; i++) std::puts(s.c_str());\nint n = 1;"
    ran = run_cell(cpp, tmp_path / "t", code, out_named=("n",))
    assert (ran.status, len(ran.stdout), ran.back.values) == (0, 100_000_000, {"n": 1})


# --- settings


def test_settings(tmp_path: Path) -> None:
    language = CppLanguage().configured(
        {"standard": "c++20", "flags": "-O3 -DA='x y'", "include": "inc", "libraries": ["curl", "-L/opt", "./lib/a.o"]}
    )
    text = language.render(CellRequest("")).text
    assert """everest_flags() { "$@" -std=c++20 -O3 '-DA=x y' -Iinc -pthread; }""" in text
    assert """everest_libraries() { "$@" -lcurl -L/opt ./lib/a.o; }""" in text
    assert CppLanguage().configured({"program": "clang++"}).runs == "clang++ -std=c++17 -O2 cell.cpp"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"standard": "c++11"}, "standard of cpp"),
        ({"flags": "'"}, "flags of cpp"),
        ({"flag": "-g"}, "Did you mean 'flags'"),
    ],
)
def test_settings_that_are_none(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        CppLanguage().configured(given)


def test_windows_is_not_offered() -> None:
    with pytest.raises(ConfigurationError, match="POSIX"):
        CppLanguage(platform="windows").render(CellRequest(""))


# --- the cache


def cache_of(home: Path) -> list[str]:
    folder = home / "everest-kernel" / "cpp"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "own-cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home


@pytest.fixture
def counted(tmp_path: Path, cpp: Language) -> tuple[Language, Path]:
    """A compiler that notes each compilation."""
    log, wrapper = tmp_path / "compiled", tmp_path / "c++"
    real = cpp.runs.split()[0]
    wrapper.write_text(f'#!/bin/sh\ncase $1 in --version) ;; *) echo x >> "{log}" ;; esac\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    log.write_text("")
    return CppLanguage(program=str(wrapper)), log


def test_a_program_is_compiled_once_for_all_values(counted: tuple[Language, Path], cache: Path, tmp_path: Path) -> None:
    language, log = counted
    for number in range(3):
        ran = run_cell(language, tmp_path / "t", "int m = 2 * n;", inputs={"n": number}, out_named=("m",))
        assert ran.back.values == {"m": 2 * number}
    assert len(log.read_text().split()) == 2  # the program, and what all programs share
    run_cell(language, tmp_path / "t", "int m = 3 * n;", inputs={"n": 1}, out_named=("m",))
    assert len(log.read_text().split()) == 3
    run_cell(language.configured({"flags": "-O0"}), tmp_path / "t", "int m = 3 * n;", inputs={"n": 1}, out_named=("m",))
    assert len(log.read_text().split()) == 5
    folder = cache / "everest-kernel" / "cpp"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}


def test_a_header_that_changed_is_compiled_again(counted: tuple[Language, Path], cache: Path, tmp_path: Path) -> None:
    language, log = counted
    found = []
    for content in (b"#define N 1\n", b"#define N 2\n", b"#define N 1\n"):
        staged = {"f": content}
        files = (StagedFile("f", "n.h"),)
        code = '#include "n.h"\nint n = N;'
        found.append(run_cell(language, tmp_path / "t", code, staged=staged, files=files, out_named=("n",)).back.values)
    assert found == [{"n": 1}, {"n": 2}, {"n": 1}]
    assert len(log.read_text().split()) == 3


def test_many_tasks_at_once(cpp: Language, cache: Path, tmp_path: Path) -> None:
    ran: dict[int, Ran] = {}

    def run(number: int) -> None:
        ran[number] = run_cell(cpp, tmp_path / f"t{number}", "int m = n;", inputs={"n": number}, out_named=("m",))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number: one.back.values["m"] for number, one in ran.items()} == {number: number for number in range(6)}
    assert len(cache_of(cache)) == 3  # the program, its headers, and what all programs share; nothing half done


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_nothing_of_somebody_else_is_run(counted: tuple[Language, Path], cache: Path, tmp_path: Path) -> None:
    language, log = counted
    run_cell(language, tmp_path / "t", "int n = 1;", out_named=("n",))
    folder = cache / "everest-kernel" / "cpp"
    for path in folder.iterdir():
        if not path.suffix:
            path.write_text("#!/bin/sh\necho evil\n")
            os.chown(path, 12345, 12345)
    ran = run_cell(language, tmp_path / "t", "int n = 1;", out_named=("n",))
    assert (ran.stdout, ran.back.values) == ("", {"n": 1})
    assert len(log.read_text().split()) == 3
    os.chown(folder, 12345, 12345)
    ran = run_cell(language, tmp_path / "t", "int n = 1;", out_named=("n",))
    assert (ran.stdout, ran.back.values) == ("", {"n": 1})
    assert len(log.read_text().split()) == 5


@pytest.mark.parametrize("home", ["relative", "/proc/none"])
def test_without_a_cache_it_is_compiled_in_the_tasks_folder(
    cpp: Language, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", home)
    ran = run_cell(cpp, tmp_path / "t", "int n = 1;", out_named=("n",))
    assert (ran.stderr, ran.back.values) == ("", {"n": 1})


def test_the_oldest_programs_are_removed(cpp: Language, cache: Path, tmp_path: Path) -> None:
    folder = cache / "everest-kernel" / "cpp"
    folder.mkdir(parents=True)
    long_ago = time.time() - 1e6
    for number in range(450):
        path = folder / f"old{number:03d}"
        path.write_text("")
        os.utime(path, (long_ago + number, long_ago + number))
    run_cell(cpp, tmp_path / "t", "int n = 1;", out_named=("n",))
    names = cache_of(cache)
    assert len(names) == 400
    assert "old449" in names
    assert "old000" not in names
    large = folder / "old449"
    with large.open("wb") as stream:
        stream.truncate(600_000_000)
    os.utime(large, (long_ago, long_ago))
    run_cell(cpp, tmp_path / "t", "int n = 2;", out_named=("n",))
    assert "old449" not in cache_of(cache)


# --- in the editor


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("", "complete"),
        ("int x = 1;", "complete"),
        ("#include <vector>", "complete"),
        ("int f() {\n  return 1;\n}", "complete"),
        ("int f() {", "incomplete"),
        ("f(1,", "incomplete"),
        ("int x", "incomplete"),
        ("/* a", "incomplete"),
        ('auto s = R"(a', "incomplete"),
        ("#define A \\", "incomplete"),
        ("int x = 1; }", "invalid"),
        ("(]", "invalid"),
        ('auto s = "a', "invalid"),
        ("auto s = \"}\"; char c = '{'; // {\nint n = 1'000;", "complete"),
        ('auto s = R"x({)")x";', "complete"),
    ],
)
def test_whether_a_cell_is_complete(code: str, status: str) -> None:
    assert check_complete(code).status == status
