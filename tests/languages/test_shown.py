"""Files that are shown under a cell: tables, pages, and what is told of the others."""

from __future__ import annotations

import csv
import io
import tarfile
import time
import zipfile
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everest_kernel.languages import Display, read_shown
from everest_kernel.languages.drivers.notes import fetch_notes, read_notes
from everest_kernel.wire import ProtocolError


def shown(**files: bytes | str) -> list[Display]:
    """What is shown of files; `_` in a keyword stands for the dot."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        for name, data in files.items():
            content.writestr(name.replace("_", "."), data)
    return read_shown(archive)


def plain(**files: bytes | str) -> str:
    (display,) = shown(**files)
    return str(display.data["text/plain"])


class Cells(HTMLParser):
    """Reads a table's cells back."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags = set[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_a_table_is_shown_as_text_and_as_html() -> None:
    (display,) = shown(a_csv="name,value\nλ₁,0.9056\n<b>,-14.57\n")
    assert display.data["text/plain"] == "<table a.csv, 35 B: 2 rows>\nname   value\nλ₁    0.9056\n<b>   -14.57"
    html = display.data["text/html"]
    assert html.startswith("<div>a.csv, 35 B: 2 rows</div><table>")
    assert Cells(html).rows == [["name", "value"], ["λ₁", "0.9056"], ["<b>", "-14.57"]]
    assert "<b>" not in html


def test_the_first_rows_of_a_long_table_are_shown_and_all_are_counted() -> None:
    text = "n;square\n" + "".join(f"{n};{n * n}\n" for n in range(10_000))
    (display,) = shown(long_csv=text)
    lines = display.data["text/plain"].split("\n")
    assert lines[0] == "<table long.csv, 134 kB: 20 of 10,000 rows>"
    assert (lines[1], lines[2], lines[-1]) == (" n  square", " 0       0", "19     361")
    assert len(Cells(display.data["text/html"]).rows) == 21


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x;y\n1,5;2,5\n3,5;4,5\n", ["x", "y"]),
        ("1,5;2,5\n3,5;4,5\n", ["1,5", "2,5"]),
        ("name,note\nx,hello; world\ny,foo; bar\n", ["name", "note"]),
        ('a,"b,b\nb"\n1,2\n', ["a", "b,b b"]),
        ("a|b\n1|2\n", ["a", "b"]),
        ("a\tb c\n1\t2\n", ["a", "b c"]),
        ("word\nother\n", ["word"]),
        ("a,b\rc,d\r", ["a", "b"]),
        ('say "a,b\n1,2\n', ['say "a', "b"]),
    ],
)
def test_the_delimiter_is_found(text: str, expected: list[str]) -> None:
    (display,) = shown(a_csv=text)
    assert Cells(display.data["text/html"]).rows[0] == expected


def test_tabs_separate_where_the_name_says_so() -> None:
    assert plain(a_tsv="a,b\tc\n1,2\t3\n").endswith("\na,b  c\n1,2  3")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("имя,ё".encode(), "имя"),
        ("имя,ё".encode("utf-8-sig"), "имя"),
        (b"\xff\xfe" + "имя,ё".encode("utf-16-le"), "имя"),
        ("имя,ё".encode("utf-16"), "имя"),
        ("имя,ё".encode()[:-1], "имя"),
        ("café,x".encode("latin-1"), "café"),
    ],
)
def test_texts_in_other_encodings_are_read(content: bytes, expected: str) -> None:
    (display,) = shown(a_csv=content)
    assert Cells(display.data["text/html"]).rows[0][0] == expected


def test_the_encoding_of_the_resource_is_tried() -> None:
    notes = {"everest-notes": b"encoding cp866\n"}
    (display,) = shown(**notes, a_csv="имя,ё".encode("cp866"))
    assert Cells(display.data["text/html"]).rows == [["имя", "ё"]]
    assert len(shown(**{"everest-notes": b"encoding rot13\nencoding no-such\nencoding\n"}, a_csv=b"\xff,\xfe")) == 1


def test_ragged_and_wide_tables_are_cut_and_filled() -> None:
    wide = ",".join(f"c{n}" for n in range(300)) + "\n1\n" + ",".join(["x" * 1000] * 400)
    (display,) = shown(a_csv=wide)
    assert "2 rows, 20 of 400 columns>" in display.data["text/plain"]
    rows = Cells(display.data["text/html"]).rows
    assert [len(row) for row in rows] == [20, 20, 20]
    assert (rows[1][:2], rows[2][0]) == (["1", ""], "x" * 49 + "…")


def test_what_is_no_table_does_no_harm() -> None:
    assert plain(a_csv="") == "<table a.csv, 0 B: empty>"
    assert plain(a_csv="\n\n") == "<table a.csv, 2 B: empty>"
    assert plain(a_csv="a,b\n") == "<table a.csv, 4 B: no rows>\na  b"
    assert plain(a_csv='a,"' + "b" * 200_000) == "<table a.csv, 200 kB: cannot be read>"
    assert plain(a_csv="a,\x1b[31m\u202e\n") == "<table a.csv, 11 B: no rows>\na  [31m"
    assert shown(a_csv=b"a,b\n\0\1\2", b_csv=bytes(1000), c_html=b"\0<p>", d_html="no page", e_txt="x") == []


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=4), max_size=6), st.sampled_from(",;\t|"))
def test_any_table_is_shown_in_both_forms(rows: list[list[str]], delimiter: str) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([[cell.replace("\0", "") for cell in row] for row in rows])
    (display,) = shown(a_csv=text.getvalue().encode("utf-8", "replace"))
    for form in display.data.values():
        assert form.isprintable() or {c for c in form if not c.isprintable()} == {"\n"}
    assert Cells(display.data.get("text/html", "")).tags <= {"div", "table", "thead", "tbody", "tr", "th", "td"}


@given(st.binary(max_size=300))
def test_any_bytes_are_shown_or_left_out(content: bytes) -> None:
    for display in shown(a_csv=content, b_html=b"<" + content, c_tsv=content, d_svg=content, e_png=content):
        assert display.data["text/plain"]


def test_a_page_is_shown_in_a_frame_of_its_own_with_its_text_beside_it() -> None:
    page = (
        "<!doctype html><html><head><title>Flow &amp;\nmap</title><style>p{color:red}</style></head><body>"
        "<script>let a = 1 < 2;</script><h1>Exponents</h1>\n<p>first <b>bold</b>\nline<p>second &lt;line&gt;"
        "<table><tr><td>a<td>b</table></body>"
    )
    (display,) = shown(report_html=page)
    assert display.data["text/plain"] == (
        f"<page report.html, {len(page)} B>\nFlow & map\nExponents\nfirst bold line\nsecond <line>\na b"
    )
    html = display.data["text/html"]
    assert html.startswith(f"<div>report.html, {len(page)} B: Flow &amp; map</div><iframe sandbox=")
    assert "allow-same-origin" not in html
    assert "<h1>Exponents</h1>" in html

    frames: list[dict[str, str | None]] = []

    class Frames(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            frames.extend([dict(attrs)] if tag == "iframe" else [])

    Frames().feed(html)
    assert [frame["srcdoc"] for frame in frames] == [page], "the page as it is, and nothing of it outside"


def test_a_page_cannot_leave_its_frame() -> None:
    (display,) = shown(a_htm='<p title="x"></iframe><script>alert("1 & 2")</script>')
    tags: list[str] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Tags().feed(display.data["text/html"])
    assert tags == ["div", "iframe"]


def test_the_text_of_a_page_is_shortened() -> None:
    script = f"<script>{'x = 1;' * 200_000}</SCRIPT>"
    lines = plain(a_html=script + "".join(f"<p>{'word ' * 50}{n}" for n in range(100))).split("\n")
    assert lines[0] == "<page a.html, 1.2 MB>"
    assert len(lines) == 22
    assert lines[1] == ("word " * 50)[:99] + "…"
    assert lines[-1] == "…"


def test_a_pages_own_encoding_is_read() -> None:
    text = '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>Ляпунов'
    assert plain(a_html=text.encode("cp1251")).endswith("\nЛяпунов")
    assert plain(a_html=b'<meta charset="cp-none"><p>\xe9').endswith("\né")


@pytest.mark.parametrize("piece", ["<", "<!--", "<a ", "<!", "<![", "&", '<a b="', "<script", "<script>", "</script"])
def test_pages_that_are_none_take_no_time(piece: str) -> None:
    began = time.process_time()
    assert shown(a_html="<" + piece * (3_000_000 // len(piece)))
    assert time.process_time() - began < 20, "for each of its characters the rest was searched"


def test_what_is_not_shown_is_told_at_the_end() -> None:
    notes = "large 120000000 big.csv\nlarge 11000000 sub/b c.html\nmore 1200\nnonsense\nlarge x y\nmore -1\n"
    first, last = shown(**{"everest-notes": notes}, a_csv="a,b\n")
    assert first.data["text/plain"].startswith("<table a.csv")
    assert last.data["text/plain"] == (
        "not shown: big.csv (120 MB); --fetch brings it\nnot shown: sub/b c.html (11 MB); --fetch brings it\n"
        "1,200 more files are not shown; --fetch brings them"
    )


def test_what_is_fetched_anyway_is_not_told() -> None:
    large = "".join(f"large 20000000 {path}\n" for path in ("a.csv", "b.csv", "out/c.csv", "out/d/e.csv"))
    told = {
        pattern: list(read_notes(f"{large}{fetch_notes([pattern])[0]}\n".encode()).large)
        for pattern in ("*.csv", "./a*", "out/*", "**/*.csv", "x")
    }
    assert told == {
        "*.csv": ["out/c.csv", "out/d/e.csv"],
        "./a*": ["b.csv", "out/c.csv", "out/d/e.csv"],
        "out/*": ["a.csv", "b.csv", "out/d/e.csv"],
        "**/*.csv": [],
        "x": ["a.csv", "b.csv", "out/c.csv", "out/d/e.csv"],
    }


def test_notes_of_windows_and_of_ls() -> None:
    notes = read_notes(b'large 20000000 "C:\\t 1\\out\\a.csv"\r\nroot "C:\\t 1\\."\r\nlarge 1 "D:\\b.csv"\r\n')
    assert notes.large == {"out/a.csv": 20_000_000}
    listed = "listed -rw-r--r-- 1 0 0 120000000 Nov 25 04:00 ./a ./b.csv\nlisted -rw-r--r--@ 1 5 6 7 1 Jan 2020 ./../c"
    assert read_notes(listed.encode()).large == {"a ./b.csv": 120_000_000}


@given(st.binary(max_size=200), st.sampled_from([b"", b"large 1 ", b"listed ", b"root ", b"more ", b"encoding "]))
def test_any_notes_are_read(content: bytes, begin: bytes) -> None:
    notes = read_notes(begin + content)
    assert all(sentence.isprintable() for sentence in notes.sentences())
    "".encode(notes.encoding)


def test_archives_that_lie_are_refused_or_left_out() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", bytes(12_000_000))
    assert read_shown(bomb) == []
    outside = io.BytesIO()
    with tarfile.open(fileobj=outside, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../a.csv"))
    with pytest.raises(ProtocolError):
        read_shown(outside)
