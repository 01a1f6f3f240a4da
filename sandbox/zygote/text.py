"""Memory for what programs are and print, given back to the kernel before the next one starts.

Every program is a fork of the fork server and can read all of its memory, freed heap included. So
no program's text or output ever lies on that heap: it is read into a mapping of its own and sent
from there, and what was unmapped is gone.
"""

import mmap
import os
from types import TracebackType


class Text:
    """Bytes up to a number, in a mapping that closing removes."""

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
        """Take what a descriptor has, as far as there is room. Give back how much; 0 at its end."""
        with memoryview(self._memory) as whole, whole[self.size : self._most] as room:
            taken = os.readv(descriptor, [room])
        self.size += taken
        return taken

    def cut(self, size: int) -> None:
        """Keep no more than so many bytes."""
        self.size = min(self.size, size)

    def view(self) -> memoryview:
        """Show the bytes where they lie. To be let go of before `close`."""
        return memoryview(self._memory)[: self.size]

    def decode(self) -> str:
        """Copy the text onto the heap, which only the process that is to run it may do."""
        return bytes(self.view()).decode("utf-8", "replace")

    def close(self) -> None:
        """Give the memory back to the kernel."""
        self._memory.close()
