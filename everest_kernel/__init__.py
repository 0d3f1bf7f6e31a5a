"""Run notebook cells on the machines you have, through Everest."""

__all__ = ["__version__"]
__version__ = "0.1.0"
