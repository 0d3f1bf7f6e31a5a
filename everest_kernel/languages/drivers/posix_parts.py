"""Pieces of POSIX shell programs that bring files to their places and pack those that go back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from ..base import StagedFile

__all__ = ["FETCHED", "PICTURES", "fetch_files", "glob_word", "is_picture", "pack_pictures", "place_files"]

FETCHED, PICTURES = "fetched.tar", "pictures.tar"
MOST_PICTURES = 20
MOST_PICTURE_BLOCKS = 20_000  # of 512 bytes
_LONG_AGO, _AFTERWARDS = "200001010000", "200001020000"
_SUFFIXES = ("png", "svg", "jpg", "jpeg", "gif")


def place_files(files: Iterable[StagedFile]) -> list[str]:
    """Lines that copy staged files to where the cell expects them, and remove what was staged."""
    lines, staged = [], dict[str, None]()
    for file in files:
        staged.setdefault(file.staged)
        folder = file.target.rpartition("/")[0]
        if folder:
            lines.append(f"mkdir -p -- {shlex.quote(folder)}")
        lines.append(f"cp -- {shlex.quote(file.staged)} {shlex.quote(file.target)}")
        if is_picture(file.target):
            lines.append(f"touch -t {_LONG_AGO} -- {shlex.quote(file.target)}")  # nothing that the cell has drawn
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


def pack_pictures(files: Iterable[StagedFile], note: str, ours: Iterable[str] = ()) -> list[str]:
    """Lines that pack the pictures that the cell has written into `PICTURES`.

    Pictures that `place_files` put there are told by their time stamp. What comes later than a clock's tick would also
    be told by a file made when the cell begins; what comes at once would not.

    Args:
        files: those that were placed.
        note: a command that takes the number of pictures that were left out as its argument.
        ours: files among which nobody needs to look: `find` takes more time than a short cell.
    """
    names = " -o ".join(f"-name '*.{suffix}'" for suffix in _SUFFIXES)
    placed = any(is_picture(file.target) for file in files)
    newer = "-newer .everest-old " if placed else ""
    find = f"find . -type f {newer}-size -{MOST_PICTURE_BLOCKS} \\( {names} \\)"
    skip = f"case $everest_file in {'|'.join(ours)}) ;; *) everest_other=1; break;; esac" if ours else "everest_other=1"
    return [
        *([f"touch -t {_AFTERWARDS} .everest-old"] if placed else []),
        f"everest_drawn= everest_other=; for everest_file in *; do {skip}; done",
        f'[ -z "$everest_other" ] || everest_drawn=$({find})',
        'if [ "$everest_drawn" ]; then',
        'everest_count=$(printf "%s\\n" "$everest_drawn" | wc -l)',
        f'printf "%s\\n" "$everest_drawn" | sort | head -n {MOST_PICTURES} > .everest-pictures',
        f"tar -cf {PICTURES} -T .everest-pictures",
        f"[ $everest_count -le {MOST_PICTURES} ] || {note} $((everest_count - {MOST_PICTURES}))",
        "fi",
    ]


def is_picture(path: str) -> bool:
    """Whether a file's name is that of a picture which a front end shows."""
    return path.rpartition(".")[2].lower() in _SUFFIXES


def glob_word(pattern: str) -> str:
    """The pattern with everything quoted but the characters that make it one."""
    parts = re.split(r"([*?\[\]!-])", pattern)
    return "".join(p if p in set("*?[]!-") else shlex.quote(p) for p in parts if p)
