"""Sweeps: parameter spaces, fan-out, partial results, the labelled grid."""

from .chunks import PointCell
from .driver import SweepDriver
from .grid import Grid
from .keeper import Keeper, Waiting
from .one_job import run_as_one_job
from .outputs import SweepOutputError
from .progress import Meter, Progress
from .refine import Refinement, parse_refine
from .space import Space, parse_space
from .taking import Taker
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
    "Taker",
    "Waiting",
    "chunk_language_of",
    "parse_refine",
    "parse_space",
    "run_as_one_job",
]
