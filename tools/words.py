"""Writes the tables of words that completion and inspection use: everest_kernel/languages/words/NAME.json.

    python tools/words.py [NAME ...]

Names come from the programs themselves where they are installed, from Pygments' lexers, and from the files beside this
script (tools/words/NAME.txt), whose sentences were written for these tables. The result depends on nothing else, so
running it again changes nothing. A language whose program is missing keeps the names that its table has.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from word_sources import SOURCES, Names

TABLES = Path(__file__).parent.parent / "everest_kernel" / "languages" / "words"
TEXTS = Path(__file__).parent / "words"
MOST = 2500
_LINE = re.compile(r"(?P<name>\S+) \| (?P<usage>.*?) ?\| (?P<help>[^|]+)")
_WORD = re.compile(r"%?[A-Za-z][A-Za-z0-9_.!-]*")

Table = dict[str, tuple[str, str, str]]


def read_texts(name: str) -> Table:
    """The words with our own sentences, and more names of each kind (lines that begin with a plus sign)."""
    table: Table = {}
    kind = ""
    for number, line in enumerate((TEXTS / f"{name}.txt").read_text("utf-8").splitlines(), 1):
        if line.startswith("["):
            kind = line.strip("[]")
        elif line.startswith("+ "):
            for word in line[2:].split():
                table.setdefault(word, (kind, "", ""))
        elif match := _LINE.fullmatch(line):
            usage = "" if match["usage"] == match["name"] else match["usage"]
            table[match["name"]] = (kind, usage, match["help"])
        else:
            raise SystemExit(f"{name}.txt, line {number}: not NAME | USAGE | HELP: {line!r}")
    return table


def merged(found: Names, texts: Table) -> Table:
    """Names that were found, with our own words before what the program says."""
    table: Table = {name: (kind, usage, "") for name, (kind, usage) in found.items() if _WORD.fullmatch(name)}
    for name, (kind, usage, text) in texts.items():
        known = table.get(name, ("", "", ""))
        table[name] = (kind, usage or known[1], text)
    return table


def kept(name: str) -> Names:
    """The names that the table has now, without sentences."""
    path = TABLES / f"{name}.json"
    return (
        {word: (entry[0], "") for word, entry in json.loads(path.read_text("utf-8")).items()} if path.exists() else {}
    )


def write(name: str, table: Table) -> None:
    """One word on each line, sorted; empty fields at the end are left out."""
    if len(table) > MOST:
        raise SystemExit(f"{name}: {len(table)} words are more than {MOST}")
    lines = []
    for word in sorted(table):
        fields = list(table[word])
        while len(fields) > 1 and not fields[-1]:
            fields.pop()
        lines.append(f"{json.dumps(word)}: {json.dumps(fields, ensure_ascii=False)}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (TABLES / f"{name}.json").write_text(text, "utf-8")
    explained = sum(bool(text) for _, _, text in table.values())
    print(f"{name:12} {len(table):5} words, {explained:4} explained, {len(text):7,} bytes")


def main(names: list[str]) -> None:
    """Write the tables of these languages, or all of them."""
    TABLES.mkdir(exist_ok=True)
    for name in names or sorted(path.stem for path in TEXTS.glob("*.txt")):
        try:
            found = SOURCES[name]() if name in SOURCES else {}
        except FileNotFoundError as error:
            print(f"{name}: {error.filename or error} is missing here; the names stay as they are")
            found = kept(name)
        write(name, merged(found, read_texts(name)))


if __name__ == "__main__":
    main(sys.argv[1:])
