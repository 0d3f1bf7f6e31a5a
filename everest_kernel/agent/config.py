"""`agent.conf`, the configuration file of Everest's own agent, read as it is.

Acted upon: `resource.tasksDir`, `taskHandler.type`, `maxTasks`; `protocol.activeMode`, `passiveMode.enabled`,
`agentPort`, `clientTokens`, `pingPeriod`, `pongTimeout`; `security.allowedCommands`; `logging.level`; `taskProtocol`.
Other keys are accepted and have no effect here.
"""

from __future__ import annotations

import logging
import re
import stat
from pathlib import Path

import msgspec

from ..wire import MALFORMED, ConfigurationError

__all__ = ["AgentConf", "allowed_patterns", "read_conf"]

log = logging.getLogger(__name__)

PLACEHOLDER = "AGENTTOKEN"
"""What stands for the token in the file that is distributed."""

# each table of the file is a structure; keys that it does not name are ignored


class TaskHandler(msgspec.Struct, rename="camel", frozen=True):
    """`resource.taskHandler`."""

    type: str = "local"


class Resource(msgspec.Struct, rename="camel", frozen=True):
    """`resource`."""

    tasks_dir: str = "tasks"
    task_handler: TaskHandler = TaskHandler()
    max_tasks: int | None = 1


class ActiveMode(msgspec.Struct, rename="camel", frozen=True):
    """`protocol.activeMode`."""

    enabled: bool = False
    server_uri: str = msgspec.field(name="serverURI", default="wss://everest.distcomp.org/compute/agent/v1")
    agent_token: str = ""

    def __repr__(self) -> str:  # the token must not reach a log or a traceback
        return f"ActiveMode(enabled={self.enabled}, server_uri={self.server_uri!r})"

    @property
    def token(self) -> str:
        """The agent token, or empty while the placeholder stands there."""
        return "" if self.agent_token == PLACEHOLDER else self.agent_token


class PassiveMode(msgspec.Struct, rename="camel", frozen=True):
    """`protocol.passiveMode`."""

    enabled: bool = False
    agent_port: int = 8891
    client_tokens: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"PassiveMode(enabled={self.enabled}, agent_port={self.agent_port})"


class Protocol(msgspec.Struct, rename="camel", frozen=True):
    """`protocol`."""

    active_mode: ActiveMode = ActiveMode()
    passive_mode: PassiveMode = PassiveMode()
    ping_period: float = 10
    pong_timeout: float = 60


class Security(msgspec.Struct, rename="camel", frozen=True):
    """`security`."""

    allowed_commands: tuple[str, ...] | None = None


class Logging(msgspec.Struct, rename="camel", frozen=True):
    """`logging`."""

    level: str = "INFO"


class TaskProtocol(msgspec.Struct, rename="camel", frozen=True):
    """`taskProtocol`."""

    enabled: bool = False
    port: int = 9999


class AgentConf(msgspec.Struct, rename="camel", frozen=True):
    """The whole file."""

    resource: Resource = Resource()
    protocol: Protocol = Protocol()
    security: Security = Security()
    logging: Logging = Logging()
    task_protocol: TaskProtocol = TaskProtocol()

    @property
    def task_port(self) -> int | None:
        """Port of the task socket; None when it is switched off."""
        return self.task_protocol.port if self.task_protocol.enabled else None


def read_conf(path: Path) -> AgentConf:
    """Read an `agent.conf`.

    Raises:
        ConfigurationError: it cannot be read, is not JSON, or asks for something that this agent cannot do.
    """
    try:
        content = path.read_bytes()
        conf = msgspec.json.decode(content, type=AgentConf)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from error
    except MALFORMED as error:
        raise ConfigurationError(f"{path} is not an agent's configuration: {error}") from error
    if conf.resource.task_handler.type != "local":
        raise ConfigurationError(
            f"{path}: the task handler {conf.resource.task_handler.type!r} is not one of this agent",
            hint='Set resource.taskHandler.type to "local".',
        )
    if not isinstance(logging.getLevelName(conf.logging.level), int):
        raise ConfigurationError(f"{path}: there is no logging level {conf.logging.level!r}")
    allowed_patterns(conf)
    if (conf.protocol.active_mode.token or conf.protocol.passive_mode.client_tokens) and _is_open(path):
        log.warning("%s holds tokens and others may read it: chmod 600 %s", path, path)
    return conf


def allowed_patterns(conf: AgentConf) -> tuple[re.Pattern[str], ...] | None:
    """The expressions of `security.allowedCommands`; None when the file has none, an empty list admits nothing.

    Raises:
        ConfigurationError: one is not a regular expression.
    """
    texts = conf.security.allowed_commands
    if texts is None:
        return None
    patterns = []
    for text in texts:
        try:
            # no shell runs the command, so a line break in an argument is a character like others
            patterns.append(re.compile(text, re.DOTALL))
        except re.error as error:
            raise ConfigurationError(f"security.allowedCommands: {text!r} is no expression: {error}") from error
    return tuple(patterns)


def _is_open(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
