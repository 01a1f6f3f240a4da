"""Empties the folders that a program could write to."""

import os
from contextlib import suppress

_MOST_MOVES = 1_000_000
"""A folder that needs more moves is left as it is: replacing the box is cheaper."""


def wipe(folder: str) -> bool:
    """Remove everything in a folder without following links. Return whether it is empty now.

    No other process may change the folder meanwhile. Folders inside folders are first moved to
    the top, so that even a path three thousand levels deep needs no recursion.
    """
    try:
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        with suppress(OSError):  # the listing below shows whatever could not be removed
            _empty(top)
        return not os.listdir(top)
    finally:
        os.close(top)


def _empty(top: int) -> None:
    moved = 0
    while folders := _remove_files(top):
        for name in folders:
            inner = _open_inside(top, name)
            try:
                for deeper in _remove_files(inner):
                    moved += 1
                    if moved > _MOST_MOVES:
                        return
                    _make_removable(deeper, inner)
                    os.rename(deeper, f".moved-{moved}", src_dir_fd=inner, dst_dir_fd=top)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)


def _remove_files(folder: int) -> list[str]:
    """Remove everything that is not a folder; return the names of the folders."""
    folders = []
    with os.scandir(folder) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            else:
                os.unlink(entry.name, dir_fd=folder)
    return folders


def _open_inside(top: int, name: str) -> int:
    _make_removable(name, top)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=top)


def _make_removable(name: str, parent: int) -> None:
    os.chmod(name, 0o700, dir_fd=parent)
