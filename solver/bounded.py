"""A log file that never grows beyond a bound."""

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

MOST_BYTES = 16 * 2**20
"""At so many bytes the file gets the suffix `.1`, in place of an earlier one."""


class BoundedFile(RotatingFileHandler):
    """Writes events to a bounded file; where the disk is full, the run goes on without them."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        """Open the file to append to it. Raises OSError."""
        super().__init__(path, maxBytes=most_bytes, backupCount=1, encoding="utf-8")

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Tell whether the file is full; without the event, which would be formatted twice."""
        return self.stream is not None and os.fstat(self.stream.fileno()).st_size >= self.maxBytes

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the event: the store says in one line what is wrong with the disk."""
