"""The errors of everest_kernel.

Everything a user can meet is one of these; each class is a thing that a caller would do differently::

    EverestError
    ├── TransportError             the server could not be reached, or the connection broke
    │   └── HubStartError          the embedded hub did not come up
    ├── EverestTimeoutError        an answer did not come in time
    ├── AuthenticationError        token or password not accepted
    ├── RefusedError               the server answered with a refusal (4xx, 5xx)
    ├── ProtocolError              the other side said something that does not fit the protocol
    ├── NoResourceError            nothing that is attached can run this
    ├── JobError                   about one job
    │   ├── JobFailedError         it ran and failed
    │   ├── JobCancelledError      it was cancelled
    │   └── QueueLimitError        it waited longer than allowed and was withdrawn
    ├── CellError                  the cell, as it is written, cannot be sent
    │   ├── CellOptionError        an option of the magic line
    │   └── ValueRefusedError      a value that cannot travel exactly, or is too large
    └── ConfigurationError         a configuration file or a route
"""

from __future__ import annotations

__all__ = [
    "AuthenticationError",
    "CellError",
    "CellOptionError",
    "ConfigurationError",
    "EverestError",
    "EverestTimeoutError",
    "HubStartError",
    "JobCancelledError",
    "JobError",
    "JobFailedError",
    "NoResourceError",
    "ProtocolError",
    "QueueLimitError",
    "RefusedError",
    "TransportError",
    "ValueRefusedError",
]


class EverestError(Exception):
    """Base of all errors of this package.

    Args:
        message: what happened, in one sentence.
        job_id: the Everest job concerned, when there is one.
        resource: name of the resource concerned, when there is one.
        hint: what the user can do next.
    """

    def __init__(
        self,
        message: str,
        *,
        job_id: str | None = None,
        resource: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.job_id = job_id
        self.resource = resource
        self.hint = hint

    def __str__(self) -> str:
        where = [f"{label} {value}" for label, value in (("job", self.job_id), ("resource", self.resource)) if value]
        text = f"{self.message} ({', '.join(where)})" if where else self.message
        return f"{text}\n{self.hint}" if self.hint else text

    def _render_traceback_(self) -> list[str]:
        """The lines IPython shows instead of a traceback: our own frames would only hide the cause."""
        return f"{type(self).__name__}: {self}".splitlines()


class TransportError(EverestError):
    """The server could not be reached, or the connection broke and could not be mended."""


class HubStartError(TransportError):
    """The embedded hub could not be started."""


class EverestTimeoutError(EverestError):
    """An answer did not come in time; the message names the phase."""


class AuthenticationError(EverestError):
    """The server did not accept the token, or the user name and password."""


class RefusedError(EverestError):
    """The server refused a request.

    Args:
        message: what was refused, with the server's own words.
        status: the HTTP status code.
    """

    def __init__(self, message: str, *, status: int, **context: str | None) -> None:
        super().__init__(message, **context)
        self.status = status


class ProtocolError(EverestError):
    """The other side sent something that does not fit the protocol."""


class NoResourceError(EverestError):
    """No attached resource can run the job."""


class JobError(EverestError):
    """Something about one job."""


class JobFailedError(JobError):
    """The job ran and failed.

    Args:
        message: the cause.
        exit_code: exit status of the program, when it ended by itself.
        last_lines: the end of its standard error (of its standard output, when that is empty).
    """

    def __init__(
        self,
        message: str,
        *,
        exit_code: int | None = None,
        last_lines: tuple[str, ...] = (),
        **context: str | None,
    ) -> None:
        super().__init__(message, **context)
        self.exit_code = exit_code
        self.last_lines = last_lines

    def __str__(self) -> str:
        head, *rest = super().__str__().split("\n", 1)
        lines = [head, *(f"  | {line}" for line in self.last_lines), *rest]
        return "\n".join(lines)


class JobCancelledError(JobError):
    """The job was cancelled before it ended."""


class QueueLimitError(JobError):
    """The job waited in the queue longer than its queue limit."""


class CellError(EverestError):
    """The cell, as it is written, cannot be sent; nothing was submitted."""


class CellOptionError(CellError):
    """An option of the magic line is unknown, incomplete or contradictory."""


class ValueRefusedError(CellError):
    """A value cannot travel exactly, or is larger than the limit.

    Args:
        message: which name, and why.
        name: the variable concerned.
    """

    def __init__(self, message: str, *, name: str | None = None, **context: str | None) -> None:
        super().__init__(message, **context)
        self.name = name


class ConfigurationError(EverestError):
    """A configuration file, a route or an environment variable is wrong."""
