"""The user's side of Everest."""

from .client import EverestClient
from .embedded import embedded_server
from .follow import Follow
from .follower import Sink
from .server import Server
from .thread import ClientThread

__all__ = ["ClientThread", "EverestClient", "Follow", "Server", "Sink", "embedded_server"]
