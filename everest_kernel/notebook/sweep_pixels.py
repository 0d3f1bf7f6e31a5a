"""Pixels of a heat map: which value each of them shows, and its colour."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from .sweep_slice import Floats
from .sweep_text import limits

__all__ = ["COLORS", "Pixels", "cells_of", "color_range", "colors_of", "drawable", "ends_of", "png_of"]

COLORS = "viridis"
"""matplotlib's name of the scale."""
_LARGEST = 1e300
"""What is larger is drawn as this: sums of numbers near the limit of floating point overflow."""
_WAITING_RGB = (232, 232, 232)

Pixels = NDArray[np.uint8]


def png_of(pixels: Pixels) -> bytes:
    """A PNG file of an image, of shape (height, width, 3 or more)."""
    from PIL import Image  # matplotlib needs it itself

    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[..., :3])).save(file, "png", compress_level=3)
    return file.getvalue()


def colors_of(values: Floats, low: float, high: float) -> Pixels:
    """The colours of values, of their shape and three."""
    from matplotlib import colormaps

    palette = np.empty((257, 3), np.uint8)
    palette[:256] = colormaps[COLORS](np.arange(256), bytes=True)[:, :3]
    palette[256] = _WAITING_RGB
    steps = (np.clip(values, low, high) - low) * (255.99 / (high - low))
    steps[np.isnan(steps)] = 256
    colors: Pixels = palette[steps.astype(np.int16)]
    return colors


def cells_of(places: Floats, pixels: int) -> NDArray[np.intp]:
    """The index of the value that each pixel of an axis shows."""
    rising = places if len(places) < 2 or places[-1] > places[0] else places[::-1]
    between = (rising[1:] + rising[:-1]) / 2
    first, last = ends_of(rising)
    centres = first + (np.arange(pixels) + 0.5) * (last - first) / pixels
    found = np.searchsorted(between, centres)
    return found if rising is places else (len(places) - 1 - found)


def ends_of(places: Floats) -> tuple[float, float]:
    """Where an axis begins and ends, with half a cell around the outermost points; rising."""
    low, high = sorted((float(places[0]), float(places[-1])))
    if len(places) < 2:
        return low - 0.5, high + 0.5
    ascending = np.sort(places)
    return low - float(ascending[1] - ascending[0]) / 2, high + float(ascending[-1] - ascending[-2]) / 2


def color_range(values: Floats) -> tuple[float, float]:
    """The values of the first and the last colour. A few wild values do not take the colours from all others."""
    low, high = limits(values)
    if low > high:
        return 0.0, 1.0
    finite = values[np.isfinite(values)]
    sample = drawable(finite[:: len(finite) // 20_000 + 1])
    low, high = max(low, -_LARGEST), min(high, _LARGEST)
    usual = [float(end) for end in np.quantile(sample, (0.005, 0.995))]
    width = usual[1] - usual[0]
    if width > 0:
        low, high = max(low, usual[0] - 2 * width), min(high, usual[1] + 2 * width)
    size = max(abs(low), abs(high))
    if not high - low > max(1e-12 * size, 1e-290):
        margin = size * 1e-3 if size > 1e-280 else 0.5
        return min(low, high) - margin, max(low, high) + margin
    return low, high


def drawable(values: Floats) -> Floats:
    """Values that can be added and compared without overflow; NaN for infinite ones."""
    return np.where(np.isfinite(values), np.clip(values, -_LARGEST, _LARGEST), np.nan)
