"""Finished points of one sweep on disk: found again at its start, written as they come, in order, off the event loop."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..wire import ConfigurationError
from .kept import pack_failure, pack_many, point_keys, unpack_many
from .space import Space

if TYPE_CHECKING:
    from ..records import PointStore

__all__ = ["Keeper", "Known", "Waiting"]

log = logging.getLogger(__name__)
_Numbers = NDArray[np.int64]
