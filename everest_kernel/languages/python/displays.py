"""Rich output of a cell that runs on a resource: `display`, last values and matplotlib figures.

Shipped with the cell, so it imports only the standard library; it runs on Python 3.8. A display travels inside
standard output, as an operating-system command of terminals (ECMA-48 OSC) that other programs ignore: that keeps
its place among the text around it, and works on any Everest. Each sequence is at most as long as a pipe writes
in one piece (POSIX PIPE_BUF), so that what child processes print cannot tear it.
"""

from __future__ import annotations

import base64
import builtins
import io
import itertools
import json
import os
import sys
from typing import Any

MARK = b"\x1b]5379;everest;"
END = b"\x1b\\"
PIECE = 3000  # with the frame around it below 4096, the PIPE_BUF of Linux; others allow 512 and rarely interleave

_METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
}
_numbers = itertools.count()
saved: list[tuple[dict[str, bool], str]] = []
"""Of each picture file that a figure was saved to: what is known of the figure, and the absolute path."""


def send(content: dict[str, Any]) -> None:
    """Write one display (the content of a Jupyter display_data message) into standard output."""
    text = base64.b64encode(json.dumps(content).encode())
    pieces = [text[i : i + PIECE] for i in range(0, len(text), PIECE)]
    number = next(_numbers)
    sys.stdout.flush()
    for index, piece in enumerate(pieces):
        head = b"%s%d;%d;%d;" % (MARK, number, index, len(pieces))
        _write(sys.__stdout__.fileno() if sys.__stdout__ else 1, head + piece + END)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def bundle_of(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """MIME types to content, and metadata, as Jupyter shows a value; always with `text/plain`."""
    if isinstance(value, type):
        return {"text/plain": repr(value)}, {}
    if type(value).__module__ == "matplotlib.figure" and hasattr(value, "savefig"):
        _known_of(value)["shown"] = True
        return {"text/plain": repr(value), "image/png": _png(value)}, {}
    data: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    whole = _call(value, "_repr_mimebundle_", include=None, exclude=None)
    if isinstance(whole, tuple):
        whole, metadata = whole[0], dict(whole[1])
    data.update(whole or {})
    for mime, method in _METHODS.items():
        content = None if mime in data else _call(value, method)
        if isinstance(content, tuple):
            content, metadata[mime] = content[0], content[1]
        if content is not None:
            data[mime] = content
    data.setdefault("text/plain", repr(value))
    return {mime: _text(content) for mime, content in data.items()}, metadata


def _call(value: Any, method: str, **options: Any) -> Any:
    function = getattr(value, method, None)
    if function is None or not callable(function):
        return None
    try:
        return function(**options)
    except NotImplementedError:  # how a value says that it has no such form
        return None


def _text(content: Any) -> Any:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content


class Handle:
    """What `display(..., display_id=…)` returns: a display that can be replaced later."""

    def __init__(self, display_id: str) -> None:
        self.display_id = display_id

    def display(self, value: Any, **options: Any) -> None:
        """Show a value under this id."""
        _show(value, display_id=self.display_id, **options)

    def update(self, value: Any, **options: Any) -> None:
        """Replace what is shown."""
        _show(value, display_id=self.display_id, update=True, **options)


def display(*values: Any, display_id: Any = None, raw: bool = False, **options: Any) -> Handle | None:
    """Show values under the cell, as IPython's function of this name does."""
    name = os.urandom(8).hex() if display_id is True else display_id
    for value in values:
        _show(value, display_id=name, raw=raw, **options)
    return Handle(name) if name else None


def _show(value: Any, *, display_id: Any = None, update: bool = False, raw: bool = False, **options: Any) -> None:
    data, metadata = ({**value}, {}) if raw else bundle_of(value)
    data.setdefault("text/plain", f"<{', '.join(sorted(data))}>")  # for whoever can show nothing else
    metadata.update(options.get("metadata") or {})
    transient = {"display_id": display_id} if display_id else {}
    send({"data": data, "metadata": metadata, "transient": transient, "update": update})


def _png(figure: Any) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", bbox_inches="tight")
    return base64.b64encode(stream.getvalue()).decode()


def _known_of(figure: Any) -> dict[str, bool]:
    """What is known of a figure, as an object of its own, so that nothing here keeps the figure."""
    known: dict[str, bool] = figure.__dict__.setdefault("_everest_known", {})
    return known


def note_saved(figure: Any, target: Any) -> None:
    """A figure is being saved: a file with the same picture as one that is shown needs not be shown."""
    if isinstance(target, (str, os.PathLike)):
        saved.append((_known_of(figure), os.path.abspath(os.fspath(target))))


def show_figures(*_: Any, **__: Any) -> None:
    """Show and close matplotlib's open figures: at `plt.show()` and at the end of a cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        if figure.axes:
            display(figure)
    pyplot.close("all")


def install(source: str) -> None:
    """Give the cell its `display`, and make matplotlib draw into the notebook.

    Args:
        source: the cell's text; IPython's own `display` is redirected when the cell mentions IPython.
    """
    builtins.display = display  # type: ignore[attr-defined]
    os.environ["MPLBACKEND"] = f"module://{__package__}.figures"
    if "IPython" in source:
        try:
            from IPython import display as ipython_display
            from IPython.core import display_functions
        except ImportError:
            return  # the cell's own import will say so
        display_functions.display = display
        ipython_display.display = display
