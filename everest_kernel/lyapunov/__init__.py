"""Lyapunov exponents by Benettin's algorithm. Numbers only: this room knows nothing of Everest."""

from .benettin import Flow, Schedule, benettin
from .lorenz import LorenzFlow, lorenz_eigenvalues, lorenz_spectrum
from .spectrum import LyapunovSpectrum, kaplan_yorke

__all__ = [
    "Flow",
    "LorenzFlow",
    "LyapunovSpectrum",
    "Schedule",
    "benettin",
    "kaplan_yorke",
    "lorenz_eigenvalues",
    "lorenz_spectrum",
]
