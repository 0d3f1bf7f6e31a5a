"""Keeps tokens out of the logs of the libraries below, which at level DEBUG tell whole headers."""

from __future__ import annotations

import logging
import re

__all__ = ["redact_logs"]

_LOGGERS = ("httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.connection", "websockets.client")
_SECRET = re.compile(r"(access_token\W{1,3}|Bearer )[A-Za-z0-9._~+/=-]+")


class _Redact(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        clean = _SECRET.sub(r"\1…", message)
        if clean != message:
            record.msg, record.args = clean, None
        return True


def redact_logs() -> None:
    """Install it; once is enough, and again does no harm."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(present, _Redact) for present in logger.filters):
            logger.addFilter(_Redact())
