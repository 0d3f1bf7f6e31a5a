"""Chunks of languages without a loop of ours: a shell script runs the program of each point, one after another.

The programs of all points travel in one archive; each runs in a folder of its own, as if it were alone.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from typing import IO

from ..languages import Language, Program, Returned
from ..wire import EverestError, JobFailedError, ProtocolError
from .chunks import Answer, Columns, PointCell
from .single_chunks import point_answer, printed_error, request_of

__all__ = ["PosixChunks"]

_POINTS, _NOTES = "everest-points.tar", "notes"
_MOST_OUTPUT = 65_536
_MOST_ARCHIVE = 1 << 30
_LONGEST = 1e9
_SCRIPT = """\
mkdir points && tar -xf {archive} -C points && rm {archive} && cd points || exit 1
everest_clock() {{ case $(date +%s.%N 2> /dev/null) in *N) date +%s;; *) date +%s.%N;; esac; }}
everest_began=$(date +%s)
everest_place=0
: > {notes}
while [ $everest_place -lt {count} ]; do
  cd $everest_place || exit 1
  {link}
  everest_from=$(everest_clock)
  {command} > stdout 2> stderr < /dev/null
  everest_status=$?
  cd ..
  echo "$everest_place $everest_status $everest_from $(everest_clock)" >> {notes}
  for everest_stream in stdout stderr; do
    tail -c {most} $everest_place/$everest_stream > everest-tail && mv everest-tail $everest_place/$everest_stream
  done
  everest_place=$((everest_place + 1))
  [ $(($(date +%s) - everest_began)) -lt {budget} ] || break
done
set -- {notes}
while read -r everest_place everest_rest; do
  for everest_file in {values} stdout stderr; do
    [ ! -f $everest_place/$everest_file ] || set -- "$@" $everest_place/$everest_file
  done
done < {notes}
tar -cf ../{values} -- "$@"
"""


class PosixChunks:
    """See `chunks.ChunkLanguage`.

    Args:
        language: of the route; its program runs under a POSIX shell.
        cell: of the sweep.
    """

    one_by_one = False

    def __init__(self, language: Language, cell: PointCell) -> None:
        self._language = language
        self._cell = cell

    def render(self, columns: Columns, count: int, budget: float) -> Program:
        """The script, with the points' programs in an archive."""
        language, target = self._language, io.BytesIO()
        with tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as archive:
            for place in range(count):
                program = language.render(request_of(self._cell, columns, place))
                _add(archive, f"{place}/{language.program_file}", program.text.encode())
                _add(archive, f"{place}/{language.cell_file}", program.cell.encode())
                for name, content in program.attachments.items():
                    _add(archive, f"{place}/{name}", content)
        staged = sorted({file.staged for file in self._cell.files})
        script = _SCRIPT.format(
            archive=_POINTS,
            notes=_NOTES,
            count=count,
            command=language.command,
            link=f"ln -- {' '.join(f'../../{name}' for name in staged)} ." if staged else ":",
            most=_MOST_OUTPUT,
            budget=max(1, round(min(budget, _LONGEST))),
            values=language.values_file,
        )
        return Program(script, self._cell.code, {_POINTS: target.getvalue()})

    def read(self, values: IO[bytes] | None, count: int, problem: str, output: Mapping[str, bytes]) -> Answer:
        """The points' values out of the archive that the script packed."""
        if values is None:
            raise JobFailedError(problem or "the program left no answer")
        try:
            return self._read(values, count)
        except (tarfile.TarError, ValueError, EOFError, OSError) as error:
            raise ProtocolError(f"a chunk's answer cannot be read: {type(error).__name__}: {error}") from error

    def _read(self, values: IO[bytes], count: int) -> Answer:
        with tarfile.open(fileobj=values, mode="r:") as archive:
            members = {member.name: member for member in archive if member.isreg()}
            if sum(member.size for member in members.values()) > _MOST_ARCHIVE:
                raise ValueError(f"it has more than {_MOST_ARCHIVE:,} bytes")

            def content(name: str) -> bytes | None:
                stream = archive.extractfile(members[name]) if name in members else None
                return None if stream is None else stream.read()

            points: list[tuple[int, Returned, float]] = []
            failed: dict[int, str] = {}
            total = 0.0
            for line in (content(_NOTES) or b"").decode("ascii").splitlines():
                place, status, took = _note(line, count)
                total += took
                output = {name: content(f"{place}/{name}") or b"" for name in ("stdout", "stderr")}
                back = self._point(content(f"{place}/{self._language.values_file}"), status, output)
                if back.error:
                    failed[place] = back.error
                else:
                    points.append((place, back, took))
        answer = point_answer(points, self._cell.outputs, total)
        answer.failed.update(failed)
        return answer

    def _point(self, values: bytes | None, status: int, output: Mapping[str, bytes]) -> Returned:
        try:
            back = self._language.read_back(None if values is None else io.BytesIO(values))
        except EverestError as error:
            back = Returned(error="" if status else str(error), finished=False)
        if (status or not back.finished) and not back.error:
            ended = f"the program ended with exit code {status}" if status else "it stopped before the end of the cell"
            back.error = printed_error(self._language, output) or ended
        return back


def _note(line: str, count: int) -> tuple[int, int, float]:
    """Place, exit code and seconds of one point."""
    place, status, began, ended = line.split(" ")
    if not 0 <= int(place) < count:
        raise ValueError("it has points that the chunk has not")
    return int(place), int(status), max(float(ended) - float(began), 0.0)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
