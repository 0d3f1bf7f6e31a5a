"""The embedded Everest: REST and events for clients, a gateway for agents, a store and a scheduler."""

from .hub import Hub, HubSettings

__all__ = ["Hub", "HubSettings"]
