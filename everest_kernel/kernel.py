"""The Jupyter kernel "Python (Everest)"."""

from __future__ import annotations

from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp

from . import __version__, load_ipython_extension, unload_ipython_extension
from .notebook.completion import complete_line

__all__ = ["EverestKernel", "main"]


class EverestKernel(IPythonKernel):  # type: ignore[misc]  # ipykernel has no types
    """IPython's kernel with the magics loaded. Plain cells are its own business entirely."""

    implementation = "everest_kernel"
    implementation_version = __version__

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        load_ipython_extension(self.shell)

    @property
    def banner(self) -> str:
        """What a console prints when it starts."""
        shell_banner = self.shell.banner if self.shell else ""
        return f"{shell_banner}Everest kernel {__version__}: %%remote? shows how to run a cell elsewhere.\n"

    def do_complete(self, code: str, cursor_pos: int) -> Any:
        """Our own words on a `%%remote` or `%everest` line; everything else as in IPython."""
        found = complete_line(code, cursor_pos)
        return super().do_complete(code, cursor_pos) if found is None else found

    def do_shutdown(self, restart: bool) -> Any:
        """Close connections before the process ends; the jobs go on."""
        unload_ipython_extension(self.shell)
        return super().do_shutdown(restart)


def main(argv: list[str] | None = None) -> None:
    """Start the kernel; `argv` holds `-f CONNECTION_FILE`."""
    IPKernelApp.launch_instance(argv=argv, kernel_class=EverestKernel)
