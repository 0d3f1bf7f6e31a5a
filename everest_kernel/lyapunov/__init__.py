"""Lyapunov exponents by Benettin's algorithm, for any system. Numbers only: this room knows nothing of Everest."""

from . import systems
from .adaptive import AdaptiveSpectrum, adaptive_spectrum
from .alignment import Alignment, alignment, gali, sali, tangent_vectors
from .bifurcation import BifurcationPoints, flow_crossings, flow_maxima, map_iterates, stroboscopic_map
from .classes import OrbitClass, classify, significant_sign
from .names import EquationError
from .picture_curves import bifurcation_picture, convergence_picture
from .pictures import Label, class_picture, exponent_picture
from .result import LyapunovSpectrum, kaplan_yorke
from .schedule import Schedule
from .spectrum import spectrum
from .step_check import StepWarning
from .system import System
from .zero_one import ZeroOne, zero_one

__all__ = [
    "AdaptiveSpectrum",
    "Alignment",
    "BifurcationPoints",
    "EquationError",
    "Label",
    "LyapunovSpectrum",
    "OrbitClass",
    "Schedule",
    "StepWarning",
    "System",
    "ZeroOne",
    "adaptive_spectrum",
    "alignment",
    "bifurcation_picture",
    "class_picture",
    "classify",
    "convergence_picture",
    "exponent_picture",
    "flow_crossings",
    "flow_maxima",
    "gali",
    "kaplan_yorke",
    "map_iterates",
    "sali",
    "significant_sign",
    "spectrum",
    "stroboscopic_map",
    "systems",
    "tangent_vectors",
    "zero_one",
]
