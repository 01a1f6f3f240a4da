"""Kernel calls that Python 3.11 does not offer: prctl, capset, madvise, unshare, mount."""

import ctypes
import os
import re
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_MADV_COLLAPSE = 25
_HUGE_PAGE = 2 * 2**20
_CAPABILITY_VERSION_3 = 0x20080522


def prctl(option: int, argument: int, pointer: object = None) -> None:
    """Set an attribute of this process. Raises OSError."""
    second = ctypes.c_ulong(0) if pointer is None else pointer
    unused = ctypes.c_ulong(0)  # explicit type: a variadic C function needs all 64 bits
    check(_libc.prctl(option, ctypes.c_ulong(argument), second, unused, unused))


def syscall(number: int, *arguments: object) -> int:
    """Make a system call by its number. Raises OSError."""
    return check(_libc.syscall(ctypes.c_long(number), *arguments))


def set_dumpable(dumpable: bool) -> None:
    """Allow or forbid processes of the same user to read and trace this one."""
    prctl(_PR_SET_DUMPABLE, int(dumpable))


def forbid_new_privileges() -> None:
    """Make the kernel ignore setuid files and file capabilities from here on."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(signal_number: int) -> None:
    """Ask the kernel to send this process a signal when its parent ends."""
    prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def drop_capabilities() -> None:
    """Give up every capability permanently. Raises OSError."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(_libc.capset(header, nothing))


def unshare(flags: int) -> None:
    """Move this process into new namespaces. Raises OSError."""
    check(_libc.unshare(flags))


def mount(source: str, target: str, kind: str, flags: int = 0, options: str = "") -> None:
    """Mount a file system. Raises OSError."""
    check(
        _libc.mount(
            source.encode(),
            target.encode(),
            kind.encode(),
            ctypes.c_ulong(flags),
            options.encode(),
        )
    )


def collapse_heap() -> None:
    """Move this process's heap to pages of 2 MiB, which halves the time of a fork.

    A kernel older than 6.1 refuses; then forks are slower and nothing else changes.
    """
    pattern = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ 00:00 0 +(\[heap\])?$")
    for line in Path("/proc/self/maps").read_text().splitlines():
        match = pattern.match(line)
        if match is None:
            continue
        start = -(-int(match[1], 16) // _HUGE_PAGE) * _HUGE_PAGE
        end = int(match[2], 16) // _HUGE_PAGE * _HUGE_PAGE
        if end > start:
            _libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_COLLAPSE)


def check(result: int) -> int:
    """Return a C function's result, or raise an OSError where it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
