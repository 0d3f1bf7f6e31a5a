"""Finds out how a server can be reached, step by step and each for a limited time; `diagnosis` judges it."""

from __future__ import annotations

import asyncio
import email.utils
import socket
import ssl
import time
import urllib.request
from dataclasses import replace

import anyio
import httpx

from ..wire import EverestError
from .answers import page_text
from .client import EverestClient
from .diagnosis import Answer, Network
from .tls import tls_problem
from .transport import is_loopback

__all__ = ["ask_without_token", "look_at_network"]

_SECONDS = 10.0
# a job that no server has; without a token Everest says 401 all the same
_QUESTION = "/api/jobs/0"


async def look_at_network(url: str) -> Network:
    """The way to a server: its name, a connection to it, its certificate."""
    parsed = httpx.URL(url)
    tls = parsed.scheme == "https"
    port = parsed.port or (443 if tls else 80)
    loopback = is_loopback(url)
    proxy = not loopback and parsed.scheme in urllib.request.getproxies()
    found = Network(parsed.host, port, tls, proxy=proxy, loopback=loopback)
    try:
        with anyio.fail_after(_SECONDS):
            addresses = await asyncio.get_running_loop().getaddrinfo(parsed.host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        return replace(found, resolve_error=f"no answer from the name server within {_SECONDS:g} s")
    except OSError as error:
        return replace(found, resolve_error=error.strerror or str(error))
    found = replace(found, addresses=tuple(dict.fromkeys(str(address[4][0]) for address in addresses)))
    return await _connect(found)


async def _connect(found: Network) -> Network:
    context = httpx.create_ssl_context() if found.tls else None
    try:
        with anyio.fail_after(_SECONDS):
            _, writer = await asyncio.open_connection(found.host, found.port, ssl=context)
    except TimeoutError:
        return replace(found, error=f"no connection within {_SECONDS:g} s")
    except ssl.SSLError as error:
        return replace(found, tls_error=tls_problem(error))
    except OSError as error:
        return replace(found, error=error.strerror or str(error))
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    try:
        with anyio.fail_after(_SECONDS):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        pass  # what was to be known is known
    expires = certificate.get("notAfter")
    return replace(found, expires=ssl.cert_time_to_seconds(expires) if expires else None)


async def ask_without_token(client: EverestClient) -> Answer:
    """What the server says to somebody it does not know."""
    began, wall = time.monotonic(), time.time()
    try:
        with anyio.fail_after(_SECONDS):
            response = await client.probe(_QUESTION)
    except TimeoutError:
        return Answer(error=f"no answer within {_SECONDS:g} s")
    except EverestError as error:
        return Answer(error=error.message)
    seconds = time.monotonic() - began
    said = response.headers.get("date")
    return Answer(
        status=response.status_code,
        page=page_text(response),
        seconds=seconds,
        server_time=_moment(said) if said else None,
        our_time=wall + seconds / 2,
    )


def _moment(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except ValueError:
        return None
