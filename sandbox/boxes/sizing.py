"""How many workers a machine holds."""

import os

from sandbox.execution import Limits

SERVER_MB = 256
"""Room for a fork server, its libraries, and the pages a program copies by writing to them."""


def default_workers(limits: Limits) -> int:
    """As many programs at once as there are cores, and as half the memory holds."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (ValueError, OSError):
        return cores or 1
    return max(1, min(cores or 1, memory // 2 // (limits.memory_mb + SERVER_MB)))
