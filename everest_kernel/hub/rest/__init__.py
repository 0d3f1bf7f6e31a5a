"""Everest's REST API, one module for each kind of thing."""

from .applications import application_routes
from .auth import auth_routes
from .common import Refusal, json_response, refusal_response, user_of
from .elsewhere import Elsewhere
from .files import file_routes
from .jobs import job_routes
from .openapi import openapi_routes
from .resources import resource_routes
from .users import user_routes

__all__ = [
    "Elsewhere",
    "Refusal",
    "application_routes",
    "auth_routes",
    "file_routes",
    "job_routes",
    "json_response",
    "openapi_routes",
    "refusal_response",
    "resource_routes",
    "user_of",
    "user_routes",
]
