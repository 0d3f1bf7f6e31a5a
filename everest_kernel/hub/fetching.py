"""Outputs that stay with their agent until the hub fetches them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    import httpx

__all__ = ["FetchError", "Fetcher"]

_BLOCK = 1 << 18
_ATTEMPTS = 3
_PAUSE = 0.2


class FetchError(Exception):
    """A file could not be fetched; the message says why."""


class Fetcher:
    """Downloads from agents. The HTTP client is made when it is first needed."""

    def __init__(self) -> None:
        self._client: httpx.AsyncClient | None = None

    async def blocks(self, base: str, uri: str, auth: str) -> AsyncGenerator[bytes, None]:
        """The content behind a server-relative URI, piece by piece; a broken download is taken up anew.

        Args:
            base: address of the agent, `http://host:port`.
            uri: as the agent reported it.
            auth: the Authorization header.

        Raises:
            FetchError: it cannot be had.
        """
        import httpx

        if not base or not uri.startswith("/"):
            # an address elsewhere would make the hub ask whomever the agent likes
            raise FetchError(f"{uri[:100]!r} is not an address of the agent that the hub can reach")
        have = 0
        for attempt in range(_ATTEMPTS):
            try:
                async with aclosing(self._once(base + uri, auth, have)) as blocks:
                    async for block in blocks:
                        have += len(block)
                        yield block
                return
            except (httpx.HTTPStatusError, httpx.InvalidURL) as error:
                raise FetchError(str(error)) from error
            except httpx.HTTPError as error:
                if attempt + 1 == _ATTEMPTS:
                    raise FetchError(f"{type(error).__name__}: {error}") from error
            await anyio.sleep(_PAUSE * 2**attempt)

    async def _once(self, address: str, auth: str, skip: int) -> AsyncGenerator[bytes, None]:
        """The content from `skip` on; what is before it is read and dropped, as not every agent knows ranges."""
        async with self._http().stream("GET", address, headers={"Authorization": auth}) as response:
            response.raise_for_status()
            async for block in response.aiter_bytes(_BLOCK):
                if skip < len(block):
                    yield block[skip:]
                skip = max(0, skip - len(block))

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            # a redirect would carry the Authorization header to wherever it points
            timeout = httpx.Timeout(60, connect=10)
            self._client = httpx.AsyncClient(timeout=timeout, follow_redirects=False, trust_env=False)
        return self._client

    async def aclose(self) -> None:
        """Close the HTTP client."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None
