"""Run notebook cells on the machines you have, through Everest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .lyapunov import System
    from .notebook import RemoteJob
    from .notebook.sweep_job import SweepJob
    from .sweeps import Grid

__all__ = [
    "Grid",
    "RemoteJob",
    "SweepJob",
    "__version__",
    "job",
    "load_ipython_extension",
    "remote",
    "sweep",
    "unload_ipython_extension",
]
__version__ = "0.1.0"

_ATTRIBUTE = "_everest"


def __getattr__(name: str) -> Any:
    # importing the package must cost nothing: the kernel starts through it
    if name == "RemoteJob":
        from .notebook import RemoteJob

        return RemoteJob
    if name == "Grid":
        from .sweeps import Grid

        return Grid
    if name == "SweepJob":
        from .notebook.sweep_job import SweepJob

        return SweepJob
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


def sweep(
    route: str | Sequence[str],
    code: str | System,
    parameters: Mapping[str, Any],
    *,
    outputs: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    where: str = "",
    zipped: bool = False,
    vectorized: bool = False,
    retries: int = 1,
    time_limit: float | None = None,
    retry_failed: bool = False,
    fresh: bool = False,
    T: float | None = None,  # noqa: N803 - the usual symbol
    dt: float | None = None,
    transient: float | None = None,
    renormalize: float | None = None,
    starts: int | None = None,
    leading: int | None = None,
    trace_rule: bool | None = None,
    kernel: str | None = None,
) -> SweepJob:
    """Start a program for each point of a parameter space, as a `%%sweep` cell does, and go on at once.

    Of a System it computes Lyapunov exponents, as a `%lyapunov` line does.

    Args:
        route: one, or several of one language; of Python for a System.
        code: the program for one point, in the route's language; or a `lyapunov.System`.
        parameters: name to a sequence of values, or to a text such as `"20:50:31"`. Of a System a number as well,
            which is the same at all points; those that are not named have the system's own values.
        outputs: names of the results: numbers, texts, or arrays of one shape. A System has L1 … Ln, their standard
            errors dL1 … dLn, D_KY, `orbit` and `kernel`; by default all but the last.
        inputs: values that are the same for all points.
        where: an expression over the parameters; only points for which it is true are computed.
        zipped: the parameters go in step, instead of each with each.
        vectorized: the program takes arrays of points (Python).
        retries: how often a job that failed is tried again before it is split.
        time_limit: seconds after which a job is killed.
        retry_failed: compute points again that failed.
        fresh: compute all points again.
        T: of a System, as all that follow: averaging time; by default 500, for maps 10,000 iterations.
        dt: step of the Runge-Kutta method; by default the system's own.
        transient: time dropped before; by default 50, for maps 1,000 iterations.
        renormalize: time between two orthonormalisations; by default five steps, for maps one iteration.
        starts: how many starting points are averaged; by default 1.
        leading: how many exponents; by default all.
        trace_rule: take the last exponent from the sum of all.
        kernel: `numba`, `numpy`, or `auto`, the default: numba where the resource has it.

    Returns:
        The sweep: `await` it, or `result()`, for its grid, which `grid` gives at any moment.

    Raises:
        EverestError: something about the call; nothing was submitted.

    Example:
        >>> squares = sweep("python", "y = x * x", {"x": range(4)}, outputs=["y"])
        >>> squares.result().y.tolist()
        [0, 1, 4, 9]
        >>> spectra = sweep("python", systems.lorenz(), {"rho": "20:60:41", "sigma": 16}, T=1000)
        >>> spectra.result().plot("L1")
    """
    from .notebook import shared_session
    from .notebook.sweep_start import start_sweep

    return start_sweep(
        shared_session(),
        route,
        code,
        parameters,
        outputs=outputs,
        inputs=inputs,
        where=where,
        zipped=zipped,
        vectorized=vectorized,
        retries=retries,
        time_limit=time_limit,
        retry_failed=retry_failed,
        fresh=fresh,
        exponents={
            "T": T,
            "dt": dt,
            "transient": transient,
            "renormalize": renormalize,
            "starts": starts,
            "leading": leading,
            "trace_rule": trace_rule,
            "code": kernel,
        },
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
