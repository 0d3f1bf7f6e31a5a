"""Which Everest a client talks to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

__all__ = ["Server"]


@dataclass
class Server:
    """An address and the token for it.

    Attributes:
        url: base URL without a trailing slash.
        token: client token; empty before a log-in.
        renew: for a server that may come back elsewhere: finds (or starts) it and gives its new address and token.
        name: as the configuration calls it; empty when it does not.
    """

    url: str
    token: str = field(default="", repr=False)
    renew: Callable[[], Awaitable[Server]] | None = field(default=None, repr=False)
    name: str = ""

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")

    @property
    def login_command(self) -> str:
        """What the user types to get a new token."""
        return f"everest-kernel login {self.name or self.url}"

    async def refresh(self) -> bool:
        """Find the server again; True when its address or token is a new one."""
        if self.renew is None:
            return False
        found = await self.renew()
        changed = (found.url, found.token) != (self.url, self.token)
        self.url, self.token = found.url, found.token
        return changed
