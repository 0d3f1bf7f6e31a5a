"""How long the points of a sweep took, and how the resources shared them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .ledger import Ledger, Status
from .optional import need
from .tables import html_table, text_table

if TYPE_CHECKING:
    import pandas

__all__ = ["ResourceTiming", "Timings"]

_HEAD = ("resource", "points", "failed", "seconds", "mean s")


@dataclass(frozen=True)
class ResourceTiming:
    """The share of one resource.

    Attributes:
        name: of the resource.
        points: that it computed with success in this run.
        failed: points that failed there.
        seconds: that its points took together, those that failed included.
        mean: seconds per point with a result; NaN when there is none.
    """

    name: str
    points: int
    failed: int
    seconds: float
    mean: float


@dataclass(frozen=True)
class Timings:
    """Times as they were when this was made.

    Attributes:
        seconds: per point, of the space's shape; NaN where nothing came yet. Of kept results: what they took once.
        resources: one per resource, in the order in which they first answered.
        kept: points whose results were there from earlier, and cost nothing now.
    """

    seconds: NDArray[np.float64]
    resources: tuple[ResourceTiming, ...]
    kept: int

    @classmethod
    def of(cls, shape: tuple[int, ...], ledger: Ledger) -> Timings:
        """What a ledger knows now."""
        done, failed = ledger.status == Status.DONE, ledger.status == Status.FAILED
        here = done & ledger.computed
        rows, count = [], len(ledger.resources.names)
        time = np.nan_to_num(ledger.seconds)
        points = np.bincount(ledger.resource[here], minlength=count)
        lost = np.bincount(ledger.resource[failed], minlength=count)
        useful = np.bincount(ledger.resource[here], weights=time[here], minlength=count)
        wasted = np.bincount(ledger.resource[failed], weights=time[failed], minlength=count)
        for index, name in enumerate(ledger.resources.names):
            if points[index] or lost[index]:
                mean = useful[index] / points[index] if points[index] else np.nan
                total = float(useful[index] + wasted[index])
                rows.append(ResourceTiming(name, int(points[index]), int(lost[index]), total, float(mean)))
        return cls(ledger.seconds.reshape(shape).copy(), tuple(rows), int(np.count_nonzero(done & ~ledger.computed)))

    @property
    def total(self) -> float:
        """Seconds that all resources computed in this run."""
        return sum(each.seconds for each in self.resources)

    def to_dataframe(self) -> pandas.DataFrame:
        """A pandas frame with one row per resource.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        frame = need("pandas", "a table of timings").DataFrame
        names = ("name", "points", "failed", "seconds", "mean")
        columns = {name: [getattr(each, name) for each in self.resources] for name in names}
        result: pandas.DataFrame = frame(columns).set_index("name")
        return result

    def __repr__(self) -> str:
        return "\n".join([*([text_table(_HEAD, self._rows())] if self.resources else []), *self._notes()])

    def _repr_html_(self) -> str:
        table = html_table(_HEAD, self._rows()) if self.resources else ""
        return table + "".join(f"<p>{note}</p>" for note in self._notes())

    def _rows(self) -> list[tuple[str, int, int, float, float]]:
        return [(each.name, each.points, each.failed, each.seconds, each.mean) for each in self.resources]

    def _notes(self) -> list[str]:
        kept = [f"{self.kept:,} points were kept from earlier"] if self.kept else []
        return kept or ([] if self.resources else ["nothing has been computed yet"])
