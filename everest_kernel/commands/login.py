"""`everest-kernel login`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..wire import ConfigurationError
from .parts import Commands
from .prompts import ask, ask_secret

if TYPE_CHECKING:
    from ..client import TokenInfo

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "login",
        help="obtain a token for an Everest server and keep it",
        description="Asks for user name and password (neither is kept) and stores the token that the server gives: in "
        "the system's keyring where there is one, else in a file that only you can read.",
    )
    parser.add_argument("server", metavar="NAME|URL", help="a server of your configuration, or an address")
    parser.add_argument("--username", help="asked for when it is not given")
    parser.add_argument("--token", action="store_true", help="ask for a token that you have, instead of a password")
    parser.add_argument("--name", help="add the server to your configuration under this name")
    parser.add_argument("--label", help="what the server shows for the token (default: everest-kernel)")
    parser.add_argument("--lifetime", metavar="TIME", help="how long the token is good, such as 30d (default: 7d)")
    parser.add_argument("--insecure-http", action="store_true", help="allow http:// to another machine")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Ask, log in, store, and say where."""
    import anyio

    from ..client import DEFAULT_LABEL, DEFAULT_LIFETIME
    from ..notebook.log_in import check_transport, find_target, log_in_with_password, log_in_with_token, store_token
    from ..routes import check_server_name, parse_duration

    if options.name:
        check_server_name(options.name)
    try:
        lifetime = round(parse_duration(options.lifetime)) if options.lifetime else DEFAULT_LIFETIME
    except ValueError as error:
        raise ConfigurationError(f"--lifetime: {error}") from error
    target = find_target(options.server, Path.cwd())
    check_transport(target.url, insecure=options.insecure_http)
    if options.token:
        new = anyio.run(log_in_with_token, target.url, ask_secret("Token"))
    else:
        username = options.username or ask("User name")
        label = options.label or DEFAULT_LABEL
        new = anyio.run(log_in_with_password, target.url, username, ask_secret("Password"), label, lifetime)
    place = store_token(target.url, new.token)
    print(f"Logged in at {target.url}{_known(new.info)}. The token is kept in {place}.")
    _configure(target.name, target.url, options.name)
    return 0


def _known(info: TokenInfo) -> str:
    user = f" as {info.user}" if info.user else ""
    until = time.strftime(", until %Y-%m-%d %H:%M", time.localtime(info.expires)) if info.expires else ""
    return user + until


def _configure(present: str, url: str, name: str | None) -> None:
    """Make the server known under a name, or say how; tell when an environment variable is in the way."""
    from ..client import token_variable
    from ..routes import add_server, configuration_paths, server_table

    path = configuration_paths(Path.cwd())[0]
    if name and name != present:
        add_server(path, name, url)
        print(f"It is the server {name!r} of {path}.")
    elif not present:
        print(f"To use it, add these lines to {path} (or log in with --name NAME, which does so):\n")
        print(server_table("lab", url), end="")
    variable = token_variable(name or present) if name or present else ""
    if os.environ.get(variable):
        print(f"Note: the environment variable {variable} is set, and wins over this token.")
