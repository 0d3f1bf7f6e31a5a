"""Whether a text holds nothing but comments."""

from __future__ import annotations

__all__ = ["is_comment"]

_BEGINS = ("#", "%", "//", "/*", "(*", "<#", "--", "::", "rem")
"""With which comments begin in some language: other texts need no look."""


def is_comment(code: str, lexer: str) -> bool:
    """Whether there is nothing to run, as far as Pygments knows the language.

    Args:
        code: the text.
        lexer: Pygments' name for its language.
    """
    if not code.strip():
        return True
    if not code.lstrip()[:3].lower().startswith(_BEGINS):
        return False
    from pygments.lexers import get_lexer_by_name  # slow to import
    from pygments.token import Comment
    from pygments.util import ClassNotFound

    try:
        tokens = get_lexer_by_name(lexer).get_tokens(code)
    except ClassNotFound:
        return False
    directives = (Comment.Preproc, Comment.PreprocFile)  # `#include` is none
    return all(
        not text.strip() or (kind in Comment and not any(kind in directive for directive in directives))
        for kind, text in tokens
    )
