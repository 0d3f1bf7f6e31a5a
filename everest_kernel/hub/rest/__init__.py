"""Everest's REST API, one module for each kind of thing."""

from .applications import application_routes
from .auth import auth_routes
from .common import Refusal, json_response, refusal_response, user_of
from .files import file_routes
from .jobs import job_routes
from .resources import resource_routes

__all__ = [
    "Refusal",
    "application_routes",
    "auth_routes",
    "file_routes",
    "job_routes",
    "json_response",
    "refusal_response",
    "resource_routes",
    "user_of",
]
