"""The user's side of Everest."""

from .answers import Resource, TokenInfo
from .authentication import DEFAULT_LABEL, DEFAULT_LIFETIME
from .client import EverestClient
from .embedded import embedded_server
from .follow import Follow, is_file_uri
from .follower import Sink
from .job_log import LogLine
from .publication import Published
from .server import Server
from .thread import ClientThread
from .tokens import StoredToken, TokenStore, server_key, token_variable
from .transport import is_loopback

__all__ = [
    "DEFAULT_LABEL",
    "DEFAULT_LIFETIME",
    "ClientThread",
    "EverestClient",
    "Follow",
    "LogLine",
    "Published",
    "Resource",
    "Server",
    "Sink",
    "StoredToken",
    "TokenInfo",
    "TokenStore",
    "embedded_server",
    "is_file_uri",
    "is_loopback",
    "server_key",
    "token_variable",
]
