"""Sweeps: parameter spaces, fan-out, partial results, the labelled grid."""

from .chunks import PointCell
from .driver import SweepDriver
from .grid import Grid
from .keeper import Keeper, Waiting
from .outputs import SweepOutputError
from .progress import Meter, Progress
from .refine import Refinement, parse_refine
from .space import Space, parse_space
from .target import LaneTarget, chunk_language_of

__all__ = [
    "Grid",
    "Keeper",
    "LaneTarget",
    "Meter",
    "PointCell",
    "Progress",
    "Refinement",
    "Space",
    "SweepDriver",
    "SweepOutputError",
    "Waiting",
    "chunk_language_of",
    "parse_refine",
    "parse_space",
]
