"""Pictures of Lyapunov exponents as curves: convergence in time, bifurcation diagrams; see `pictures`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .pictures import MISSING_STYLE, Label, blank_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bifurcation_picture", "convergence_picture"]

Array = NDArray[np.float64]

_TIME = Label("averaging time")
_EXPONENT = Label("exponent")


def convergence_picture(
    times: ArrayLike,
    running: ArrayLike,
    standard_error: ArrayLike | None = None,
    *,
    time_label: Label = _TIME,
    label: Label = _EXPONENT,
    names: Sequence[str] | None = None,
    title: str = "",
    band: float = 2.0,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Running exponents against the averaging time, one panel each, with the error band of the last value.

    Panels have scales of their own: the errors of all exponents are seen, however far apart these lie. A scale fits
    the second half of the run, so that the first values do not press the rest flat.

    Args:
        times: shape (records,), positive and rising; drawn on a logarithmic axis.
        running: shape (records, k): the means up to each time.
        standard_error: shape (k,), of the last values; the band reaches `band` of them to either side.
        time_label: name and unit of time.
        label: name and unit of the exponents.
        names: k names for the panels; L1 … Lk by default.
        title: above the panels.
        band: half the width of the band in standard errors.
        size: in inches.

    Returns:
        The figure, with k axes that share the time axis.

    Raises:
        ValueError: shapes do not fit.
    """
    t = np.asarray(times, dtype=np.float64)
    means = np.asarray(running, dtype=np.float64)
    k = means.shape[1] if means.ndim == 2 else 0
    errors = np.full(k, np.nan) if standard_error is None else np.asarray(standard_error, dtype=np.float64)
    names = [f"L{j + 1}" for j in range(k)] if names is None else names
    if not k or not len(t) or t.shape != means.shape[:1] or errors.shape != (k,) or len(names) != k:
        raise ValueError(
            f"times {t.shape}, running {means.shape}, standard_error {errors.shape}, {len(names)} names do not fit; "
            "give (records,), (records, k), (k,) and k names"
        )
    figure = blank_figure(size or (6.4, 1.2 + 1.5 * k))
    panels = figure.subplots(k, 1, sharex=True, squeeze=False)[:, 0]
    for j, ax in enumerate(panels):
        _convergence(ax, t, means[:, j], band * errors[j], names[j], band)
    panels[-1].set(xscale="log", xlabel=str(time_label))
    figure.supylabel(str(label))
    figure.suptitle(title)
    handles, labels = panels[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside lower center", fontsize="small")
    return figure


def _convergence(ax: Axes, t: Array, mean: Array, reach: float, name: str, band: float) -> None:
    """One panel."""
    last = mean[-1]
    finite = np.isfinite(reach) and np.isfinite(last)
    text = f"{name} = {last:.5g} ± {reach:.2g}" if finite else f"{name} = {last:.5g}"
    if finite:
        errors = f"last value ± {band:g} standard errors"
        ax.axhspan(last - reach, last + reach, facecolor="#b8d4ea", edgecolor="#5f86a6", linewidth=0.6, label=errors)
    ax.plot(t, mean, color="#0b1d51", linewidth=1.2)
    ax.annotate(text, (0.99, 0.95), xycoords="axes fraction", ha="right", va="top", fontsize="small")
    settled = mean[t >= t[-1] / 2]
    settled = settled[np.isfinite(settled)]
    if settled.size:
        far = max(np.abs(settled - last).max() if np.isfinite(last) else 0.0, reach if finite else 0.0)
        if far and np.isfinite(last):
            ax.set_ylim(last - 3 * far, last + 3 * far)
    ax.ticklabel_format(axis="y", useOffset=False)
    ax.margins(x=0)


def bifurcation_picture(
    parameter: ArrayLike,
    value: ArrayLike,
    exponent_parameter: ArrayLike | None = None,
    exponents: ArrayLike | None = None,
    *,
    parameter_label: Label,
    value_label: Label,
    label: Label = _EXPONENT,
    names: Sequence[str] | None = None,
    title: str = "",
    size: tuple[float, float] = (7.0, 5.6),
) -> Figure:
    """A bifurcation diagram and, beneath it on the same parameter axis, the curves of exponents if they are given.

    Args:
        parameter: shape (m,), from `map_iterates`, `flow_maxima` or `flow_crossings`.
        value: shape (m,).
        exponent_parameter: shape (points,), rising; goes with `exponents`.
        exponents: shape (points,) or (points, k); NaN where there is no value: hatched.
        parameter_label: name and unit of the parameter.
        value_label: name and unit of what the diagram shows.
        label: name and unit of the exponents.
        names: k names for the legend; L1 … Lk by default.
        title: above.
        size: in inches.

    Returns:
        The figure, with two axes; with one where no exponents are given.

    Raises:
        ValueError: shapes do not fit.
    """
    p, v = np.asarray(parameter, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if exponents is None and exponent_parameter is None:
        if p.ndim != 1 or p.shape != v.shape:
            raise ValueError(f"parameter {p.shape}, value {v.shape} do not fit; give (m,) and (m,)")
        figure = blank_figure(size)
        upper = figure.subplots()
        _diagram(upper, p, v, value_label, title)
        upper.set(xlabel=str(parameter_label))
        return figure
    if exponents is None or exponent_parameter is None:
        raise ValueError("give exponents together with exponent_parameter, the parameter values that they belong to")
    q = np.asarray(exponent_parameter, dtype=np.float64)
    curves = np.asarray(exponents, dtype=np.float64)
    curves = curves[:, None] if curves.ndim == 1 else curves
    if p.ndim != 1 or p.shape != v.shape or q.ndim != 1 or curves.ndim != 2 or len(curves) != len(q) or not len(q):
        raise ValueError(
            f"parameter {p.shape}, value {v.shape}, exponent_parameter {q.shape}, exponents {curves.shape} do not fit; "
            "give (m,), (m,), (points,) and (points,) or (points, k)"
        )
    names = [f"L{j + 1}" for j in range(curves.shape[1])] if names is None else names
    figure = blank_figure(size)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    _diagram(upper, p, v, value_label, title)
    _curves(lower, q, curves, names)
    lower.set(xlabel=str(parameter_label), ylabel=str(label))
    if len(q) > 1:
        lower.set_xlim(q.min(), q.max())
    return figure


def _diagram(ax: Axes, p: Array, v: Array, label: Label, title: str) -> None:
    """The points."""
    faint = float(np.clip(4000 / max(len(p), 1), 0.15, 1.0))
    ax.plot(p, v, ".", markersize=1.5, alpha=faint, markeredgewidth=0, color="black", rasterized=True)
    ax.set(ylabel=str(label), title=title)


def _curves(ax: Axes, q: Array, curves: Array, names: Sequence[str]) -> None:
    """Exponents over a parameter: zero line, the chaotic part filled, gaps hatched."""
    styles = ("-", "--", "-.", ":")
    colours = ("#0b1d51", "#a3341b", "#2c9474", "#8d8d8d")
    largest = curves.max(axis=1)
    missing = np.isnan(curves).any(axis=1)
    edges = np.concatenate([q[:1], (q[1:] + q[:-1]) / 2, q[-1:]])
    label: str | None = "no value"
    for j in np.flatnonzero(missing):
        ax.axvspan(edges[j], edges[j + 1], label=label, **MISSING_STYLE)
        label = None
    ax.axhline(0.0, color="black", linewidth=0.8)
    ax.fill_between(q, 0.0, largest, where=largest > 0, color="#eda32c", alpha=0.6, linewidth=0)
    for k, name in enumerate(names):
        line = np.where(np.isfinite(curves[:, k]), curves[:, k], np.nan)
        ax.plot(q, line, styles[k % 4], color=colours[k % 4], linewidth=1.0, label=name)
    finite = curves[np.isfinite(curves)]
    if finite.size:
        low = min(max(finite.min(), np.percentile(finite, 2) - np.ptp(np.percentile(finite, (2, 98)))), 0.0)
        high = max(finite.max(), 0.0)
        room = 0.06 * ((high - low) or 1.0)
        ax.set_ylim(low - room, high + room)
    if len(names) > 1 or missing.any():
        ax.legend(fontsize="small", loc="best")
