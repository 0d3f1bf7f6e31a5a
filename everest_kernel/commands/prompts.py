"""Questions on the terminal; where there is none, a line of standard input."""

from __future__ import annotations

import getpass
import sys

from ..wire import ConfigurationError

__all__ = ["ask", "ask_secret"]


def ask(question: str) -> str:
    """An answer that may be seen.

    Raises:
        ConfigurationError: nothing was answered.
    """
    try:
        return _given(input(f"{question}: "), question)
    except EOFError as error:
        raise _nothing(question) from error


def ask_secret(question: str) -> str:
    """An answer that is not shown while it is typed.

    Raises:
        ConfigurationError: nothing was answered.
    """
    if not sys.stdin.isatty():
        return _given(sys.stdin.readline(), question)
    try:
        return _given(getpass.getpass(f"{question} (not shown): "), question)
    except EOFError as error:
        raise _nothing(question) from error


def _given(answer: str, question: str) -> str:
    answer = answer.rstrip("\r\n")
    if not answer.strip():
        raise _nothing(question)
    return answer


def _nothing(question: str) -> ConfigurationError:
    return ConfigurationError(f"nothing was entered for: {question.lower()}")
