"""The driver for POSIX systems: a shell script that holds the main program."""

from __future__ import annotations

import hashlib
import shlex

from ...wire import ConfigurationError
from .base import END_MARK, Job
from .posix_parts import FETCHED, PICTURES, fetch_files, pack_shown, place_files

__all__ = ["PosixDriver"]

_UTF8 = [
    # texts are UTF-8, also for a program that a service started without any locale
    'case "${LC_ALL:-${LC_CTYPE:-${LANG:-}}}" in',
    "*[Uu][Tt][Ff]*8*) ;;",
    '*) if [ "$(uname)" = Darwin ]; then export LC_ALL=en_US.UTF-8; else export LC_ALL=C.UTF-8; fi ;;',
    "esac",
]


class PosixDriver:
    """A shell script that runs a main program."""

    program_file = "program.sh"
    command = f"sh {program_file}"
    fetched_file = FETCHED
    pictures_file = PICTURES

    def render(self, job: Job) -> tuple[str, dict[str, bytes]]:
        """The script; a main program in another encoding than UTF-8 is a file beside it."""
        lines, files = [], dict[str, bytes]()
        try:
            lines += [*_UTF8, *_here_document(job.main_file, job.main.decode("utf-8"))] if not job.encoded_cell else []
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"the main program is not UTF-8: {error}") from error
        if job.encoded_cell:
            files[job.main_file] = job.main
            lines.append(f"mv -- {shlex.quote(job.encoded_cell)} {shlex.quote(job.cell_file)}")
        lines += place_files(job.request.files)
        lines += ["everest_facts=", 'everest_note() { everest_facts="$everest_facts$1 $2\n"; }']
        lines += [*_run(job), *_collect(job), "exit $everest_status"]
        return "\n".join(lines) + "\n", files


def _here_document(path: str, text: str) -> list[str]:
    end = f"EVEREST-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    return [f"cat > {shlex.quote(path)} <<'{end}'", text.removesuffix("\n"), end]


def _run(job: Job) -> list[str]:
    command = f"{shlex.join(job.command)} < /dev/null"
    if not job.preparation:
        return [command, "everest_status=$?"]
    prepare = ["everest_prepare() {", *job.preparation, "}"]
    run = ["if [ $everest_status -eq 0 ]; then", command, "everest_status=$?", "fi"]
    return [*prepare, "everest_prepare < /dev/null", "everest_status=$?", *run]


def _collect(job: Job) -> list[str]:
    """Pack what goes back; a program that claims success and did not reach its end has failed."""
    written = shlex.quote(job.written_file)
    # a line of the mark, with or without what Windows puts at a line's end
    check = f'[ "$(tail -n 1 {written} 2> /dev/null)" = {shlex.quote(END_MARK)} ]'
    lines = [f"[ $everest_status -ne 0 ] || {check} || everest_status=1"]
    if job.request.fetch:
        ours = ("everest-*", "program.sh", job.main_file, job.cell_file, FETCHED, PICTURES, "stdout", "stderr")
        lines += fetch_files(job.request.fetch, "everest_note unmatched", ours)
    lines += pack_shown(job.request.files, job.request.fetch, job.encoding)
    values = shlex.quote(job.values_file)
    return [*lines, f'{{ printf "%s\\n" "$everest_facts"; [ ! -f {written} ] || cat {written}; }} > {values}']
