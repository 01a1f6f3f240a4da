"""Chooses how many workers a machine can run."""

import os

from sandbox.execution import Limits

SERVER_MB = 256
"""Memory for a fork server with its libraries, and for copies of pages that a program changes."""


def default_workers(limits: Limits) -> int:
    """Return as many workers as there are cores, but no more than fit in half the memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
    except (ValueError, OSError):
        return cores or 1
    return max(1, min(cores or 1, memory // 2 // (limits.memory_mb + SERVER_MB)))
