"""A matplotlib backend that shows figures under the notebook's cell; shipped with the cell."""

from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg

from .displays import note_saved
from .displays import show_figures as show

__all__ = ["FigureCanvas", "show"]


class FigureCanvas(FigureCanvasAgg):  # type: ignore[misc]
    """Agg's canvas, which tells of the files that figures are saved to."""

    def print_figure(self, filename: Any, *args: Any, **options: Any) -> Any:
        """Write the figure to a file."""
        note_saved(self.figure, filename)
        return super().print_figure(filename, *args, **options)
