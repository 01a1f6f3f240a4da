"""Memory for the text and output of programs, returned to the kernel before the next one starts.

Every program is a fork of the fork server and can read all its memory, freed heap included. So no
program's text or output is ever stored on that heap: it is read into a mapping of its own and sent
from there, and once unmapped it is gone.
"""

import mmap
import os
from types import TracebackType


class Text:
    """A buffer of limited size in a memory mapping, which `close` removes."""

    def __init__(self, most: int) -> None:
        self.size = 0
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self._memory = mmap.mmap(-1, max(1, most), flags=private)
        self._most = most

    def __enter__(self) -> "Text":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def read_from(self, descriptor: int) -> int:
        """Read what a descriptor has, up to the free room. Return how many bytes; 0 at its end."""
        with memoryview(self._memory) as whole, whole[self.size : self._most] as room:
            taken = os.readv(descriptor, [room])
        self.size += taken
        return taken

    def cut(self, size: int) -> None:
        """Drop all bytes beyond `size`."""
        self.size = min(self.size, size)

    def view(self) -> memoryview:
        """Return the bytes without copying them. Release the view before `close`."""
        return memoryview(self._memory)[: self.size]

    def close(self) -> None:
        """Give the memory back to the kernel."""
        self._memory.close()
