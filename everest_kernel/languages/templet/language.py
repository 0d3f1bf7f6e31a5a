"""Templet: a cell of C++ whose program is a client of the Everest that runs it.

The server hands each task its address and a token in EVEREST_SERVER and EVEREST_TASK_TOKEN. The SDK itself is the
resource's: nothing of it is here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from ...wire import ConfigurationError
from ..base import CellRequest
from ..cpp import CppLanguage
from ..cpp.pieces import Pieces

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["TempletLanguage"]

_SDK = re.compile(r"#\s*include\s*[<\"](?:[^>\"]*/)?(?:templet|everest|basesim|omptask|syncmem|walimpl)\.hpp[>\"]")
_SERVER = re.compile(r"\beverest\.hpp\b|\bEVEREST_TASK_TOKEN\b")
_CURL = re.compile(r"\beverest\.hpp\b|\bcurl\b")
_PRAGMA = re.compile(r"^[ \t]*#[ \t]*pragma[ \t]+templet\b", re.MULTILINE)


@dataclass(frozen=True)
class TempletLanguage(CppLanguage):
    """C++ with the Templet SDK and libcurl.

    Attributes:
        home: the folder of the SDK on the resource; by default what TEMPLET_HOME says there.
    """

    home: str = ""

    name: ClassVar[str] = "templet"
    own_settings: ClassVar[Mapping[str, str]] = {
        **CppLanguage.own_settings,
        "home": "the folder of the Templet SDK there; TEMPLET_HOME by default",
    }

    def configure(self, name: str, value: Any) -> Self:
        """The language with one of its settings."""
        if name != "home":
            return super().configure(name, value)
        if not isinstance(value, str):
            raise ConfigurationError(f"home of {self.name} must be a folder, not {value!r}")
        return replace(self, home=value)

    def pieces(self, code: str) -> Pieces:
        """A cell that acta translates is left as it is: acta wants to see all of it."""
        return Pieces("", code, "", has_main=True) if _PRAGMA.search(code) else super().pieces(code)

    def before_compiling(self, request: CellRequest) -> list[str]:
        """The SDK, the server, and acta."""
        code = request.code
        found = {
            "everest_home": self.home,
            "everest_uses_sdk": "1" if _SDK.search(code) else "",
            "everest_uses_server": "1" if _SERVER.search(code) else "",
            "everest_translates": "1" if _PRAGMA.search(code) else "",
        }
        return [*(f"{name}={shlex.quote(value)}" for name, value in found.items()), _prepare()]

    def compiler_words(self) -> str:
        """Folders of the SDK that are known only there."""
        sdk = '${everest_home:+-Ieverest-templet "-I$everest_home/lib" "-I$everest_home/lib/opt"}'
        return f"{super().compiler_words()} {sdk}"

    def linker_flags(self, request: CellRequest) -> list[str]:
        """libcurl, for what may use it."""
        curl = ["-lcurl"] if request.files or _CURL.search(request.code) else []
        return [*super().linker_flags(request), *curl]


@cache
def _prepare() -> str:
    return (files(__package__) / "prepare.sh").read_text("utf-8").removesuffix("\n")
