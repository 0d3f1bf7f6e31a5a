"""`everest-kernel hub`, and what its owner asks of it: `hub add-user`, `hub import-app`."""

from __future__ import annotations

import argparse
import getpass
import os
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .agent import CLIENT_TOKEN_VARIABLE
from .parts import Commands

if TYPE_CHECKING:
    from ..local_hub import Passive

__all__ = ["add", "passive_agents", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("hub", help="run the embedded Everest hub in the foreground")
    _add_home(parser, None)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--slots", type=int, help="tasks that run at once (default: the number of cores)")
    parser.add_argument("--no-agent", action="store_true", help="start no agent on this machine")
    parser.add_argument(
        "--passive-agent", action="append", default=[], metavar="NAME=URI",
        help="dial the agent that listens at ws://HOST:PORT; ?slots=N for one that runs N tasks at once (repeatable); "
        f"its client token is taken from the environment variable {CLIENT_TOKEN_VARIABLE}",
    )  # fmt: skip
    parser.add_argument(
        "--passive-token-file", type=Path, metavar="FILE", help="or from this file, which only you may read"
    )
    parser.add_argument("--embedded", action="store_true", help="end when nothing has used it for an hour")
    parser.add_argument("--idle-timeout", type=float, metavar="SECONDS", help="end when idle for so long")
    parser.add_argument("--tls-cert", type=Path, metavar="FILE", help="speak HTTPS: certificate with its chain, PEM")
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key, PEM")
    parser.add_argument(
        "--compat-failed-as-cancelled",
        action="store_true",
        help="report failed jobs as CANCELLED to C++ clients that know them by their header `charsets`: Templet's polls"
        " a failed job for ever",
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON when it is ready")
    parser.set_defaults(run=run)
    _add_owners_commands(parser)


def _add_home(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--home", type=Path, default=default, help="folder of its data (default: one in your data folder)"
    )


def _add_owners_commands(parser: argparse.ArgumentParser) -> None:
    owners = parser.add_subparsers(metavar="COMMAND", title="commands, whether the hub runs or not")
    user = owners.add_parser("add-user", help="let somebody log in by name and password")
    user.add_argument("name", help="the user's name; for one who exists, the password changes")
    user.set_defaults(run=_add_user)
    application = owners.add_parser("import-app", help="publish an application of Everest")
    application.add_argument("file", type=Path, help="the ZIP archive that Everest exports, or an application.json")
    application.add_argument(
        "--id",
        action="append",
        default=[],
        metavar="ID",
        dest="ids",
        help="an id or user/alias to answer to, as programs have it compiled in; may be repeated",
    )
    application.set_defaults(run=_import_app)
    for command in (user, application):
        _add_home(command, argparse.SUPPRESS)  # one given before the command stays


def run(options: argparse.Namespace) -> int:
    """Run the hub until it is told to stop."""
    from ..local_hub import IDLE_TIMEOUT, run_hub
    from ..wire import ConfigurationError

    if (options.tls_cert is None) != (options.tls_key is None):
        raise ConfigurationError("--tls-cert and --tls-key go together")
    run_hub(
        home=options.home,
        host=options.host,
        port=options.port,
        slots=options.slots,
        with_agent=not options.no_agent,
        idle_timeout=options.idle_timeout or (IDLE_TIMEOUT if options.embedded else None),
        tls=None if options.tls_cert is None else (options.tls_cert, options.tls_key),
        failed_as_cancelled=options.compat_failed_as_cancelled,
        as_json=options.json,
        passive=passive_agents(options.passive_agent, options.passive_token_file),
    )
    return 0


def _add_user(options: argparse.Namespace) -> int:
    from .hub_owner import add_user

    add_user(options.home, options.name, _password())
    print(f"{options.name} can log in.")
    return 0


def _password() -> str:
    from ..wire import ConfigurationError

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise ConfigurationError("the two passwords differ")
    return password


def _import_app(options: argparse.Namespace) -> int:
    from .hub_owner import import_application

    application = import_application(options.home, options.file, options.ids)
    names = dict.fromkeys([application.id, *options.ids, f"{application.user}/{application.alias}"])
    print(f"{application.name or application.alias}: {', '.join(names)}")
    return 0


def passive_agents(words: list[str], token_file: Path | None) -> list[Passive]:
    """What `--passive-agent` says, each with the client token.

    Raises:
        ConfigurationError: a word is not NAME=URI, or there is no token.
    """
    from ..local_hub import Passive
    from ..wire import ConfigurationError

    if not words:
        return []
    token = _token_of(token_file) if token_file else os.environ.get(CLIENT_TOKEN_VARIABLE, "")
    if not token:
        raise ConfigurationError(
            "there is no client token for the passive agents",
            hint=f"Put it into the environment variable {CLIENT_TOKEN_VARIABLE}, or use --passive-token-file.",
        )
    found = []
    for word in words:
        name, _, uri = word.partition("=")
        if not name or not uri:
            raise ConfigurationError(f"--passive-agent {word}: it is written NAME=ws://HOST:PORT")
        found.append(Passive(name, uri, token))
    return found


def _token_of(path: Path) -> str:
    from ..wire import ConfigurationError

    try:
        with path.open() as stream:
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise ConfigurationError(f"others may read the token file {path}", hint=f"chmod 600 {path}")
            return stream.read(4096).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the token file {path} cannot be read: {error}") from error
