"""A matplotlib backend that shows figures under the notebook's cell; shipped with the cell."""

from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

from .displays import show_figures as show

__all__ = ["FigureCanvas", "show"]
