"""The names a cell can be sent to, from configuration."""

from .config import (
    EMBEDDED,
    CacheSettings,
    Configuration,
    RouteSettings,
    ServerSettings,
    configuration_paths,
    load_configuration,
)
from .durations import parse_duration
from .new_server import add_server, check_server_name, server_table
from .route import Route, RouteTable, cell_application, find_route, route_table
from .sizes import parse_size

__all__ = [
    "EMBEDDED",
    "CacheSettings",
    "Configuration",
    "Route",
    "RouteSettings",
    "RouteTable",
    "ServerSettings",
    "add_server",
    "cell_application",
    "check_server_name",
    "configuration_paths",
    "find_route",
    "load_configuration",
    "parse_duration",
    "parse_size",
    "route_table",
    "server_table",
]
