"""The Jupyter kernel "Python (Everest)"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

from . import __version__, load_ipython_extension, unload_ipython_extension
from .interrupt_mask import interrupts_shut_out

if TYPE_CHECKING:
    from .notebook.line_values import Notebook
    from .notebook.sweep_job import SweepJob

__all__ = ["EverestKernel", "EverestKernelApp", "main"]

_FOLDER = Path()
"""The working directory, under the name that it has even when it was removed."""


class EverestKernel(IPythonKernel):  # type: ignore[misc]  # ipykernel has no types
    """IPython's kernel with the magics loaded. Plain cells are its own business entirely."""

    implementation = "everest_kernel"
    implementation_version = __version__
    starting = ExitStack()
    """Closed when the threads of ipykernel have started."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        load_ipython_extension(self.shell)

    def start(self) -> None:
        """Start to take messages; and, from here on, interrupts."""
        super().start()
        self.starting.close()

    @property
    def banner(self) -> str:
        """What a console prints when it starts."""
        shell_banner = self.shell.banner if self.shell else ""
        return f"{shell_banner}Everest kernel {__version__}: %%remote? shows how to run a cell elsewhere.\n"

    def do_complete(self, code: str, cursor_pos: int | None) -> Any:
        """The route's words in a cell that goes elsewhere, our own on lines of our magics; else as in IPython."""
        from .notebook.completion import complete_cell  # here and below: a kernel starts sooner without

        found = complete_cell(code, cursor_pos, self._notebook(), super().do_complete)
        return super().do_complete(code, cursor_pos) if found is None else found

    def do_inspect(
        self, code: str, cursor_pos: int | None, detail_level: int = 0, omit_sections: Sequence[str] = ()
    ) -> Any:
        """What is known of a word in a cell that goes elsewhere; everything else as in IPython."""
        from .notebook.inspection import inspect_cell

        python = partial(super().do_inspect, detail_level=detail_level, omit_sections=omit_sections)
        found = inspect_cell(code, cursor_pos, self._notebook(), python, detail_level)
        return python(code, cursor_pos) if found is None else found

    def do_is_complete(self, code: str) -> Any:
        """The route's language tells of a cell that goes elsewhere."""
        from .notebook.completeness import check_cell

        found = check_cell(code, self._notebook(), super().do_is_complete)
        return super().do_is_complete(code) if found is None else found

    def _notebook(self) -> Notebook:
        from .notebook.line_values import Notebook
        from .notebook.routing import shell_routing

        shell = self.shell
        route, line_magics = shell_routing(shell).line, shell.magics_manager.magics["line"]
        return Notebook(shell.user_ns, shell.user_ns_hidden, _FOLDER, route, line_magics, _sweeps)

    def do_shutdown(self, restart: bool) -> Any:
        """Close connections before the process ends; the jobs go on."""
        unload_ipython_extension(self.shell)
        return super().do_shutdown(restart)


class EverestKernelApp(IPKernelApp):  # type: ignore[misc]  # ipykernel has no types
    """The kernel's process: one whose threads leave interrupts to the cell, and which none leaves mute."""

    kernel_class = EverestKernel
    outstream_class = "everest_kernel.streams.Stream"


def _sweeps() -> Mapping[str, SweepJob]:
    from .notebook.session import shared_session

    return shared_session().sweeps


def main(argv: list[str] | None = None) -> None:
    """Start the kernel; `argv` holds `-f CONNECTION_FILE`."""
    with ExitStack() as starting:
        starting.enter_context(interrupts_shut_out())
        app = EverestKernelApp.instance()
        app.initialize(argv)
        app.kernel.starting = starting
        app.start()
