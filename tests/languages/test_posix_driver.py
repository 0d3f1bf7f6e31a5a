"""What every batch language gets from its driver: files, pictures, exit status, encodings."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from everest_kernel.languages import CellRequest, StagedFile
from everest_kernel.wire import ConfigurationError

from .plain import PlainLanguage
from .running import run_cell

PLAIN = PlainLanguage()
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DRAW = "printf '<svg/>' > {}"


def test_values_go_in_and_come_out(tmp_path: Path) -> None:
    ran = run_cell(PLAIN, tmp_path / "t", 'b="$a $a"', inputs={"a": "é'x"}, out_named=("b",))
    assert (ran.status, ran.back.values, ran.back.finished) == (0, {"b": "é'x é'x"}, True)


@pytest.mark.parametrize(("code", "status"), [("exit 3", 3), ("false", 0), ("kill -9 $$", 137), ("exit 0", 1)])
def test_the_exit_status_is_the_programs_unless_it_claims_success_too_early(
    tmp_path: Path, code: str, status: int
) -> None:
    assert run_cell(PLAIN, tmp_path / "t", code).status == status


@pytest.mark.parametrize("tail", [":", "printf '. missing - 0\\n\\n' >> everest-written", "rm everest-written"])
def test_without_the_mark_at_the_end_nothing_has_succeeded(tmp_path: Path, tail: str) -> None:
    ran = run_cell(replace(PLAIN, tail=tail), tmp_path / "t", "x=1", out_named=("x",))
    assert (ran.status, ran.back.finished) == (1, False)


def test_a_failing_preparation_is_the_failure(tmp_path: Path) -> None:
    ran = run_cell(
        replace(PLAIN, before=("echo compiling", "exit_now() { return 5; }", "exit_now")), tmp_path / "t", "echo ran"
    )
    assert (ran.status, ran.stdout) == (5, "compiling\n")
    ran = run_cell(replace(PLAIN, before=("echo compiling",)), tmp_path / "t", "echo ran")
    assert (ran.status, ran.stdout) == (0, "compiling\nran\n")


def test_files_are_placed_and_fetched_and_ours_are_never_meant(tmp_path: Path) -> None:
    files = (StagedFile("file-1", "a b/é.txt"), StagedFile("file-1", "c.txt"), StagedFile("file-2", "-d"))
    ran = run_cell(
        PLAIN,
        tmp_path / "t",
        "cat 'a b/é.txt' c.txt ./-d; mkdir out; echo new > 'out/$x;y'; echo two > out/z",
        staged={"file-1": b"one\n", "file-2": b"two\n"},
        files=files,
        fetch=("*", "out/*", "out/z", "no?e", "[o]ut/z"),
    )
    assert (ran.status, ran.stdout) == (0, "one\none\ntwo\n")
    assert ran.fetched == {"c.txt": b"one\n", "-d": b"two\n", "out/$x;y": b"new\n", "out/z": b"two\n"}
    assert ran.back.problems == ["no file matches --fetch 'no?e'"]


def test_pictures_that_the_cell_draws_are_shown(tmp_path: Path) -> None:
    files = (StagedFile("file-1", "given.svg"), StagedFile("file-2", "changed.svg"))
    ran = run_cell(
        PLAIN,
        tmp_path / "t",
        "mkdir 'a b'; "
        + "; ".join(DRAW.format(name) for name in ("'a b/two.svg'", "one.SVG", "three.svg", "changed.svg")),
        staged={"file-1": b"<svg/>", "file-2": b"<svg/>"},
        files=files,
    )
    names = [picture.data["text/plain"] for picture in ran.pictures]
    assert names == ["<picture a b/two.svg>", "<picture changed.svg>", "<picture three.svg>"]
    assert ran.pictures[0].data["image/svg+xml"] == "<svg/>"
    assert ran.back.problems == []


def test_pictures_are_shown_also_when_the_cell_fails(tmp_path: Path) -> None:
    ran = run_cell(PLAIN, tmp_path / "t", f"{DRAW.format('a.svg')}; exit 4")
    assert (ran.status, len(ran.pictures)) == (4, 1)


def test_what_is_no_picture_is_not_shown(tmp_path: Path) -> None:
    staged = {"real": PNG}
    ran = run_cell(
        PLAIN, tmp_path / "t", "cp real a.png; echo x > b.png; echo x > c.svg; : > d.jpg; echo GIF8 > e.gif", staged
    )
    assert [sorted(picture.data) for picture in ran.pictures] == [
        ["image/png", "text/plain"],
        ["image/gif", "text/plain"],
    ]
    assert base64.b64decode(ran.pictures[0].data["image/png"]) == PNG


def test_more_pictures_than_people_look_at_are_counted(tmp_path: Path) -> None:
    code = "for i in $(seq 10 34); do printf '<svg/>' > $i.svg; done"
    ran = run_cell(PLAIN, tmp_path / "t", code)
    assert len(ran.pictures) == 21
    assert ran.pictures[20].data == {"text/plain": "5 more files are not shown; --fetch brings them"}
    assert ran.back.problems == [], "nobody asked for them"


def test_pages_and_tables_that_the_cell_writes_are_shown(tmp_path: Path) -> None:
    code = (
        "mkdir out .git; echo '<p>one' > out/a.html; printf 'x,y\n1,2\n' > b.csv; cp b.csv c.tsv; cp b.csv .git/d.csv"
    )
    ran = run_cell(PLAIN, tmp_path / "t", code)
    assert (ran.status, ran.stderr, ran.back.problems) == (0, "", [])
    names = [shown.data["text/plain"].split("\n")[0] for shown in ran.pictures]
    assert names == ["<table b.csv, 8 B: 1 row>", "<table c.tsv, 8 B: 1 row>", "<page out/a.html, 7 B>"]


def test_what_was_sent_is_shown_only_when_it_was_changed(tmp_path: Path) -> None:
    files = (StagedFile("file-1", "a.csv"), StagedFile("file-1", "in/b.csv"), StagedFile("file-1", "c.csv"))
    staged = {"file-1": b"x,y\n1,2\n"}
    ran = run_cell(PLAIN, tmp_path / "t", "cat a.csv > d; echo 3,4 >> in/b.csv; touch e.csv", staged, files=files)
    names = [shown.data["text/plain"].split("\n")[0] for shown in ran.pictures]
    assert names == ["<table e.csv, 0 B: empty>", "<table in/b.csv, 12 B: 2 rows>"]


def test_large_files_are_named_with_their_size(tmp_path: Path) -> None:
    code = "truncate -s 120M 'b g.csv'; truncate -s 30000000 sub.html; truncate -s 20M c.csv; echo 1 > d.csv"
    ran = run_cell(PLAIN, tmp_path / "t", code, fetch=("c*",))
    assert [shown.data["text/plain"] for shown in ran.pictures] == [
        "<table d.csv, 2 B: 1 row>\n1",
        "not shown: b g.csv (126 MB); --fetch brings it\nnot shown: sub.html (30 MB); --fetch brings it",
    ]
    assert (tmp_path / "t" / "pictures.tar").stat().st_size < 100_000
    assert len(ran.fetched["c.csv"]) == 20 << 20


def test_names_that_cannot_be_told_are_left_out(tmp_path: Path) -> None:
    code = (
        "echo 1 > 'a\nb.csv'; echo 1 > 'a\tb.csv'; echo 1 > 'a\\b.csv'; echo 1 > '-x, é.csv'; ln -s /etc/passwd l.csv"
    )
    ran = run_cell(PLAIN, tmp_path / "t", code.replace("\\n", "\n").replace("\\t", "\t"))
    assert (ran.status, ran.stderr) == (0, "")
    assert [shown.data["text/plain"] for shown in ran.pictures] == ["<table -x, é.csv, 2 B: 1 row>\n1"]


def test_tables_are_in_the_encoding_of_the_resource(tmp_path: Path) -> None:
    language = PLAIN.configured({"encoding": "cp1251"})
    (shown,) = run_cell(language, tmp_path / "t", "printf 'Ляпунов,2\\n' > a.csv").pictures
    assert shown.data["text/plain"] == "<table a.csv, 10 B: 1 row>\nЛяпунов  2"


def test_nothing_waits_for_standard_input(tmp_path: Path) -> None:
    assert run_cell(PLAIN, tmp_path / "t", "read x; echo got $x").stdout == "got\n"


@pytest.mark.parametrize(
    "locale", [{"LC_ALL": "C"}, {"LANG": "C", "LC_ALL": "", "LC_CTYPE": ""}, {"LC_ALL": "C.UTF-8"}]
)
def test_programs_see_a_locale_with_utf8(
    tmp_path: Path, locale: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in locale.items():
        monkeypatch.setenv(name, value)
    assert run_cell(PLAIN, tmp_path / "t", "locale charmap").stdout == "UTF-8\n"


def test_texts_are_written_in_the_encoding_of_the_resource(tmp_path: Path) -> None:
    language = PLAIN.configured({"encoding": "cp1251"})
    program = language.render(CellRequest("x='Ляпунов'", inputs={"y": "Лоренц"}))
    assert program.cell == "x='Ляпунов'"
    assert program.attachments["everest-cell.txt"] == "x='Ляпунов'".encode("cp1251")
    assert "Лоренц".encode("cp1251") in program.attachments["everest-main.txt"]
    ran = run_cell(language, tmp_path / "t", "printf %s 'Ляпунов' > out.txt", fetch=("*.txt",))
    assert ran.fetched == {"out.txt": "Ляпунов".encode("cp1251")}


@pytest.mark.parametrize("encoding", ["cp1251", "cp866", "koi8-r", "gbk"])
def test_a_cell_in_another_encoding_is_shown_as_it_was_written(tmp_path: Path, encoding: str) -> None:
    language = PLAIN.configured({"encoding": encoding})
    code = "# показатель\necho 'Ляпунов'\necho \"$y\" >&2"
    ran = run_cell(language, tmp_path / "t", code, inputs={"y": "Лоренц"})
    assert (ran.status, ran.stdout, ran.stderr) == (0, "Ляпунов\n", "Лоренц\n")
    assert "Ляпунов".encode(encoding) in (tmp_path / "t" / "cell.txt").read_bytes()


@pytest.mark.parametrize("encoding", ["no-such", "base64", "rot13"])
def test_what_is_no_encoding_of_texts_is_refused(encoding: str) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no encoding '{encoding}'"):
        PLAIN.configured({"encoding": encoding})


def test_a_character_that_the_encoding_lacks_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'λ' in line 1 of the cell does not exist in the encoding cp1251"):
        PLAIN.configured({"encoding": "windows-1251"}).render(CellRequest("x='λ'"))


def test_settings_are_checked_and_change_nothing_else() -> None:
    changed = PLAIN.configured({"colour": "red", "program": "/bin/dash"})
    assert changed == replace(PLAIN, colour="red", program="/bin/dash")
    assert PLAIN.configured({}) == PLAIN
    with pytest.raises(ConfigurationError, match="cannot be 'green'"):
        PLAIN.configured({"colour": "green"})
    with pytest.raises(ConfigurationError, match="Did you mean 'colour'"):
        PLAIN.configured({"color": "red"})


def test_the_first_program_that_is_here_is_taken() -> None:
    here = {"bash": "/opt/bash", "mine": "/opt/mine"}
    assert PLAIN.located(here.get).language == replace(PLAIN, program="/opt/bash")
    assert PLAIN.located({}.get).missing == "a shell"
    assert replace(PLAIN, program="mine").located(here.get).language == replace(PLAIN, program="/opt/mine")
    assert replace(PLAIN, program="other").located(here.get).missing == "a shell"
