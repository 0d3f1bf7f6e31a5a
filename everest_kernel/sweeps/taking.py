"""Brings the answers of chunks into the grid and onto the disk."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .chunks import Answer
from .grid import Grid
from .keeper import Keeper
from .outputs import SweepOutputError

__all__ = ["Taker"]

_Numbers = NDArray[np.int64]


class Taker:
    """Takes results.

    Args:
        grid: shows them.
        keeper: keeps them.
    """

    def __init__(self, grid: Grid, keeper: Keeper) -> None:
        self._grid = grid
        self._keeper = keeper

    def take(
        self, answer: Answer, numbers: _Numbers, resource: str, job_id: str
    ) -> tuple[_Numbers, _Numbers, list[str]]:
        """Take a chunk's answer.

        Args:
            answer: by places in the chunk.
            numbers: of the chunk's points; negative ones are nobody's any more.
            resource: that computed them.
            job_id: of the chunk's job.

        Returns:
            Numbers of the points with results, of those that failed, and their errors.
        """
        done, wanted = [np.empty(0, np.int64)], numbers >= 0
        failed = {int(numbers[place]): error for place, error in answer.failed.items() if wanted[place]}
        for group in answer.groups:
            here = wanted[group.index]
            at, seconds = numbers[group.index][here], group.seconds[here]
            values = {name: column[here] for name, column in group.values.items()}
            try:
                self._grid.put(at, values, seconds=seconds, resource=resource, job_id=job_id)
            except SweepOutputError as error:
                failed.update((int(number), error.message) for number in at)
                continue
            done.append(at)
            self._keeper.save(at, values, seconds, resource, job_id)
        errors, wrong = list(failed.values()), np.fromiter(failed, np.int64, len(failed))
        if errors:
            self.fail(wrong, errors, resource, job_id)
        return np.concatenate(done), wrong, errors

    def fail(self, numbers: _Numbers, errors: Sequence[str], resource: str = "", job_id: str = "") -> None:
        """Points that have no result and will get none."""
        self._grid.fail(numbers, list(errors), resource=resource, job_id=job_id)
        self._keeper.save_failed(numbers, list(errors), resource, job_id)
