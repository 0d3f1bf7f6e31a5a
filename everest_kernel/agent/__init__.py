"""Runs tasks on one resource for an Everest server."""

from .agent import Agent
from .settings import AgentSettings, PassiveSettings

__all__ = ["Agent", "AgentSettings", "PassiveSettings"]
