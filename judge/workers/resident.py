"""Read how much memory a process and those it started take, from outside, by psutil.

For platforms that limit no address space (macOS, Windows). psutil is a dependency there alone.
Memory that is taken and given back between two looks is not seen.
"""


class Resident:
    """The resident size of one process and of all below it."""

    def __init__(self, process_id: int) -> None:
        import psutil

        self._gone = psutil.Error
        try:
            self._process: psutil.Process | None = psutil.Process(process_id)
        except psutil.Error:
            self._process = None

    def bytes(self) -> int:
        """Return the size in bytes; 0 once the process has ended."""
        total = 0
        if self._process is None:
            return total
        try:
            for process in (self._process, *self._process.children(recursive=True)):
                total += process.memory_info().rss
        except self._gone:  # one of them has just ended: the next look counts the others
            return total
        return total
