"""GNU Octave in batch mode: the main program of a cell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import IO, ClassVar

from ...wire import CellOptionError
from ..base import CellRequest, CellStream, Returned
from ..batch import BatchLanguage, Main, Requirement
from ..drivers import END_MARK
from ..editing import Editing
from ..records import read_records
from ..streams import ErrorStream
from .completeness import check
from .literals import Literals

__all__ = ["OctaveLanguage"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KEYWORDS = frozenset(
    """
    __FILE__ __LINE__ break case catch continue do else elseif end end_try_catch end_unwind_protect endfor endfunction
    endif endparfor endswitch endwhile enumeration events for function global if methods otherwise parfor persistent
    properties return switch try until unwind_protect unwind_protect_cleanup while
    """.split()  # noqa: SIM905
)
_RUN = """\
try
  source("{cell}");
catch everest_error
  fflush(stdout);
  everest_line = "";
  for everest_i = numel(everest_error.stack):-1:1
    if strfind(everest_error.stack(everest_i).file, "{cell}")
      everest_line = sprintf(" (line %d of the cell)", everest_error.stack(everest_i).line);
    end
  end
  everest_text = regexprep(everest_error.message, 'parse error near line (\\d+) of file \\S*',
    'parse error (line $1 of the cell)');
  everest_lines = strsplit(strtrim(everest_text), "\\n");
  fprintf(stderr, "error: %s%s\\n", everest_lines{{1}}, everest_line);
  for everest_i = 2:numel(everest_lines)
    fprintf(stderr, "%s\\n", everest_lines{{everest_i}});
  end
  exit(1);
end
fflush(stdout);
cd(getenv("EVEREST_FOLDER"));
"""
_FIGURES = """\
if !isempty(get(0, "children"))
  warning("off", "all"); % of programs for formats that are not wanted here
  for everest_i = sort(get(0, "children"))'
    print(everest_i, sprintf("everest-figure-%03d.svg", double(everest_i)), "-dsvg");
  end
end
"""


class OctaveLanguage(BatchLanguage):
    """GNU Octave. A figure that is open at the end of the cell is shown; drawing needs gnuplot or Qt there."""

    name: ClassVar[str] = "octave"
    suffix: ClassVar[str] = "m"
    requirement: ClassVar[Requirement] = Requirement(
        ("octave-cli", "octave"), "GNU Octave (Debian packages octave, gnuplot-nox and fonts-freefont-otf)"
    )
    editing: ClassVar[Editing] = Editing("octave", "octave", check)

    @property
    def settings(self) -> Mapping[str, str]:
        """Octave's texts are UTF-8 everywhere."""
        return {name: text for name, text in super().settings.items() if name != "encoding"}

    @property
    def main_file(self) -> str:
        """Octave takes a script's name for that of a function."""
        return "everest_main.m"

    @property
    def cell_file(self) -> str:
        """Not `cell.m`: `cell` is a function of Octave's."""
        return "everest_cell.m"

    def arguments(self) -> tuple[str, ...]:
        """Batch mode, without the user's own start-up files."""
        return "--norc", "--no-history", "--quiet", self.main_file

    def main(self, request: CellRequest) -> Main:
        """Values, the cell, figures, and values back."""
        literals = Literals()
        lines = [_part("begin.m")]
        for name, value in request.inputs.items():
            lines.append(f"{_check(name)} = {literals.input(name, value)};")
        lines += [_RUN.format(cell=self.cell_file), _part("end.m"), _FIGURES]
        lines.append(f'everest_file = fopen("{self.written_file}", "w");')
        for name in request.out_named:
            lines += _put(_check(name))
        lines.append(f'fprintf(everest_file, "{END_MARK}\\n"); fclose(everest_file);')
        return Main("\n".join(lines) + "\n", literals.attachments, literals.sizes)

    def cell_text(self, code: str) -> str:
        """A file that begins with a function is taken for that function's; a statement before it makes it a script."""
        return re.sub(r"\A((?:[ \t]*(?:[%#][^\n]*)?\n)*)(?=[ \t]*function\b)", r"\g<1>1; ", code)

    def reader(self) -> CellStream:
        """Errors are on standard error."""
        return ErrorStream.of_pattern(r"error: (?P<error>.*)", last=True)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        """Records."""
        read_records(content, back)


def _put(name: str) -> list[str]:
    return [
        f'if !exist("{name}", "var")',
        f'  everest_record(everest_file, "{name}", "missing", "-", "");',
        f"elseif !isempty(everest_reason = everest_why({name}))",
        f'  everest_record(everest_file, "{name}", "refused", "-", uint8(everest_reason));',
        "else",
        f'  everest_put(everest_file, "{name}", {name});',
        "end",
    ]


def _check(name: str) -> str:
    if not _NAME.match(name) or name in _KEYWORDS or name.startswith("everest_"):
        raise CellOptionError(f"{name!r} cannot be the name of a variable in Octave", hint="Nothing was sent.")
    return name


@cache
def _part(name: str) -> str:
    return (files(__package__) / name).read_text("utf-8")
