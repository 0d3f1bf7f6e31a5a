"""Lyapunov exponents by Benettin's algorithm, for any system. Numbers only: this room knows nothing of Everest."""

from . import systems
from .adaptive import AdaptiveSpectrum, adaptive_spectrum
from .alignment import Alignment, alignment, gali, sali, tangent_vectors
from .bifurcation import flow_crossings, flow_maxima, map_iterates, stroboscopic_map
from .bifurcation_points import BifurcationPoints
from .classes import OrbitClass, classify, significant_sign
from .comparing import IntegratorComparison, compare_integrators
from .diagrams import bifurcation
from .indicators import alignment_of, zero_one_test
from .names import EquationError
from .numeric import jacobian, rates
from .orbits import Orbit, orbit
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
    "IntegratorComparison",
    "Label",
    "LyapunovSpectrum",
    "Orbit",
    "OrbitClass",
    "Schedule",
    "StepWarning",
    "System",
    "ZeroOne",
    "adaptive_spectrum",
    "alignment",
    "alignment_of",
    "bifurcation",
    "bifurcation_picture",
    "class_picture",
    "classify",
    "compare_integrators",
    "convergence_picture",
    "exponent_picture",
    "flow_crossings",
    "flow_maxima",
    "gali",
    "jacobian",
    "kaplan_yorke",
    "map_iterates",
    "orbit",
    "rates",
    "sali",
    "significant_sign",
    "spectrum",
    "stroboscopic_map",
    "systems",
    "tangent_vectors",
    "zero_one",
    "zero_one_test",
]
