"""How points become the program of one job, and how its answer is read. One way for each kind of language.

A chunk is a job of the application that a remote cell of the route is a job of, so nothing else need be published.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..languages import Program, StagedFile

__all__ = ["Answer", "ChunkLanguage", "PointCell", "PointGroup"]

Columns = Mapping[str, "NDArray[Any]"]


@dataclass(frozen=True)
class PointCell:
    """The cell of a sweep: the program for one point.

    Attributes:
        code: the user's text.
        constants: values that are the same for all points.
        outputs: names of the results.
        files: files that the cell expects.
        vectorized: whether it takes arrays of points.
    """

    code: str
    constants: dict[str, Any]
    outputs: tuple[str, ...]
    files: tuple[StagedFile, ...] = ()
    vectorized: bool = False


@dataclass(frozen=True)
class PointGroup:
    """Points with results of the same types and shapes.

    Attributes:
        index: places in the chunk, shape (n,).
        values: by output, shape (n, ...).
        seconds: that each took, shape (n,).
    """

    index: NDArray[np.int64]
    values: dict[str, NDArray[Any]]
    seconds: NDArray[np.float64]


@dataclass
class Answer:
    """What a chunk's job has found out. Points that are in neither were not reached.

    Attributes:
        failed: place in the chunk to error.
        seconds: that the computation took, without the start of the program.
    """

    groups: list[PointGroup] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    def places(self) -> Iterator[NDArray[np.int64]]:
        """Places with results."""
        return (group.index for group in self.groups)


class ChunkLanguage(Protocol):
    """Makes chunks' programs for one cell on one route.

    Attributes:
        one_by_one: whether a chunk holds exactly one point.
    """

    one_by_one: bool

    def render(self, columns: Columns, count: int, budget: float) -> Program:
        """The program for points.

        Args:
            columns: values by parameter, each of shape (count,).
            count: how many points.
            budget: seconds after which it gives back what it has.

        Raises:
            ValueRefusedError: a value cannot travel exactly.
            CellOptionError: a name that the language cannot have.
        """

    def read(self, values: IO[bytes] | None, count: int, problem: str, output: Mapping[str, bytes]) -> Answer:
        """Read what the program left.

        Args:
            values: its values file; None when there is none.
            count: how many points it had.
            problem: what the server says of the job, when it failed.
            output: what it printed, by stream, where that is needed to tell an error.

        Raises:
            ProtocolError: it is not what such a program leaves.
            JobFailedError: the program did not get so far as to answer.
        """
