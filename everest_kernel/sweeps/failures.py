"""The points of a sweep that failed, as a table."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from .ledger import Ledger, Status
from .optional import need
from .spaces import SpaceLike
from .tables import html_table, text_table

if TYPE_CHECKING:
    import pandas

__all__ = ["Failure", "Failures"]

_SHOWN = 20


@dataclass(frozen=True)
class Failure:
    """One point that failed."""

    number: int
    params: dict[str, Any]
    error: str
    resource: str
    job: str


class Failures(Sequence[Failure]):
    """The points that had failed when this table was made; it does not change afterwards.

    Args:
        space: gives the parameters.
        numbers: of the points, of shape (n,).
        errors: one per point.
        resources: where each failed.
        jobs: the Everest job of each.
    """

    def __init__(
        self,
        space: SpaceLike,
        numbers: NDArray[np.int64],
        errors: Sequence[str],
        resources: Sequence[str],
        jobs: Sequence[str],
    ) -> None:
        self._space = space
        self.numbers = numbers
        self.errors = list(errors)
        self.resources = list(resources)
        self.jobs = list(jobs)

    @classmethod
    def of(cls, space: SpaceLike, ledger: Ledger) -> Failures:
        """The table of what a ledger knows now."""
        numbers = np.flatnonzero(ledger.status == Status.FAILED) if ledger.counts[Status.FAILED] else np.array([], int)
        return cls(
            space,
            numbers,
            [ledger.errors.names[index] for index in ledger.error[numbers]],
            [ledger.resources.names[index] for index in ledger.resource[numbers]],
            [ledger.jobs.names[index] for index in ledger.job[numbers]],
        )

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Failure: ...
    @overload
    def __getitem__(self, index: slice) -> Failures: ...
    def __getitem__(self, index: int | slice) -> Failure | Failures:
        if isinstance(index, slice):
            parts = (self.errors[index], self.resources[index], self.jobs[index])
            return Failures(self._space, self.numbers[index], *parts)
        number = int(self.numbers[index])
        return Failure(number, self._space.point(number), self.errors[index], self.resources[index], self.jobs[index])

    def __iter__(self) -> Iterator[Failure]:
        return (self[index] for index in range(len(self)))

    @property
    def common(self) -> list[tuple[str, int]]:
        """The errors with how many points failed by each, most frequent first."""
        return Counter(self.errors).most_common()

    def to_dataframe(self) -> pandas.DataFrame:
        """A pandas frame with one row per failed point: the parameters, error, resource, job.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        frames = need("pandas", "a table of failures")
        rest = {"error": self.errors, "resource": self.resources, "job": self.jobs}
        columns = self._space.columns(self.numbers)
        named = {name if name not in columns else f"point_{name}": values for name, values in rest.items()}
        frame: pandas.DataFrame = frames.DataFrame({**columns, **named}, index=frames.Index(self.numbers, name="point"))
        return frame

    def __repr__(self) -> str:
        if not len(self):
            return "no point failed"
        return "\n".join([self._title(), text_table(self._head(), self._rows()), *self._more()])

    def _repr_html_(self) -> str:
        if not len(self):
            return "<p>no point failed</p>"
        more = "".join(f"<p>{html.escape(line)}</p>" for line in self._more())
        return f"<p>{html.escape(self._title())}</p>{html_table(self._head(), self._rows())}{more}"

    def _title(self) -> str:
        points = "1 point failed" if len(self) == 1 else f"{len(self):,} points failed"
        error, count = self.common[0]
        if count < 2:
            return points
        kind = "all" if count == len(self) else f"{count:,}"
        return f"{points}, {kind} by: {(error.strip().splitlines() or [''])[0]}"

    def _head(self) -> list[str]:
        return [*self._space.names, "error", "resource", "job"]

    def _rows(self) -> list[list[Any]]:
        return [[*each.params.values(), each.error, each.resource, each.job] for each in self[:_SHOWN]]

    def _more(self) -> list[str]:
        left = len(self) - _SHOWN
        return [f"… and {left:,} more: .to_dataframe() has all"] if left > 0 else []
