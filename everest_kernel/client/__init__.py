"""The user's side of Everest."""

from .answers import Resource, TokenInfo
from .authentication import DEFAULT_LABEL, DEFAULT_LIFETIME
from .checkup import ask_without_token, look_at_network
from .client import EverestClient
from .diagnosis import ApplicationFact, Facts, Finding, Level, Login, RoundTrip, judge
from .embedded import embedded_server, running_hub
from .follow import Follow, is_file_uri
from .follower import DeafSink, Sink
from .job_log import LogLine
from .outputs import whole_file
from .publication import Published
from .server import Server
from .sweeps import SweepOutcome, SweepProgress, run_sweep
from .thread import ClientThread, Running
from .tokens import StoredToken, TokenStore, server_key, token_variable
from .transport import is_loopback

__all__ = [
    "DEFAULT_LABEL",
    "DEFAULT_LIFETIME",
    "ApplicationFact",
    "ClientThread",
    "DeafSink",
    "EverestClient",
    "Facts",
    "Finding",
    "Follow",
    "Level",
    "LogLine",
    "Login",
    "Published",
    "Resource",
    "RoundTrip",
    "Running",
    "Server",
    "Sink",
    "StoredToken",
    "SweepOutcome",
    "SweepProgress",
    "TokenInfo",
    "TokenStore",
    "ask_without_token",
    "embedded_server",
    "is_file_uri",
    "is_loopback",
    "judge",
    "look_at_network",
    "run_sweep",
    "running_hub",
    "server_key",
    "token_variable",
    "whole_file",
]
