"""The names a cell can be sent to, from configuration."""

from .config import EMBEDDED, Configuration, RouteSettings, ServerSettings, configuration_paths, load_configuration
from .durations import parse_duration
from .route import Route, cell_application, find_route, route_table

__all__ = [
    "EMBEDDED",
    "Configuration",
    "Route",
    "RouteSettings",
    "ServerSettings",
    "cell_application",
    "configuration_paths",
    "find_route",
    "load_configuration",
    "parse_duration",
    "route_table",
]
