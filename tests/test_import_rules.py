"""Which room may know which: the table of the design, enforced."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import everest_kernel

ROOT = Path(everest_kernel.__file__).parent

ALLOWED: dict[str, set[str]] = {
    "wire": set(),
    "interrupt_mask": set(),
    "languages": {"wire"},
    "client": {"wire", "interrupt_mask"},
    "records": {"wire"},
    "sockets": {"wire"},
    "hub": {"wire", "sockets"},
    "agent": {"wire", "sockets"},
    "lyapunov": set(),
    "routes": {"wire", "languages"},
    "sweeps": {"wire", "client", "languages", "routes", "records"},
    "notebook": {"wire", "sweeps", "routes", "languages", "client", "records", "lyapunov", "interrupt_mask"},
    "kernel": {"wire", "notebook", "records", "interrupt_mask"},
    "highlighting": {"notebook"},
    "commands": {
        *("wire", "hub", "agent", "client", "routes", "notebook", "records"),
        *("kernelspec", "local_hub", "demo", "kernel"),
    },
}
"""Room to the rooms that it may import. Everything may import the package itself (its version)."""


def imports(path: Path, root: Path) -> Iterator[str]:
    """Absolute names of our modules that a file imports, anywhere in it."""
    parts = ["everest_kernel", *path.relative_to(root).with_suffix("").parts]
    package = parts if path.name == "__init__.py" else parts[:-1]
    package = package[:-1] if path.name == "__init__.py" else package
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield name
            yield from (f"{name}.{alias.name}" for alias in node.names)


def violations(root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        room = path.relative_to(root).parts[0].removesuffix(".py")
        if room not in ALLOWED:
            continue
        for name in imports(path, root):
            parts = name.split(".")
            if parts[0] != "everest_kernel" or len(parts) == 1:
                continue
            other = parts[1]
            is_room = (root / other).is_dir() or (root / f"{other}.py").is_file()
            if is_room and other != room and other not in ALLOWED[room]:
                found.append(f"{path.relative_to(root)} imports {name}")
    return found


def test_no_room_knows_what_it_must_not() -> None:
    assert violations(ROOT) == []


def test_every_room_is_in_the_table() -> None:
    rooms = {path.name for path in ROOT.iterdir() if (path / "__init__.py").is_file()}
    assert rooms <= set(ALLOWED)


@pytest.mark.parametrize(
    "line",
    [
        "from ..agent import Agent",
        "import everest_kernel.agent.task",
        "from everest_kernel import agent",
        "def f():\n    from ..client.client import EverestClient",
        "from .. import notebook",
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, line: str) -> None:
    for room in ("hub", "agent", "client", "notebook"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text("")
    (tmp_path / "hub" / "bad.py").write_text(line)
    assert len(violations(tmp_path)) >= 1
