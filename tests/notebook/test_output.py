"""The last lines of a job's output."""

from __future__ import annotations

from everest_kernel.languages import PlainStream
from everest_kernel.languages.streams import DecodedStream
from everest_kernel.notebook.channels import QueueChannel
from everest_kernel.notebook.output import CellOutput


async def test_last_lines_are_those_that_were_shown_whatever_the_encoding() -> None:
    stream = DecodedStream(PlainStream(), "cp866")
    async with CellOutput(QueueChannel(), stream, lambda size, lines: "") as output:
        output.on_output("stdout", b"begun\n")
        output.on_output("stderr", "Ошибка\n".encode("cp866"))
        output.on_note("of the server's")
    assert output.last_lines() == ("Ошибка",)
