"""Names that a variable of C++ cannot have."""

from __future__ import annotations

import re

from ...wire import CellOptionError

__all__ = ["KEYWORDS", "check_name"]

KEYWORDS = frozenset(
    """
    alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto bitand bitor bool break case catch
    char char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
    constinit continue decltype default delete do double dynamic_cast else enum explicit export extern false float for
    friend goto if inline int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected
    public reflexpr register reinterpret_cast requires return short signed sizeof static static_assert static_cast
    struct switch synchronized template this thread_local throw true try typedef typeid typename union unsigned using
    virtual void volatile wchar_t while xor xor_eq
    """.split()  # noqa: SIM905
)
_OTHERS = frozenset(["main", "std"])
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def check_name(name: str) -> str:
    """The name, if a global variable can have it.

    Raises:
        CellOptionError: a keyword, a reserved name, one of the kernel's, or none at all.
    """
    reserved = re.match(r"_[A-Z0-9_a-z]", name) or "__" in name or name in _OTHERS
    if not _NAME.match(name) or name in KEYWORDS or reserved or name.startswith("everest_"):
        why = " (it is a keyword)" if name in KEYWORDS else " (it is reserved)" if reserved else ""
        raise CellOptionError(f"{name!r} cannot be the name of a variable in C++{why}", hint="Nothing was sent.")
    return name
