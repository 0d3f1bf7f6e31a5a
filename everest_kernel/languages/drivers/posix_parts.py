"""Pieces of POSIX shell programs that bring files to their places and pack those that go back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from ..base import StagedFile
from .notes import NOTES_FILE, fetch_notes

__all__ = ["FETCHED", "PICTURES", "fetch_files", "glob_word", "is_shown", "pack_shown", "place_files"]

FETCHED, PICTURES = "fetched.tar", "pictures.tar"
MOST_SHOWN = 20
MOST_BLOCKS = 20_000  # of 512 bytes
_LONG_AGO, _AFTERWARDS = "200001010000", "200001020000"
SHOWN_SUFFIXES = ("png", "svg", "jpg", "jpeg", "gif", "html", "htm", "csv", "tsv")


def place_files(files: Iterable[StagedFile]) -> list[str]:
    """Lines that copy staged files to where the cell expects them, and remove what was staged."""
    lines, staged = [], dict[str, None]()
    for file in files:
        staged.setdefault(file.staged)
        folder = file.target.rpartition("/")[0]
        if folder:
            lines.append(f"mkdir -p -- {shlex.quote(folder)}")
        lines.append(f"cp -- {shlex.quote(file.staged)} {shlex.quote(file.target)}")
        if is_shown(file.target):
            lines.append(f"touch -t {_LONG_AGO} -- {shlex.quote(file.target)}")  # nothing that the cell has written
    return [*lines, *(f"rm -- {shlex.quote(name)}" for name in staged)]


def fetch_files(patterns: Iterable[str], unmatched: str, ours: Iterable[str] = ()) -> list[str]:
    """Lines that pack the files that match the patterns into `FETCHED`.

    Args:
        patterns: as given with `--fetch`.
        unmatched: a command that takes a pattern, quoted, as its argument and notes that nothing matches it; the
            number of the pattern is in `$everest_number`.
        ours: patterns of files that are never meant, as `case` has them.
    """
    skip = f"case $everest_file in {'|'.join(ours)}) continue;; esac; " if ours else ""
    # each file once: tar would write the second as a link to the first
    again = 'case "$everest_seen" in *"//$everest_file//"*) continue;; esac; '
    add = 'everest_seen="$everest_seen//$everest_file//"; set -- "$@" "$everest_file"; '
    lines = ["set --", "everest_seen="]
    for number, pattern in enumerate(patterns):
        take = f'[ -f "$everest_file" ] || continue; everest_found=1; {again}{add}'
        lines += [
            f"everest_found=; everest_number={number}; for everest_file in {glob_word(pattern)}; do {skip}{take}done",
            f'[ "$everest_found" ] || {unmatched} {shlex.quote(pattern)}',
        ]
    return [*lines, f'[ $# -gt 0 ] && tar -cf {FETCHED} -- "$@"']


def pack_shown(files: Iterable[StagedFile], fetch: Iterable[str], encoding: str, ours: Iterable[str] = ()) -> list[str]:
    """Lines that pack the files that the cell has written and that are shown into `PICTURES`, with `notes` of the rest.

    Files that `place_files` put there are told by their time stamp. What comes later than a clock's tick would also
    be told by a file made when the cell begins; what comes at once would not.

    Args:
        files: those that were placed.
        fetch: patterns of files that are brought back anyway.
        encoding: of texts on the resource.
        ours: files among which nobody needs to look: `find` takes more time than a short cell.
    """
    names = " -o ".join(f"-name '*.{suffix}'" for suffix in SHOWN_SUFFIXES)
    placed = any(is_shown(file.target) for file in files)
    newer = "-newer .everest-old " if placed else ""
    sort_out = f"-size -{MOST_BLOCKS} -print -o -exec ls -ln {{}} \\;"  # what is too large is listed with its size
    strange = "! -path '*[[:cntrl:]\\\\]*'"
    find = f"find . -name '.?*' -prune -o -type f {newer}{strange} \\( {names} \\) \\( {sort_out} \\)"
    skip = f"case $everest_file in {'|'.join(ours)}) ;; *) everest_other=1; break;; esac" if ours else "everest_other=1"
    take = (
        f"everest_count=$((everest_count + 1)); [ $everest_count -gt {MOST_SHOWN} ] || printf '%s\\n' \"$everest_file\""
    )
    notes = [*([f"encoding {encoding}"] if encoding != "utf-8" else []), *fetch_notes(fetch)]
    return [
        *([f"touch -t {_AFTERWARDS} .everest-old"] if placed else []),
        f"everest_drawn= everest_other=; for everest_file in *; do {skip}; done",
        f'[ -z "$everest_other" ] || everest_drawn=$({find})',
        'if [ "$everest_drawn" ]; then',
        "printf '%s\\n' \"$everest_drawn\" | sort > .everest-found; everest_count=0",
        "while IFS= read -r everest_file; do",
        f"case $everest_file in ./*) {take};; *) printf 'listed %s\\n' \"$everest_file\" >&3;; esac",
        f"done < .everest-found > .everest-pictures 3> {NOTES_FILE}",
        f"[ $everest_count -le {MOST_SHOWN} ] || echo more $((everest_count - {MOST_SHOWN})) >> {NOTES_FILE}",
        *([f"printf '%s\\n' {shlex.join(notes)} >> {NOTES_FILE}"] if notes else []),
        f"[ ! -s {NOTES_FILE} ] || echo ./{NOTES_FILE} >> .everest-pictures",
        f"tar -cf {PICTURES} -T .everest-pictures",
        "fi",
    ]


def is_shown(path: str) -> bool:
    """Whether a file's name is that of one which is shown under the cell that has written it."""
    return path.rpartition(".")[2].lower() in SHOWN_SUFFIXES


def glob_word(pattern: str) -> str:
    """The pattern with everything quoted but the characters that make it one."""
    parts = re.split(r"([*?\[\]!-])", pattern)
    return "".join(p if p in set("*?[]!-") else shlex.quote(p) for p in parts if p)
