"""The kernel calls that Python has no name for: prctl, capset, madvise, unshare, mount."""

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
    unused = ctypes.c_ulong(0)  # spelt out, since a variadic C function needs all 64 bits
    check(_libc.prctl(option, ctypes.c_ulong(argument), second, unused, unused))


def syscall(number: int, *arguments: object) -> int:
    """Make a system call that the C library has no function for. Raises OSError."""
    return check(_libc.syscall(ctypes.c_long(number), *arguments))


def set_dumpable(dumpable: bool) -> None:
    """Say whether processes of the same user may look into this one."""
    prctl(_PR_SET_DUMPABLE, int(dumpable))


def forbid_new_privileges() -> None:
    """Make setuid files and file capabilities mean nothing from here on."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def die_with_parent(signal_number: int) -> None:
    """Have this process sent a signal when its parent ends."""
    prctl(_PR_SET_PDEATHSIG, signal_number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def drop_capabilities() -> None:
    """Give up every capability for good. Raises OSError."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    check(_libc.capset(header, nothing))


def unshare(flags: int) -> None:
    """Leave namespaces for new ones of this process's own. Raises OSError."""
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
    """Put this process's heap on pages of 2 MiB, which halves what a fork of it costs.

    A kernel older than 6.1 refuses, which only makes forks slower.
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
    """Turn a C function's -1 into an OSError."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return int(result)
