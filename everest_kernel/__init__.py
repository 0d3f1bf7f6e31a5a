"""Run notebook cells on the machines you have, through Everest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .notebook import RemoteJob

__all__ = ["RemoteJob", "__version__", "job", "load_ipython_extension", "remote", "unload_ipython_extension"]
__version__ = "0.1.0"

_ATTRIBUTE = "_everest"


def __getattr__(name: str) -> Any:
    # importing the package must cost nothing: the kernel starts through it
    if name == "RemoteJob":
        from .notebook import RemoteJob

        return RemoteJob
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def remote(
    route: str,
    code: str,
    *,
    inputs: Mapping[str, Any] | None = None,
    outputs: Sequence[str] = (),
    files: Sequence[str] = (),
    fetch: Sequence[str] = (),
    name: str = "",
    time_limit: float | None = None,
    queue_limit: float | None = None,
    settings: Mapping[str, Any] | None = None,
    fresh: bool = True,
) -> RemoteJob:
    """Start a program on a route, as a `%%remote` cell does, and go on at once.

    Args:
        route: `python`, `shell`, or a configured one.
        code: the program, in the route's language.
        inputs: values that it gets as variables.
        outputs: names of variables to bring back.
        files: patterns of local files to send.
        fetch: patterns of files to bring back into the working directory.
        name: the job's name.
        time_limit: seconds after which it is killed.
        queue_limit: seconds after which it is withdrawn, when it has not begun to run by then.
        settings: settings of the route's language, as `--with` gives them.
        fresh: False takes the kept result of the same work, or its job that is still running, instead of a new job.

    Returns:
        The job, whose output goes to the cell that called this: `await job` and `job.result()` give a dictionary of the
        outputs.

    Raises:
        EverestError: something about the call; nothing was submitted.

    Example:
        >>> jobs = [remote("python", "y = x ** 2", inputs={"x": x}, outputs=["y"]) for x in range(4)]
        >>> [job.result()["y"] for job in jobs]
        [0, 1, 4, 9]
    """
    from .notebook import shared_session, start_remote

    return start_remote(
        shared_session(),
        route,
        code,
        inputs=inputs,
        outputs=outputs,
        files=files,
        fetch=fetch,
        name=name,
        time_limit=time_limit,
        queue_limit=queue_limit,
        settings=settings,
        fresh=fresh,
    )


def job(job_id: str) -> RemoteJob:
    """A job that was submitted earlier, by this kernel or another one, on this day or another.

    It is followed in the background, and shows nothing of its output; `result()` gives its outputs by name, for a cell
    of this package's, and `log()` what it has written.

    Args:
        job_id: as headers and `%jobs` show it.

    Raises:
        RefusedError: its server has no such job.
        EverestError: the server cannot be asked.

    Example:
        >>> job("65f0c1d2e3a4b5c6d7e8f901").result()["y"]
        4
    """
    from .notebook import open_job, shared_session

    return open_job(shared_session(), job_id)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext everest_kernel`: the magics in any IPython."""
    from .notebook import load

    if not hasattr(shell, _ATTRIBUTE):
        object.__setattr__(shell, _ATTRIBUTE, load(shell))


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext everest_kernel`."""
    from .notebook import unload

    if hasattr(shell, _ATTRIBUTE):
        unload(shell, getattr(shell, _ATTRIBUTE))
        delattr(shell, _ATTRIBUTE)
