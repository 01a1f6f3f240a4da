"""Moves this process into namespaces of its own, for boxes without bubblewrap."""

import os
import signal
from pathlib import Path

from .kernel import die_with_parent, mount, unshare
from .settings import MOST_FILES, Box

_NEW_MOUNTS, _NEW_NAMES, _NEW_IPC = 0x00020000, 0x04000000, 0x08000000
_NEW_USERS, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_ALL = _NEW_MOUNTS | _NEW_NAMES | _NEW_IPC | _NEW_PROCESSES | _NEW_NETWORK
_PRIVATE = 0x4000 | 1 << 18  # MS_REC | MS_PRIVATE
_NO_EXECUTE = 8
_PLAIN = 2 | 4 | _NO_EXECUTE  # MS_NOSUID | MS_NODEV
_BIND = 0x1000


def enter(box: Box) -> None:
    """Continue as the first process of new namespaces, with empty writable folders.

    Returns only in the new process; the old one waits for it and exits with its status. Raises
    OSError where the kernel refuses.
    """
    user, group = os.getuid(), os.getgid()
    if user == 0:
        unshare(_ALL)
    else:
        unshare(_ALL | _NEW_USERS)
        _map_only(user, group)
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)
    die_with_parent(signal.SIGKILL)
    mount("none", "/", "none", _PRIVATE)
    for folder in (box.scratch, *box.other_scratch):
        options = f"size={box.scratch_mb}m,nr_inodes={MOST_FILES},mode=1777"
        mount("tmpfs", folder, "tmpfs", _PLAIN, options)
    mount("proc", "/proc", "proc", _PLAIN)
    if box.user is not None:
        for folder in box.readable:
            _make_reachable(folder)


def _make_reachable(folder: str) -> None:
    """Make a folder reachable for every user, even below a parent that others may not enter.

    An empty file system is mounted over that parent, and only the path to the folder is created
    in it.
    """
    parents = [str(parent) for parent in reversed(Path(folder).parents)]
    closed = next((parent for parent in parents if not os.stat(parent).st_mode & 0o001), None)
    if closed is None:
        return
    held = os.open(folder, os.O_PATH)
    try:
        mount("tmpfs", closed, "tmpfs", _PLAIN & ~_NO_EXECUTE, "size=1m,mode=0755")
        os.makedirs(folder)
        mount(f"/proc/self/fd/{held}", folder, "none", _BIND)
    finally:
        os.close(held)


def _map_only(user: int, group: int) -> None:
    """Let the new user namespace know one user and one group, and no others."""
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(line)
