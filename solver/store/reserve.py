"""Space kept on the disk while a run is written, for what is in flight when the disk is full."""

import os
from contextlib import suppress
from pathlib import Path

BYTES = 8 * 2**20
"""Enough for the replies of all requests in flight."""


class Reserve:
    """A file without content that takes up space until it is needed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "run.reserve"

    def take(self) -> None:
        """Take up the space, if there is so much. Raises nothing: a run goes on without it."""
        with suppress(OSError), self._path.open("ab") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, BYTES)
            else:  # macOS and Windows
                file.write(bytes(BYTES - file.tell()))

    def release(self) -> bool:
        """Give the space back; return whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
