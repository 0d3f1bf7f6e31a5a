"""The one seam to httpx: requests out, errors of our own tree in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import msgspec

from ..wire import (
    MALFORMED,
    AuthenticationError,
    EverestError,
    EverestTimeoutError,
    RefusedError,
    TransportError,
)
from .answers import page_text
from .redaction import redact_logs
from .server import Server
from .tls import tls_problem

__all__ = ["Transport", "is_loopback"]

_PHASES = {
    httpx.ConnectTimeout: "connecting",
    httpx.ReadTimeout: "waiting for its answer",
    httpx.WriteTimeout: "sending",
    httpx.PoolTimeout: "waiting for a free connection",
}
_SAFE_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_LIMITS = httpx.Limits(max_connections=32, max_keepalive_connections=32)
"""Two hundred jobs that start at once share a few connections: a new one costs more than a wait for an old one."""
_ATTEMPTS = 3
_PAUSE = 0.1


class Transport:
    """Sends requests to one server.

    Args:
        server: whose address and token are looked up for each request.
        transport: stands in for the network in tests.
        timeout: limits in seconds by phase.
    """

    def __init__(self, server: Server, transport: httpx.AsyncBaseTransport | None, timeout: httpx.Timeout) -> None:
        self._server = server
        redact_logs()
        # redirects are not followed: the token must not travel to wherever they point
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
            limits=_LIMITS,
            trust_env=not is_loopback(server.url),  # no proxy on the way to this machine
            verify=httpx.create_ssl_context(),
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: Any = None,
        files: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> httpx.Response:
        """One request and its answer, repeated after a broken connection where repeating is safe.

        `repeatable` says whether it may be; by default as the method allows.

        Raises:
            EverestError: mapped from whatever went wrong.
        """
        safe = method in _SAFE_METHODS if repeatable is None else repeatable
        body = msgspec.json.encode(json) if json is not None else content
        sent = {"Content-Type": "application/json"} if json is not None else {}
        for attempt in range(_ATTEMPTS):
            try:
                return await self._once(method, path, body, files, params, {**sent, **(headers or {})})
            except TransportError:
                await self._server.refresh()
                if not safe or attempt == _ATTEMPTS - 1:
                    raise
                await anyio.sleep(_PAUSE * 2**attempt)
            except AuthenticationError:
                if attempt or not await self._server.refresh():
                    raise
        raise AssertionError("unreachable")

    async def _once(
        self, method: str, path: str, body: Any, files: Any, params: Mapping[str, str] | None, headers: dict[str, str]
    ) -> httpx.Response:
        with _mapped(self._server.url):
            response = await self._client.request(
                method,
                self._url(path),
                content=body,
                files=files,
                params=params,
                headers={**self._authorization(path), **headers},
            )
        self._client.cookies.clear()  # a log-in sets one; kept, it would outlive the token that is sent
        _check(response, self._server)
        return response

    async def probe(self, path: str) -> httpx.Response:
        """The answer to a GET without the token, whatever its status.

        Raises:
            EverestError: there is none.
        """
        with _mapped(self._server.url):
            return await self._client.get(self._url(path))

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of a GET in pieces.

        Raises:
            EverestError: mapped from whatever went wrong.
        """
        with _mapped(self._server.url):
            async with self._client.stream("GET", self._url(path), headers=self._authorization(path)) as response:
                if response.is_error:
                    await response.aread()
                _check(response, self._server)
                yield response.aiter_bytes(1 << 18)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def _url(self, path: str) -> str:
        # a URI of another server is fetched as it is; see `_authorization`
        return self._server.url + path if path.startswith("/") else path

    def _authorization(self, path: str) -> dict[str, str]:
        """The token, for this server alone: a job's result may point anywhere."""
        ours = path.startswith(("/", f"{self._server.url}/"))
        return {"Authorization": f"Bearer {self._server.token}"} if ours and self._server.token else {}


class _mapped:  # noqa: N801 - reads as a verb in `with _mapped(url)`
    """Turns httpx's errors into ours, the most specific first, with the cause kept."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)):
            return
        raise self._map(error) from error

    def _map(self, error: Exception) -> EverestError:
        if isinstance(error, httpx.TimeoutException):
            phase = _PHASES.get(type(error), "an exchange")
            return EverestTimeoutError(
                f"{self._url} took too long: {phase}", hint="Is the server overloaded, or the network slow?"
            )
        if isinstance(error, httpx.ConnectError):
            problem = tls_problem(error)
            if problem:
                return TransportError(
                    f"{self._url} is not trusted: {problem}", hint="`everest-kernel doctor` looks at it step by step."
                )
            return TransportError(f"{self._url} cannot be reached: {error}", hint="Is the address right?")
        if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol)):
            return TransportError(f"{self._url} is not an address of a server: {error}")
        return TransportError(f"the connection to {self._url} broke: {str(error) or type(error).__name__}")


def _check(response: httpx.Response, server: Server) -> None:
    """Raise for every answer that is not a success."""
    status, url = response.status_code, server.url
    if response.is_success:
        return
    said = _reason(response)
    if status == 401:
        hint = f"Log in again: `{server.login_command}`." if server.name else _WHICH_SERVER
        raise AuthenticationError(f"{url} does not accept the token: {said}", hint=hint)
    if response.is_redirect:
        said = f"it redirects to {response.headers.get('location', 'nowhere')}"
    raise RefusedError(f"{url} refused ({status}): {said}", status=status, hint=_HINTS.get(status))


_WHICH_SERVER = "Log in again, or check which server the route names."
_HINTS = {
    429: "It gets too many requests; try again in a while.",
    502: "What stands before the server cannot reach it.",
    503: "It is overloaded or under repair; try again in a while.",
    504: "What stands before the server got no answer from it.",
}


def _reason(response: httpx.Response) -> str:
    page = page_text(response)
    if page:
        return f"it answers with a web page: {page}"
    try:
        content = msgspec.json.decode(response.content)
    except MALFORMED:
        return response.text.strip()[:500] or response.reason_phrase
    if not isinstance(content, dict):
        return response.reason_phrase
    said = next((content[key] for key in ("error", "message") if content.get(key)), None)
    return str(said or response.reason_phrase)[:500]


def is_loopback(url: str) -> bool:
    """Whether a URL's host is this machine."""
    host = httpx.URL(url).host
    return host == "localhost" or host == "::1" or host.startswith("127.")
