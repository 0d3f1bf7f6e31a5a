"""A small batch language for tests of what all have in common: its programs are shell scripts that write records."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import IO, Any, ClassVar

from everest_kernel.languages import BatchLanguage, CellRequest, Main, Requirement, Returned, read_records
from everest_kernel.wire import ConfigurationError

__all__ = ["PlainLanguage"]


@dataclass(frozen=True)
class PlainLanguage(BatchLanguage):
    """Runs the cell with `sh`; each output is the text of a variable. `tail` stands for what writes the end."""

    colour: str = ""
    tail: str = "printf '. end - 0\\n' >> everest-written"
    before: tuple[str, ...] = ()

    name: ClassVar[str] = "plain"
    suffix: ClassVar[str] = "txt"
    requirement: ClassVar[Requirement] = Requirement(("sh", "bash"), "a shell")
    own_settings: ClassVar[dict[str, str]] = {"colour": "red or blue"}

    def configure(self, name: str, value: Any) -> PlainLanguage:
        if value not in ("red", "blue"):
            raise ConfigurationError(f"colour cannot be {value!r}")
        return type(self)(self.program, self.platform, self.encoding, value, self.tail, self.before)

    def main(self, request: CellRequest) -> Main:
        lines = [f"{name}={shlex.quote(str(value))}" for name, value in request.inputs.items()]
        lines += [f". ./{self.cell_file}", ": > everest-written"]
        for name in request.out_named:
            size = f"$(printf %s \"${name}\" | wc -c | tr -d ' ')"
            lines.append(f"printf '{name} str - %s\\n%s\\n' {size} \"${name}\" >> everest-written")
        return Main("\n".join([*lines, self.tail]) + "\n", preparation=self.before)

    def arguments(self) -> tuple[str, ...]:
        return (self.main_file,)

    def read_values(self, content: IO[bytes], back: Returned) -> None:
        read_records(content, back)
