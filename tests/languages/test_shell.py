"""The shell language, run by a true shell in an empty folder."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from everest_kernel.languages import CellRequest, Returned, ShellLanguage, StagedFile, read_shown
from everest_kernel.wire import CellOptionError, ProtocolError, ValueRefusedError

SHELL = ShellLanguage()


def run(folder: Path, code: str, staged: dict[str, bytes] | None = None, **request: Any) -> tuple[Any, Returned, Any]:
    program = SHELL.render(CellRequest(code, **request))
    (folder / SHELL.program_file).write_text(program.text, encoding="utf-8", errors="surrogateescape")
    (folder / SHELL.cell_file).write_text(program.cell)
    for name, content in (staged or {}).items():
        (folder / name).write_bytes(content)
    done = subprocess.run(["sh", SHELL.program_file], cwd=folder, capture_output=True, timeout=30)
    back, fetched = Returned(), {}
    if (folder / SHELL.values_file).exists():
        back = SHELL.read_back(io.BytesIO((folder / SHELL.values_file).read_bytes()))
    if (folder / SHELL.fetched_file).exists():
        archive = io.BytesIO((folder / SHELL.fetched_file).read_bytes())
        fetched = {path: b"".join(file) for path, file in SHELL.read_fetched(archive).items()}
    return done, back, fetched


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_any_text_goes_and_comes_back_to_the_byte(tmp_path: Path, text: str) -> None:
    _, back, _ = run(tmp_path, 'b="$a"', inputs={"a": text}, out_named=("b",))
    assert back.values == {"b": text}


def test_numbers_and_truth(tmp_path: Path) -> None:
    done, _, _ = run(tmp_path, 'echo "$i $f $t"', inputs={"i": 10**20, "f": 0.1, "t": True})
    assert done.stdout == b"100000000000000000000 0.1 true\n"


@pytest.mark.parametrize("value", [None, [1], b"x", 1j, "a\0b", {}])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(ValueRefusedError, match=r"^v: "):
        SHELL.render(CellRequest("", inputs={"v": value}))


@pytest.mark.parametrize("name", ["é", "a-b", "1a", "a b", "", "a\n", "a;rm"])
def test_names_that_a_shell_cannot_have_are_refused(name: str) -> None:
    with pytest.raises(CellOptionError):
        SHELL.render(CellRequest("", inputs={name: "x"}))
    with pytest.raises(CellOptionError):
        SHELL.render(CellRequest("", out_named=(name,)))


@pytest.mark.parametrize(
    ("code", "status"), [("true", 0), ("false", 1), ("exit 7", 7), ("x=1; (exit 4)", 4), ("nonesuch-command", 127)]
)
@pytest.mark.parametrize("outputs", [(), ("x",)])
def test_the_cells_exit_status_is_the_programs(
    tmp_path: Path, code: str, status: int, outputs: tuple[str, ...]
) -> None:
    done, _, _ = run(tmp_path, code, out_named=outputs)
    assert done.returncode == status


def test_values_set_before_an_early_exit_come_back(tmp_path: Path) -> None:
    _, back, _ = run(tmp_path, "x=1; exit 0; y=2", out_named=("x", "y"))
    assert back.values == {"x": "1"}
    assert back.problems == ["y: the cell did not assign it"]


def test_an_error_names_the_cells_own_line(tmp_path: Path) -> None:
    done, _, _ = run(tmp_path, "true\ntrue\nif fi\n")
    assert b"cell.sh" in done.stderr
    assert b"3" in done.stderr


def test_files_are_placed_and_fetched(tmp_path: Path) -> None:
    done, back, fetched = run(
        tmp_path,
        "mkdir 'o p'; cat 'in dir/a b' c > 'o p/all'; : > \"it's\"",
        staged={"file-1": b"1", "file-2": b"2"},
        files=(StagedFile("file-1", "in dir/a b"), StagedFile("file-2", "c"), StagedFile("file-1", "same")),
        fetch=("o p/*", "it's", "sam[e]", "*.none"),
    )
    assert done.returncode == 0, done.stderr
    assert fetched == {"o p/all": b"12", "it's": b"", "same": b"1"}
    assert back.problems == ["no file matches --fetch '*.none'"]


def test_patterns_cannot_run_commands(tmp_path: Path) -> None:
    run(tmp_path, "true", fetch=("$(touch hacked)", "`touch hacked`", "x; touch hacked; *", "'; touch hacked #"))
    assert not (tmp_path / "hacked").exists()


def archive(name: str, **fields: Any) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        for field, value in fields.items():
            setattr(entry, field, value)
        tar.addfile(entry, io.BytesIO(b""))
    stream.seek(0)
    return stream


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("../escape", {}),
        ("/etc/passwd", {}),
        ("a/../../b", {}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "x"}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
    ],
)
def test_hostile_archives_are_refused(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        SHELL.read_fetched(archive(name, **fields))


@given(st.binary(max_size=600))
def test_garbage_is_a_protocol_error(content: bytes) -> None:
    for read in (SHELL.read_back, SHELL.read_fetched):
        try:
            read(io.BytesIO(content))
        except ProtocolError:
            continue


def test_unexpected_members_are_refused() -> None:
    with pytest.raises(ProtocolError, match="unexpected"):
        SHELL.read_back(archive(".everest-out/other/x"))


def test_a_cell_that_goes_elsewhere_comes_back_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "other.csv").write_text("1")
    code = "echo 1 > a.csv; cd ..; x=1; set -f; IFS=/"
    _, back, fetched = run(tmp_path / "t", code, out_named=("x",), fetch=("a.csv",))
    assert (back.values, fetched) == ({"x": "1"}, {"a.csv": b"1\n"})
    (shown,) = read_shown(io.BytesIO((tmp_path / "t" / SHELL.pictures_file).read_bytes()))
    assert shown.data["text/plain"] == "<table a.csv, 2 B: 1 row>\n1"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.csv", "t"]
