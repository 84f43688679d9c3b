"""The log of a daemon: one line an event, key=value, on stderr, where the supervisor keeps it."""

from __future__ import annotations

import faulthandler
import logging
import sys

LEVELS = ("debug", "info", "warning", "error")


def begin(level: str) -> None:
    """Send everything of `level` and above to stderr; and, when a crash or SIGABRT ends us, where each thread was."""
    faulthandler.enable()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s level=%(levelname)s logger=%(name)s %(message)s"))
    logging.basicConfig(level=level.upper() if level in LEVELS else "INFO", handlers=[handler], force=True)


class OneLine(logging.Formatter):
    """An entry stays one line whatever it holds, so that nobody's text can look like an entry of its own."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).replace("\r", "\\r").replace("\n", "\\n")
