"""`%everest`: the connection to the servers."""

from __future__ import annotations

import difflib
import getpass
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..languages import Display
from ..routes import EMBEDDED, load_configuration, route_table
from ..wire import CellOptionError
from .channels import LocalChannel
from .connection import publish_route, server_resources, server_statuses
from .doctor import examine
from .log_in import check_transport, find_target, log_in_with_password, store_token
from .session import NotebookSession
from .tables import table

__all__ = ["EVEREST_HELP", "SUBCOMMANDS", "EverestMagic"]

EVEREST_HELP = """\
The connection to the servers.

    %everest status             the servers, where their tokens are, and whether the default one answers
    %everest login [SERVER]     log in; asks for user name and password where the front end can be asked
    %everest resources [SERVER] the machines that jobs can be sent to
    %everest routes             the names that a cell can be sent to
    %everest publish ROUTE      create or update the application that the route's cells need, at its server
    %everest cache              the results that are kept, so that cells need not run again
    %everest cache clear [JOB]  drop the results of a job, or all
    %everest sweeps [clear]     the finished points of sweeps that are kept; drop them
    %everest doctor [SERVER] [--job]   check the connection step by step (with --job: run a tiny job, too)

SERVER is a name of your configuration; without it, the default server is meant. In a terminal,
`everest-kernel login URL --name lab` logs in at a server and makes it known as `lab`.

Examples

    %everest resources lab
    %everest publish maple
    %everest doctor lab --job
"""
SUBCOMMANDS = {
    "status": "",
    "login": "server",
    "resources": "server",
    "routes": "",
    "publish": "route",
    "cache": "",
    "sweeps": "",
    "doctor": "server",
}
"""What each takes: nothing (or words of its own), the name of a server, or that of a route."""
_TRY_HELP = "`%everest?` shows what there is."


class EverestMagic:
    """The magic of one shell.

    Args:
        shell: asked whether its front end can be asked.
        session: whose connections are used.
    """

    def __init__(self, shell: Any, session: NotebookSession) -> None:
        self._shell = shell
        self._session = session

    def everest(self, line: str) -> None:
        """Replaced by the help text when the magic is registered."""
        try:
            words = shlex.split(line) or ["status"]
        except ValueError as error:
            raise CellOptionError(f"the line cannot be read: {error}", hint=_TRY_HELP) from error
        word, *arguments = words
        if word not in SUBCOMMANDS:
            near = difflib.get_close_matches(word, SUBCOMMANDS, n=1)
            suggestion = f" Did you mean {near[0]!r}?" if near else ""
            raise CellOptionError(f"%everest has no {word!r}.{suggestion}", hint=_TRY_HELP)
        if word == "cache":
            from .cache_page import cache_bundle  # here: a kernel starts sooner without

            _show(cache_bundle(arguments, Path.cwd(), time.time()))
            return
        if word == "sweeps":
            from .sweep_page import sweeps_bundle

            _show(sweeps_bundle(arguments, time.time()))
            return
        flags = [argument for argument in arguments if argument.startswith("-")]
        names = [argument for argument in arguments if not argument.startswith("-")]
        unknown = [flag for flag in flags if word != "doctor" or flag != "--job"]
        if unknown:
            raise CellOptionError(f"%everest {word} has no option {unknown[0]}", hint=_TRY_HELP)
        if len(names) > bool(SUBCOMMANDS[word]):
            raise CellOptionError(f"too many words after %everest {word}: {' '.join(names)}", hint=_TRY_HELP)
        calls: dict[str, Callable[[], None]] = {
            "status": self.status,
            "login": lambda: self.login(*names),
            "resources": lambda: self.resources(*names),
            "routes": self.routes,
            "publish": lambda: self.publish(*names),
            "doctor": lambda: self.doctor(*names, job="--job" in flags),
        }
        calls[word]()

    def status(self) -> None:
        """A table of the servers."""
        found = self._session.thread.run(server_statuses(self._session, Path.cwd()))
        rows = [[f"{s.name} (default)" if s.default else s.name, s.url, s.token, s.state] for s in found]
        _show(table(["server", "address", "token", "state"], rows))

    def resources(self, server: str = "") -> None:
        """A table of a server's resources."""
        found = self._session.thread.run(server_resources(self._session, server or _default()))
        rows = [[r.name, r.state.lower(), _number(r.slots), _number(r.running), r.id] for r in found]
        _show(table(["name", "state", "slots", "running", "id"], rows))

    def routes(self) -> None:
        """A table of the routes."""
        rows = [
            [
                route.name,
                route.note or route.language.name,
                route.server,
                ", ".join(route.resources) or "any",
                route.application or "published as needed",
                f"{route.time_limit:g} s" if route.time_limit else "",
                f"not here: install {route.missing}" if route.missing else route.runs,
            ]
            for route in sorted(route_table(load_configuration(Path.cwd())).values(), key=lambda route: route.name)
        ]
        _show(table(["route", "language", "server", "resources", "application", "time limit", "program"], rows))

    def publish(self, route: str = "") -> None:
        """Publish what a route needs."""
        if not route:
            raise CellOptionError("say which route: %everest publish ROUTE", hint="`%everest routes` lists them.")
        done = self._session.thread.run(publish_route(self._session, route, Path.cwd()))
        said = "is as it should be; nothing was sent" if done.change == "unchanged" else f"was {done.change}"
        print(f"{done.address} at {done.url} {said}.")
        if done.toml:
            print(f"The route uses it with this line in its table:\n\n{done.toml}", end="")

    def doctor(self, server: str = "", *, job: bool = False) -> None:
        """Check the connection."""
        for finding in self._session.thread.run(examine(server, Path.cwd(), job=job)):
            print(finding)

    def login(self, server: str = "") -> None:
        """Log in where the front end can be asked; elsewhere say how."""
        from ..client import DEFAULT_LABEL, DEFAULT_LIFETIME

        name = server or _default()
        if name == EMBEDDED:
            print("The embedded hub needs no log-in.")
            return
        target = find_target(name, Path.cwd())
        command = f"everest-kernel login {target.name or target.url}"
        if not self._can_ask():
            print(f"This front end cannot be asked for a password. Run this in a terminal:\n\n    {command}")
            return
        check_transport(target.url, insecure=False)
        # the password has no name here: a verbose traceback of an interrupt shows every name's value
        new = self._session.thread.run(
            log_in_with_password(
                target.url,
                input(f"User name at {target.url}: "),
                getpass.getpass("Password (not shown): "),
                DEFAULT_LABEL,
                DEFAULT_LIFETIME,
            )
        )
        place = store_token(target.url, new.token)
        self._session.thread.run(self._session.use_token(target.name, new.token))
        print(f"Logged in at {target.url}. The token is kept in {place}.")
        if not target.name:
            print(f"`{command} --name NAME` in a terminal makes it known under a name.")

    def _can_ask(self) -> bool:
        kernel = getattr(self._shell, "kernel", None)
        return bool(kernel._allow_stdin) if kernel is not None else sys.stdin.isatty()


def _default() -> str:
    return load_configuration(Path.cwd()).default_server


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _show(bundle: dict[str, str]) -> None:
    LocalChannel().display(Display(dict(bundle)))
