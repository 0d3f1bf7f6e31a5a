"""The driver for Windows: its text, names that Windows has or has not, joined files; and, under wine, the whole."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import BatchLanguage, CellRequest, Main, Requirement, Returned, StagedFile, read_records
from everest_kernel.languages.drivers.windows_text import bare, code_page, command_line, windows_pattern
from everest_kernel.languages.joined import list_archive
from everest_kernel.languages.maple import MapleLanguage
from everest_kernel.languages.octave import OctaveLanguage
from everest_kernel.wire import CellOptionError, ConfigurationError, ProtocolError

from .plain import PlainLanguage
from .running import run_cell
from .wine import Wine

PLAIN = PlainLanguage(platform="windows")


@dataclass(frozen=True)
class Algebra(BatchLanguage):
    """Stands for a computer algebra system whose command is a batch file."""

    platform: str = "windows"
    program: str = "cmaple"

    name: ClassVar[str] = "algebra"
    suffix: ClassVar[str] = "mpl"
    requirement: ClassVar[Requirement] = Requirement(("cmaple",), "a computer algebra system")

    def main(self, request: CellRequest) -> Main:
        return Main(f"# Ляпунов\nread `{self.cell_file}`;\n", {"everest-value-0.txt": b"1 2\n"})

    def arguments(self) -> tuple[str, ...]:
        return "-q", self.main_file

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        read_records(content, back)


def program(files: tuple[StagedFile, ...] = (), fetch: tuple[str, ...] = (), language: BatchLanguage = PLAIN) -> str:
    return language.render(CellRequest("", files=files, fetch=fetch)).text


def joined(files: dict[str, bytes], root: str = "") -> bytes:
    """What the driver makes of files."""
    content, index = b"everest-files\r\n", f'15 "{root}"\r\n'
    for path, data in files.items():
        content += data
        index += f'{len(content)} "{path}"\r\n'
    return content + f"{index}index {len(content)}\r\n".encode()


def read_all(content: bytes) -> dict[str, bytes]:
    return {path: b"".join(file) for path, file in list_archive(io.BytesIO(content)).items()}


def test_the_program_runs_beside_the_main_program() -> None:
    rendered = OctaveLanguage(platform="windows").render(CellRequest("x = 1;"))
    assert "\r\ncall octave-cli --norc --no-history --quiet everest_main.m <NUL\r\n" in rendered.text
    assert b"everest_cell.m" in rendered.attachments["everest_main.m"]
    assert rendered.text.isascii()
    assert not re.search(r"[^\r]\n", rendered.text)


def test_the_code_page_is_that_of_the_encoding_while_the_program_runs() -> None:
    text = program(language=replace(PLAIN, encoding="cp1251"))
    pages = re.findall(r"chcp (\d+)|(call )", text)
    assert pages[:4] == [("65001", ""), ("1251", ""), ("", "call "), ("65001", "")]
    assert '\r\nmove /y "everest-cell.txt" "cell.txt" >nul\r\n' in text
    assert [code_page(name) for name in ("cp866", "utf-8", "latin-1", "koi8-r", "windows-1251")] == [
        *(866, 65001, 28591, 20866, 1251)
    ]
    with pytest.raises(ConfigurationError, match="no code page for the encoding 'utf-7'"):
        code_page("utf-7")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a b/é.txt", '"a b\\é.txt"'),
        ("100%.txt", '"100%%.txt"'),
        ("a!b^c&d.txt", '"a!b^c&d.txt"'),
        ("Ляпунов/(x).txt", '"Ляпунов\\(x).txt"'),
        ("com.txt", '"com.txt"'),
        ("nul_1/auxiliary", '"nul_1\\auxiliary"'),
    ],
)
def test_names_are_placed_as_they_are(path: str, expected: str) -> None:
    text = program((StagedFile("file-1", path),))
    assert f'\r\ncopy /y /b "file-1" {expected} >nul\r\n' in text
    assert '\r\ndel /f /q "file-1"\r\n' in text
    if "/" in path:
        folder = expected.rpartition("\\")[0] + '"'
        assert f"\r\nif not exist {folder} mkdir {folder}\r\n" in text


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ('a"b', "has '\"'"),
        ("a:b", "has ':'"),
        ("a\\b", "has"),
        ("x/what?", "has '?'"),
        ("a|b", "has"),
        ("a\tb", "has"),
        ("a.", "cannot end with '.'"),
        ("a /b", "cannot end with ' '"),
        ("nul", "is not the name of a file"),
        ("x/Com1.txt", "is not the name of a file"),
        ("aux.tar.gz", "is not the name of a file"),
        ("PROGRAM.cmd", "is one of ours"),
        ("Cell.txt", "is one of ours"),
        ("Everest-x", "begins like our own files"),
    ],
)
def test_names_that_windows_has_not_are_refused(path: str, why: str) -> None:
    with pytest.raises(CellOptionError, match=re.escape(why)):
        program((StagedFile("file-1", path),))


def test_names_that_differ_in_case_only_are_refused() -> None:
    with pytest.raises(CellOptionError, match=r"'a\.txt' is another file's name"):
        program((StagedFile("file-1", "A.txt"), StagedFile("file-2", "a.txt")))


def test_patterns_know_stars_and_question_marks_in_names_and_folders() -> None:
    text = program(fetch=("*.txt", "my out/100%/?.csv", "run*/deep/*/x.txt"))
    assert '\r\nfor %%F in (*.txt) do (set "everest_file=%%~F"& call :everest_fetch)\r\n' in text
    assert '\r\nfor %%F in ("my out\\100%%\\?.csv") do (' in text
    assert '\r\nfor /d %%F in (run*) do (set "everest_folder=%%~F"& call :everest_below_2_0)\r\n' in text
    first = text.index("\r\n:everest_below_2_0\r\n")
    assert text.index('for /d %%F in ("%everest_folder%\\deep\\*") do (', first) > first
    assert text.index('for %%F in ("%everest_folder%\\x.txt") do (', first) > first
    assert "echo unmatched my out/100%%/?.csv\r\n" in text
    for pattern in ("**/a", "[ab].txt"):
        with pytest.raises(CellOptionError, match=r"know only \* and \?"):
            windows_pattern(pattern)
    with pytest.raises(CellOptionError, match="has"):
        program(fetch=("a|b",))


@given(st.text(st.sampled_from("&|<>^()\"%!ab =,;'`~@*?\\/"), max_size=30))
def test_bare_text_has_no_meaning_left(text: str) -> None:
    line = bare(text)
    assert re.fullmatch(r'([^&|<>()^"%]|\^[&|<>()^"]|%%)*', line)
    assert re.sub(r"\^(.)", r"\1", line).replace("%%", "%") == text


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("cmaple", "-q", "everest-main.mpl"), "call cmaple -q everest-main.mpl"),
        ((r"C:\Program Files\Maple\cmaple.exe", "-q"), r'"C:\Program Files\Maple\cmaple.exe" -q'),
        (("C:/x/run.bat", "100%", "a b\\"), r'call C:\x\run.bat "100%%%%" "a b\\"'),
        (("x.exe", "100%^", "a&b"), 'x.exe "100%%^" "a&b"'),
        (("cmd.exe", "/d", "/c", "a.cmd"), "cmd.exe /d /c a.cmd"),
    ],
)
def test_commands_reach_their_program_word_by_word(words: tuple[str, ...], line: str) -> None:
    assert command_line(words) == line


@pytest.mark.parametrize("words", [("x", "a^b"), ("x.exe", 'a"b'), ("x.exe", "a\nb")])
def test_words_that_cmd_would_change_are_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a word of a command on Windows"):
        command_line(words)


def test_a_posix_preparation_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="prepared by a POSIX shell"):
        program(language=replace(PLAIN, before=("true",)))


NAMES = st.from_regex(r"[A-Za-zё&()% ]{1,8}\.[a-z]{1,3}", fullmatch=True)


@given(st.dictionaries(NAMES, st.binary(max_size=40), max_size=5), st.booleans())
def test_joined_files_are_read_back(files: dict[str, bytes], absolute: bool) -> None:
    root = "C:\\task (1)\\"
    begin = root if absolute else ""
    content = joined({f"{begin}out\\{name}": data for name, data in files.items()}, f"{root}." if absolute else "")
    assert read_all(content) == {f"out/{name}": data for name, data in files.items()}


@given(st.data())
def test_damaged_joined_files_are_a_protocol_error_or_other_files(data: st.DataObject) -> None:
    content = bytearray(joined({"a.txt": b"one", "out\\b.txt": b"two"}))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(15, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(15, len(content)))])
    try:
        found = read_all(cut)
    except ProtocolError:
        return
    assert all(len(file) <= len(cut) for file in found.values())


@pytest.mark.parametrize("path", ["..\\a", "C:\\elsewhere\\a", "a\\..\\..\\b", ""])
def test_joined_files_do_not_leave_their_folder(path: str) -> None:
    with pytest.raises(ProtocolError):
        read_all(joined({path: b""}, "C:\\task\\."))


def test_positions_that_go_back_are_refused() -> None:
    with pytest.raises(ProtocolError, match="cannot be read"):
        read_all(b'everest-files\r\none two 15 ""\r\n22 "a"\r\n18 "b"\r\nindex 23\r\n')


def test_what_could_not_be_read_is_left_out() -> None:
    content = b'everest-files\r\nhalfwhole15 ""\r\n19 ?\r\n24 "b"\r\nindex 24\r\n'
    assert read_all(content) == {"b": b"whole"}


@pytest.mark.wine
def test_a_batch_file_as_the_program(wine: Wine, tmp_path: Path) -> None:
    """A stand-in records how it is called and writes values."""
    stand_in = (
        "@echo args [%1] [%2] [%3]\r\n@type cell.mpl\r\n@type everest-main.mpl >seen.txt\r\n"
        "@type everest-value-0.txt\r\n@set /p x=\r\n@echo x int - 2 >everest-written\r\n@echo 42>>everest-written\r\n"
        "@echo . end - 0>>everest-written\r\n@exit /b 0\r\n"
    )
    files = (StagedFile("file-1", "data/in (1).txt"), StagedFile("file-1", "b%c & d.txt"))
    ran = run_cell(
        Algebra(encoding="cp866"),
        tmp_path / "t",
        "# Лоренц\r\nx := 1;\r\n",
        staged={"cmaple.cmd": stand_in.encode(), "file-1": b"one\n"},
        files=files,
        fetch=("seen.txt", "d*/in*", "cell.mpl", "a&b (1)^!.no"),
        start=wine,
    )
    assert ran.stdout == "args [-q] [everest-main.mpl] []\r\n# Лоренц\r\nx := 1;\r\n1 2\n"
    assert (ran.status, ran.stderr, ran.back.values) == (0, "", {"x": 42})
    assert ran.fetched["seen.txt"] == "# Ляпунов\nread `cell.mpl`;\n".encode("cp866")
    assert ran.back.problems == [f"no file matches --fetch {p!r}" for p in ("d*/in*", "cell.mpl", "a&b (1)^!.no")]
    assert (tmp_path / "t" / "b%c & d.txt").read_bytes() == b"one\n"
    assert (tmp_path / "t" / "data" / "in (1).txt").read_bytes() == b"one\n"


@pytest.mark.wine
def test_maples_own_cells_reach_its_program(wine: Wine, tmp_path: Path) -> None:
    stand_in = "@echo [%1] [%2] [%3] [%4]\r\n@type cell.mpl\r\n@echo . end - 0>everest-written\r\n"
    language = MapleLanguage().configured({"platform": "windows", "encoding": "cp866"})
    staged = {"cmaple.cmd": stand_in.encode()}
    ran = run_cell(language, tmp_path / "t", "x := 1; # Лоренц", staged=staged, inputs={"a": "Ляпунов"}, start=wine)
    assert (ran.status, ran.stderr, ran.back.finished) == (0, "", True)
    assert ran.stdout.startswith("[-s] [-q] [everest-main.mpl] []\r\n")
    assert "# Лоренц" in ran.stdout


@pytest.mark.wine
def test_pictures_are_counted_and_large_ones_left(wine: Wine, tmp_path: Path) -> None:
    draw = "@for /l %%i in (10,1,34) do @echo ^<svg/^>>%%i.svg\r\n@copy /b big x.png >nul\r\n@exit /b 4\r\n"
    staged = {"cmaple.cmd": draw.encode(), "big": b"\x89PNG\r\n\x1a\n" + bytes(10_300_000)}
    ran = run_cell(Algebra(), tmp_path / "t", "", staged=staged, start=wine)
    assert len(ran.pictures) == 21
    assert ran.pictures[20].data == {
        "text/plain": "not shown: x.png (10 MB); --fetch brings it\n5 more files are not shown; --fetch brings them"
    }
    assert ran.back.problems == []


@pytest.mark.wine
def test_pages_and_tables_are_shown(wine: Wine, tmp_path: Path) -> None:
    write = (
        "@mkdir out\r\n@echo ^<p^>one>out\\a.htm\r\n@echo ^<p^>two>b.html\r\n@copy /b t out\\c.csv >nul\r\n"
        "@echo x>e.tsv\r\n@copy /b big out\\d.csv >nul\r\n@copy /b big f.csv >nul\r\n"
        "@echo word>everest-x.csv\r\n@exit /b 4\r\n"
    )
    staged = {"cmaple.cmd": write.encode(), "big": bytes(20_000_000), "t": "имя;2\r\n".encode("cp866"), "file-1": b"1"}
    files = (StagedFile("file-1", "given.csv"),)
    ran = run_cell(
        Algebra(encoding="cp866"), tmp_path / "t", "", staged=staged, files=files, fetch=("f.*",), start=wine
    )
    assert [shown.data["text/plain"].replace("\r", "") for shown in ran.pictures] == [
        "<page b.html, 8 B>\ntwo",
        "<table e.tsv, 3 B: no rows>\nx",
        "<table everest-x.csv, 6 B: no rows>\nword",
        "<page out/a.htm, 8 B>\none",
        "<table out/c.csv, 7 B: 1 row>\nимя  2",
        "not shown: out/d.csv (20 MB); --fetch brings it",
    ]
    assert len(ran.fetched["f.csv"]) == 20_000_000


@pytest.mark.wine
def test_binary_files_come_back_whole(wine: Wine, tmp_path: Path) -> None:
    contents = {"a.bin": bytes(range(256)) * 5000, "b.bin": b"", "c.bin": b"\xff\xfe\x1a\r\n", "d.bin": b"\x1a"}
    ran = run_cell(
        Algebra(),
        tmp_path / "t",
        "",
        staged={"cmaple.cmd": b"@mkdir sub\r\n@copy /b a.bin sub\\e.bin >nul\r\n", **contents},
        fetch=("*.bin", "sub/*"),
        start=wine,
    )
    assert ran.fetched == {**contents, "sub/e.bin": contents["a.bin"]}


@pytest.mark.wine
def test_a_program_that_is_not_there(wine: Wine, tmp_path: Path) -> None:
    ran = run_cell(Algebra(program="no-such-program"), tmp_path / "t", "", start=wine)
    assert ran.status != 0
    assert "no-such-program" in ran.stderr
    assert ran.back.finished is False
