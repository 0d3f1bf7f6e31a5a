"""One running parameter sweep: what its tasks are, which are ended, and what is left to do. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..wire import Plan, ProtocolError, TaskState
from .contents import Content

__all__ = ["Sweep"]


@dataclass
class Sweep:
    """A sweep job's own part.

    Attributes:
        plan: which tasks there are.
        inputs: path in its archive to the URI under which the job's files hold it.
        base: the number of a task's first attempt since the hub started.
        staged: where the outputs of tasks are that are not ended yet, by number and path.
        done: tasks that succeeded.
        failed: tasks that failed.
        cancelled: tasks that were started and cancelled.
        storing: ends of tasks that are on their way to the disk.
        over: whether the scheduler has no more of its tasks.
        problem: why no more tasks can be made, or empty.
        failure: the first task's failure, as a sentence.
        inline: data URIs of small inputs, kept because every task gets the same.
    """

    plan: Plan
    inputs: Mapping[str, str]
    base: int = 0
    staged: dict[int, dict[str, Content]] = field(default_factory=dict)
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    storing: int = 0
    over: bool = False
    problem: str = ""
    failure: str = ""
    inline: dict[str, str] = field(default_factory=dict)
    _ended: bytearray = field(init=False, repr=False)
    _differ: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._ended = bytearray((self.plan.size + 7) // 8)
        self._differ = any("${" in name for name in (*self.plan.input_files, *self.plan.output_files))

    def has_ended(self, number: int) -> bool:
        """Whether a task's end is on disk."""
        return bool(self._ended[number >> 3] & (1 << (number & 7)))

    def end(self, number: int, state: str, message: str) -> None:
        """A task's end is on disk now. The same end twice counts once."""
        if self.has_ended(number):
            return
        self._ended[number >> 3] |= 1 << (number & 7)
        if state == TaskState.DONE:
            self.done += 1
        elif state == TaskState.CANCELED:
            self.cancelled += 1
        else:
            self.failed += 1
            self.failure = self.failure or f"task {number}: {message or state}"

    def source(self, without: frozenset[int] = frozenset()) -> Iterator[int | None]:
        """Numbers of the tasks that are not ended, for the scheduler; those of `without` are left out."""
        try:
            for number in self.plan.numbers():
                if number is None or not (self.has_ended(number) or number in without):
                    yield number
        except ProtocolError as error:  # a constraint that cannot be computed at some point
            self.problem = error.message

    def may_claim(self, number: int) -> bool:
        """Whether an agent may have this task and it is not ended: asked once after a start."""
        if not 0 <= number < self.plan.size or self.has_ended(number):
            return False
        try:
            return self.plan.allows(self.plan.values(number))
        except ProtocolError:
            return False

    def check(self, number: int) -> None:
        """Whether a task can be sent; those whose names are the same for all were checked with the plan.

        Raises:
            ProtocolError: one of its input files is not in the archive, or a name is no safe path.
        """
        if not self._differ:
            return
        missing = [path for path in self.plan.task(number).input_files if path not in self.inputs]
        if missing:
            raise ProtocolError(f"the input file {missing[0]!r} is not in the sweep's archive")

    @property
    def finished(self) -> bool:
        """Whether every task's end is on disk, so that the results can be collected."""
        return self.over and not self.storing

    @property
    def verdict(self) -> tuple[bool, str]:
        """Whether all went well, and a sentence when not."""
        problems = [self.problem] if self.problem else []
        if self.failed:
            problems.insert(0, f"{self.failed:,} of {self.done + self.failed:,} tasks failed; {self.failure}")
        if self.cancelled:
            problems.insert(0, f"cancelled when {self.done:,} of {self.plan.size:,} tasks were done")
        return not problems, "; ".join(problems)
