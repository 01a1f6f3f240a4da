"""Keep the log of a run: one line for each event worth knowing, in `run.log` of its folder.

Requests, replies, back-off, lost sandbox workers and verdicts; no prompt, no reply, no key. The
file is bounded: a full one is renamed `run.log.1`, in place of an earlier one.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from solver.bounded import MOST_BYTES, BoundedFile
from solver.errors import ConfigError, reason_of, require_file
from solver.secrets import without_secrets
from solver.text import one_line, say

FILE = "run.log"
LOGGERS = ("solver", "sandbox", "judge")

TRIAL: ContextVar[str] = ContextVar("trial", default="")
"""The trial that the running code belongs to; each asyncio task has its own value."""


@contextmanager
def logging_to(folder: Path, *, live: bool) -> Iterator[None]:
    """Write events of the three packages into the run's log; where `live`, also to stderr.

    Raises ConfigError where the file cannot be written.
    """
    path = folder / FILE
    try:
        require_file(path)
        file = BoundedFile(path, MOST_BYTES)
    except OSError as failure:
        raise ConfigError(f"{path}: cannot be written: {reason_of(failure)}") from failure
    handlers: list[logging.Handler] = [file, *([_Live()] if live else [])]
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for handler in handlers:
        handler.setFormatter(_Line())
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
            for handler in handlers:
                logger.removeHandler(handler)
        file.close()


class _Line(logging.Formatter):
    """Formats an event as one line of harmless text: time, level, trial, event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, cut to 600 characters."""
        moment = f"{self.formatTime(record, '%Y-%m-%d %H:%M:%S')}.{record.msecs:03.0f}"
        message = without_secrets(record.getMessage())
        trial = f"{TRIAL.get()}: " if TRIAL.get() else ""
        return one_line(f"{moment} {record.levelname:<7} {trial}{message}", 600)


class _Live(logging.Handler):
    """Prints events above the progress line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one event."""
        say(self.format(record), error=True)
