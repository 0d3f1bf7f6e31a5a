"""`everest-kernel agent`."""

from __future__ import annotations

import argparse
import logging
import os
import platform
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from .parts import Commands

if TYPE_CHECKING:
    from ..agent import Agent, AgentSettings, PassiveSettings
    from ..agent.config import AgentConf

__all__ = ["add", "run", "settings_of"]

TOKEN_VARIABLE = "EVEREST_AGENT_TOKEN"
CLIENT_TOKEN_VARIABLE = "EVEREST_AGENT_CLIENT_TOKEN"
_DEFAULT_CONF = Path("conf/agent.conf")


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "agent",
        help="run an agent on this machine in the foreground",
        description="Tokens come from the configuration file or from the environment: "
        f"{TOKEN_VARIABLE} for --server, {CLIENT_TOKEN_VARIABLE} for --passive.",
    )
    parser.add_argument("-c", "--conf", type=Path, metavar="FILE", help=f"agent.conf (default: {_DEFAULT_CONF})")
    parser.add_argument("--server", metavar="URI", help="dial this server: ws://… or wss://…")
    parser.add_argument("--passive", metavar="[HOST:]PORT", help="listen for controllers (default host: 127.0.0.1)")
    parser.add_argument("--slots", type=int, help="tasks that run at once (default: the number of cores)")
    parser.add_argument("--name", default=platform.node(), help="of the resource (default: %(default)s)")
    parser.add_argument("--tasks-dir", type=Path, help="where tasks get their folders")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the agent until a signal ends it and its tasks."""
    import anyio
    import filelock

    from ..agent import Agent
    from ..wire import ConfigurationError

    settings = settings_of(options)
    folder = settings.tasks_dir
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # an agent removes what it finds in its folder: two must not share one
    lock = filelock.FileLock(folder.parent / f"{folder.name}.lock", timeout=0)
    try:
        with lock:
            anyio.run(_serve, Agent(settings), settings)
    except filelock.Timeout:
        raise ConfigurationError(f"another agent uses {folder}", hint="Name another folder with --tasks-dir.") from None
    return 0


async def _serve(agent: Agent, settings: AgentSettings) -> None:
    import anyio

    from ..wire import EverestError

    failure: EverestError | None = None

    async def end_by_signal() -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                group.cancel_scope.cancel()
                return

    async def announce() -> None:
        if settings.server_uri:
            print(f"The agent {settings.name} dials {settings.server_uri}. Ctrl-C stops it.", flush=True)
        if agent.door is not None and settings.passive is not None:
            await agent.door.ready.wait()
            address = f"ws://{settings.passive.host}:{agent.door.port}/agent/ws"
            print(f"The agent {settings.name} listens at {address}. Ctrl-C stops it.", flush=True)

    async with anyio.create_task_group() as group:
        group.start_soon(end_by_signal)
        group.start_soon(announce)
        try:
            await agent.run()
        except EverestError as error:  # a task group would wrap it in a group of its own
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure


def settings_of(options: argparse.Namespace) -> AgentSettings:
    """What the command line, the file and the environment say together; in this order the first wins.

    Raises:
        ConfigurationError: nothing to dial or to listen on, or a token is missing.
    """
    from ..agent import AgentSettings
    from ..agent.config import AgentConf, allowed_patterns, read_conf
    from ..wire import ConfigurationError

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    explicit = options.server or options.passive
    path = options.conf or (_DEFAULT_CONF if not explicit and _DEFAULT_CONF.is_file() else None)
    conf = AgentConf() if path is None else read_conf(path)
    logging.getLogger("everest_kernel").setLevel(conf.logging.level)
    active = conf.protocol.active_mode
    server = options.server or (active.server_uri if active.enabled and not options.passive else "")
    passive = _passive(options.passive, conf, wanted=conf.protocol.passive_mode.enabled and not options.server)
    if not server and passive is None:
        raise ConfigurationError(
            "the agent has nothing to dial and nothing to listen on",
            hint="Use --server URI, --passive PORT, or a configuration file that enables a mode.",
        )
    if server and not server.startswith(("ws://", "wss://")):
        raise ConfigurationError(f"{server!r} is not the address of a server", hint="Write ws://… or wss://….")
    token = os.environ.get(TOKEN_VARIABLE) or active.token
    if server and not token:
        raise ConfigurationError(
            "there is no agent token",
            hint=f"Put it into the environment variable {TOKEN_VARIABLE}, or into protocol.activeMode.agentToken.",
        )
    return AgentSettings(
        server_uri=server,
        token=token,
        name=options.name,
        tasks_dir=options.tasks_dir or _tasks_dir(conf if path else None),
        slots=options.slots or (conf.resource.max_tasks if path else None),
        passive=passive,
        allowed_commands=allowed_patterns(conf),
        task_port=conf.task_port if path else 0,
        ping=(conf.protocol.ping_period, conf.protocol.pong_timeout),
    )


def _tasks_dir(conf: AgentConf | None) -> Path:
    """Everything in this folder is removed at the start, so within a configured one it is a folder of its own."""
    if conf is not None:
        return Path(conf.resource.tasks_dir).absolute() / "everest-kernel"
    import platformdirs

    return Path(platformdirs.user_data_path("everest-kernel")) / "agent" / "tasks"


def _passive(address: str | None, conf: AgentConf, *, wanted: bool) -> PassiveSettings | None:
    from ..agent import PassiveSettings
    from ..wire import ConfigurationError

    if address is None and not wanted:
        return None
    given = os.environ.get(CLIENT_TOKEN_VARIABLE)
    tokens = (given,) if given else conf.protocol.passive_mode.client_tokens
    if not any(tokens):
        raise ConfigurationError(
            "there is no client token",
            hint=f"Put one into the environment variable {CLIENT_TOKEN_VARIABLE}, "
            "or into protocol.passiveMode.clientTokens.",
        )
    tokens = tuple(token for token in tokens if token)
    if address is None:
        return PassiveSettings(tokens, conf.protocol.passive_mode.agent_port)
    host, _, port = address.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ConfigurationError(f"--passive {address}: not a port, or a host and a port")
    return PassiveSettings(tokens, int(port), host.strip("[]") or "127.0.0.1")
