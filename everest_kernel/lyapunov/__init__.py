"""Lyapunov exponents by Benettin's algorithm, for any system. Numbers only: this room knows nothing of Everest."""

from . import systems
from .result import LyapunovSpectrum, kaplan_yorke
from .schedule import Schedule
from .spectrum import spectrum
from .step_check import StepWarning
from .system import System

__all__ = [
    "LyapunovSpectrum",
    "Schedule",
    "StepWarning",
    "System",
    "kaplan_yorke",
    "spectrum",
    "systems",
]
