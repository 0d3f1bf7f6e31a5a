"""From the text of a `%%sweep` cell to what is sent: its space, its routes, its constants. Nothing is sent here."""

from __future__ import annotations

import hashlib
import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..languages import CannotTravelError, Language, encode
from ..routes import Route
from ..sweeps import PointCell, Space, parse_refine, parse_space
from ..sweeps.single_chunks import request_of
from ..wire import CellError, CellOptionError, ValueRefusedError, parse_plan
from .chosen_route import chosen_route
from .inputs import Selection, select
from .local_files import LocalFile, find_files
from .sweep_options import SweepOptions

__all__ = ["MOST_POINTS", "PreparedSweep", "prepare_sweep"]

MOST_POINTS = 20_000_000
"""Points of a space that can be computed: an array of that many is still no trouble."""


@dataclass(frozen=True)
class PreparedSweep:
    """A sweep that is ready to run.

    Attributes:
        routes: all of one language.
        content: hash of the program: with it and its parameters, a point's results are the same.
        selection: constants, and what was held back.
        refine: output and level, when only points near the level are wanted.
    """

    options: SweepOptions
    routes: tuple[Route, ...]
    space: Space
    cell: PointCell
    content: str
    selection: Selection
    files: list[LocalFile]
    folder: Path
    refine: tuple[str, float] | None = None

    @property
    def language(self) -> Language:
        """Of the cell."""
        return self.routes[0].language


def prepare_sweep(
    options: SweepOptions,
    body: str,
    namespace: Mapping[str, Any],
    hidden: Mapping[str, Any],
    folder: Path,
    more_files: Sequence[LocalFile] = (),
) -> PreparedSweep:
    """Read the space, choose constants and files, and check that a point's program can be made.

    Args:
        options: of the line.
        body: the cell.
        namespace: the user's names.
        hidden: those of them that are IPython's.
        folder: where files are found.
        more_files: to be sent beside those of `--files`.

    Raises:
        CellError: something about the cell or its line; nothing was submitted.
        ConfigurationError: no such route, or a faulty configuration.
    """
    if not body.strip():
        raise CellError("the cell is empty below its %%sweep line", hint="Nothing was sent.")
    routes = _routes(options, folder)
    language = routes[0].language
    if options.vectorized and language.name != "python":
        raise CellOptionError(f"--vectorized is for Python, and the route {routes[0].name!r} is not")
    space = _space(options, namespace, folder)
    if space.size > MOST_POINTS and not options.dry_run:
        raise CellOptionError(
            f"the space has {space.size:,} points; a sweep computes at most {MOST_POINTS:,}",
            hint="--sample N draws N of them; --dry-run describes them.",
        )
    _check_names(space, options, language)
    selection = _constants(options, language, body, space, namespace, hidden)
    files = [*find_files(options.files, folder), *more_files]
    staging = tuple(file.staging for file in files)
    cell = PointCell(body, dict(selection.inputs), options.outputs or (), staging, options.vectorized)
    refine = None
    if options.refine:
        refine = parse_refine(options.refine)
        if refine[0] not in cell.outputs:
            raise CellOptionError(f"--refine {options.refine}: {refine[0]!r} is not among the outputs")
    if language.name != "python":  # which names a language has, its program tells
        language.render(request_of(cell, space.columns(np.array([space.first_last()[0]], np.int64)), 0))
    content = _content(routes[0], cell, options, files)
    return PreparedSweep(options, routes, space, cell, content, selection, files, folder, refine)


def _routes(options: SweepOptions, folder: Path) -> tuple[Route, ...]:
    routes = tuple(chosen_route(replace(options, route=name), folder) for name in options.routes)
    languages = {route.language.name for route in routes}
    if len(languages) > 1:
        raise CellOptionError(
            f"the routes {', '.join(options.routes)} are of different languages: {', '.join(sorted(languages))}"
        )
    return routes


def _space(options: SweepOptions, namespace: Mapping[str, Any], folder: Path) -> Space:
    plan = frame = None
    if options.plan_file:
        path = folder / options.plan_file
        try:
            plan = parse_plan(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise CellOptionError(f"--plan-file {options.plan_file}: {error}") from error
    if options.frame:
        if options.frame not in namespace:
            raise CellOptionError(f"--frame {options.frame}: the name is not defined")
        frame = namespace[options.frame]
    return parse_space(
        options.space,
        namespace,
        zipped=options.zipped,
        where=options.where,
        sample=options.sample,
        seed=options.seed,
        method=options.sampling,
        frame=frame,
        plan=plan,
    )


def _check_names(space: Space, options: SweepOptions, language: Language) -> None:
    both = [name for name in options.outputs or () if name in space.names]
    if both:
        raise CellOptionError(f"{both[0]!r} is a parameter and an output; give the output another name")
    words = [name for name in (*space.names, *(options.outputs or ())) if keyword.iskeyword(name)]
    if words and language.name == "python":
        raise CellOptionError(f"{words[0]!r} is a word of the language, and no name")


def _constants(
    options: SweepOptions,
    language: Language,
    body: str,
    space: Space,
    namespace: Mapping[str, Any],
    hidden: Mapping[str, Any],
) -> Selection:
    """The values that all points share: never the parameters, whose values are the point's."""
    named = [name for name in options.inputs or () if name in space.names]
    if named:
        raise CellOptionError(f"--in {named[0]}: it is a parameter of the sweep")
    others = {name: value for name, value in namespace.items() if name not in space.names}
    return select(options, language, body, others, hidden)


def _content(route: Route, cell: PointCell, options: SweepOptions, files: list[LocalFile]) -> str:
    """SHA-256 over what decides a point's results, except its parameters and the machine that computes them."""
    facts = (
        1,  # of this list
        route.language.name,
        sorted((name, repr(value)) for name, value in options.settings.items()),
        cell.code,
        sorted(cell.outputs),
        cell.vectorized,
        sorted((name, _digest(name, value)) for name, value in cell.constants.items()),
        sorted((file.staging.target, file.staging.staged) for file in files),  # named by its content
    )
    return hashlib.sha256(msgspec.msgpack.encode(facts)).hexdigest()


def _digest(name: str, value: Any) -> bytes:
    from ..languages.python.values import write_bundle

    try:
        encoded = encode(value)
    except CannotTravelError as error:
        raise ValueRefusedError(f"{name}: {error}", name=name, hint="Define it inside the cell.") from error
    hashed = _Hashing()
    write_bundle(hashed, {name: encoded})  # type: ignore[arg-type]
    return hashed.digest()


class _Hashing:
    """A file of which only the hash is kept."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return len(memoryview(data).cast("B")) if not isinstance(data, bytes) else len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def digest(self) -> bytes:
        return self._hash.digest()
