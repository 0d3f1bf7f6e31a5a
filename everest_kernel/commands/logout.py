"""`everest-kernel logout`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..wire import AuthenticationError, EverestError
from .parts import Commands

__all__ = ["add", "run"]


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("logout", help="revoke the token for an Everest server, and forget it")
    parser.add_argument("server", metavar="NAME|URL", help="a server of your configuration, or an address")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Revoke and forget; status 1 when the server could not be told."""
    import anyio

    from ..client import TokenStore
    from ..notebook.log_in import find_target, revoke

    target = find_target(options.server, Path.cwd())
    store = TokenStore()
    stored = store.get(target.url)
    if stored is None:
        print(f"There is no stored token for {target.url}.")
        return 0
    store.forget(target.url)
    try:
        anyio.run(revoke, target.url, stored.token)
    except AuthenticationError:  # it was worthless already
        pass
    except EverestError as error:
        print(f"everest-kernel: the token is forgotten here, but it could not be revoked: {error}", file=sys.stderr)
        return 1
    print(f"Logged out of {target.url}.")
    return 0
