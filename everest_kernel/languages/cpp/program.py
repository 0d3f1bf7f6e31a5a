"""The unit that is compiled for a cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .pieces import Pieces

__all__ = ["unit"]

_OURS = '#line 1 "everest-main.cpp"'
_HEADERS = {"std::vector": "vector", "std::map": "map", "std::string": "string", "std::complex": "complex"}


def unit(pieces: Pieces, cell_file: str, inputs: Mapping[str, str], outputs: Iterable[str]) -> str:
    """The text of the unit.

    `#line` gives each part of the cell its own lines. The variables of inputs and outputs pretend to stand in files
    `input NAME` and `output NAME`, by which what the compiler says of them is told from what it says of the cell.

    Args:
        pieces: of the cell.
        cell_file: the file that holds it.
        inputs: the types of variables by name.
        outputs: names of variables.
    """
    outputs = list(outputs)
    here = f'#line 1 "{cell_file}"'
    # our headers come first: a macro of the cell's would change what they say
    lines = [*_headers(inputs.values()), *(['#include "everest-out.hpp"'] if outputs else [])]
    lines.append("namespace everest_ { int when_it_exits(void (*)()); void end(); }")
    lines += [here, pieces.head.rstrip()] if pieces.head else []
    for name, kind in inputs.items():
        lines += [f'#line 1 "input {name}"', f"{kind} {name} = everest_::take<{kind}>();"]
    lines += [here, pieces.outside] if pieces.outside else []
    if not pieces.has_main:
        lines += [_OURS, *(_at_exit([]) if not outputs else []), *_main(pieces, cell_file, inputs, outputs)]
    elif not pieces.wrong:
        lines += [_OURS, *_at_exit(outputs)]
    return "\n".join(lines) + "\n"


def _headers(types: Iterable[str]) -> list[str]:
    wanted = [header for name, header in _HEADERS.items() if name in " ".join(types)]
    lines = [line for header in wanted for line in (f"#include <{header}>", f"#define EVEREST_{header.upper()}")]
    return [*lines, '#include "everest-in.hpp"'] if types else []


def _at_exit(outputs: list[str]) -> list[str]:
    """Values are written when the program exits, before the variables of the cell go."""
    lines = ["static void everest_write() {"]
    for name in outputs:
        lines += _output(name)
    return [*lines, "}", "[[maybe_unused]] static int everest_registered = everest_::when_it_exits(everest_write);"]


def _main(pieces: Pieces, cell_file: str, inputs: Iterable[str], outputs: list[str]) -> list[str]:
    lines = ["int main() {"]
    for name in inputs:  # a name of the cell's own before those that its using-directives bring
        lines += [f'#line 1 "input {name}"', f"[[maybe_unused]] auto &{name} = ::{name};"]
    lines += [f'#line 1 "{cell_file}"', pieces.inside]
    if pieces.wrong:  # the compiler says at this line what is wrong, if it finds so too
        if pieces.stray:
            lines += [f'#line 1 "brace {pieces.wrong}"', "return 0;"]
        return [*lines, f'#line {pieces.wrong} "{cell_file}"', "}"]
    for name in outputs:
        lines += _output(name)
    return [*lines, _OURS, *(["everest_::end();"] if outputs else []), "}"]


def _output(name: str) -> list[str]:
    return [f'#line 1 "output {name}"', f'everest_::output("{name}", {name});']
