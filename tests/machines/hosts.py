"""Hosts that are network namespaces: each with an address, a link that can be cut, and an agent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

__all__ = ["Host", "Network", "network"]

_NETWORKS = count()


@dataclass
class Host:
    """One host.

    Attributes:
        namespace: of its network.
        link: the bridge's end of its cable.
        folder: of its agent's files.
        agent: the process, while it runs.
    """

    namespace: str
    link: str
    address: str
    folder: Path
    agent: subprocess.Popen[str] | None = None
    log: Path = field(default=Path())

    def start_agent(
        self,
        url: str,
        token: str,
        *,
        slots: int = 1,
        ping: float = 20.0,
        prefix: tuple[str, ...] = (),
        outside: bool = False,
        name: str = "",
    ) -> None:
        """`everest-kernel agent` on this host; it writes to `log`.

        Args:
            url: of the hub.
            token: of the resource.
            slots: tasks at once.
            ping: seconds between its keep-alive pings, and until it misses an answer.
            prefix: words before its command.
            outside: on the network of the test, not the host's.
            name: what it calls itself; by default as its network.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        conf = self.folder / "agent.conf"
        mode = {"enabled": True, "serverURI": f"{url.replace('http', 'ws', 1)}/compute/agent/v1", "agentToken": token}
        conf.write_text(
            json.dumps(
                {
                    "resource": {"tasksDir": str(self.folder / "tasks"), "maxTasks": slots},
                    "protocol": {"activeMode": mode, "pingPeriod": ping, "pongTimeout": ping},
                    "taskProtocol": {"enabled": True, "port": 9999},
                }
            )
        )
        conf.chmod(0o600)
        self.log = self.folder / "agent.log"
        command = [
            *prefix,
            sys.executable,
            "-m",
            "everest_kernel",
            "agent",
            "--conf",
            str(conf),
            "--name",
            name or self.namespace,
        ]
        with self.log.open("w") as log:
            self.agent = subprocess.Popen(
                command if outside else ["ip", "netns", "exec", self.namespace, *command],
                stdout=log, stderr=log, text=True,
            )  # fmt: skip

    def cut(self) -> None:
        """Nothing passes its cable any more, and nobody is told."""
        _ip("link", "set", self.link, "down")

    def mend(self) -> None:
        """It passes again."""
        _ip("link", "set", self.link, "up")

    def kill_agent(self) -> None:
        """As when the host loses power; its tasks stay as they are."""
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait(10)

    def stop_agent(self) -> None:
        """Ask it to end, and wait."""
        if self.agent is not None:
            self.agent.terminate()
            self.agent.wait(20)
            self.agent = None

    def leftovers(self) -> list[str]:
        """What is in its agent's folder of tasks."""
        found = self.folder / "tasks" / "everest-kernel"
        return [path.name for path in found.iterdir()] if found.is_dir() else []


@dataclass
class Network:
    """A bridge, on which this process has `address`, and hosts at it."""

    address: str
    hosts: list[Host]


@contextmanager
def network(hosts: int, folder: Path) -> Iterator[Network]:
    """So many hosts, until the end of the block; their agents end with it."""
    number = next(_NETWORKS)
    tag = f"{os.getpid() % 100_000}{number % 10}"
    bridge, prefix = f"evb{tag}", f"10.{77 + os.getpid() % 100}.{number % 250}"
    made: list[Host] = []
    if _ip("link", "add", bridge, "type", "bridge", check=False):
        pytest.skip("network namespaces cannot be made here (needs root and a kernel with bridges)")
    try:
        _ip("addr", "add", f"{prefix}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        for index in range(hosts):
            host = Host(f"evn{tag}{index}", f"evl{tag}{index}", f"{prefix}.{index + 2}", folder / f"host{index}")
            made.append(host)
            _join(host, bridge)
        yield Network(f"{prefix}.1", made)
    finally:
        for host in made:
            with suppress(subprocess.SubprocessError):
                host.mend()
                host.stop_agent()
            _ip("netns", "del", host.namespace, check=False)
        _ip("link", "del", bridge, check=False)


def _join(host: Host, bridge: str) -> None:
    _ip("netns", "add", host.namespace)
    _ip("link", "add", host.link, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    _ip("link", "set", host.link, "master", bridge, "up")
    _ip("-n", host.namespace, "addr", "add", f"{host.address}/24", "dev", "eth0")
    for device in ("lo", "eth0"):
        _ip("-n", host.namespace, "link", "set", device, "up")


def _ip(*words: str, check: bool = True) -> int:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.returncode
