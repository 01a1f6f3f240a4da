"""Empties the folders a program could write to, whatever it left in them."""

import os
from contextlib import suppress

_DEADLINE_ENTRIES = 1_000_000
"""More moves than this and the box is given up: cheaper to replace than to clean."""


def wipe(folder: str) -> bool:
    """Remove everything in a folder, never following a link. Say whether it is empty now.

    Nothing else may be alive that could change the folder meanwhile. A folder inside is emptied by
    moving its own folders up here first, so that a path three thousand deep costs no recursion.
    """
    try:
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        with suppress(OSError):  # what could not be removed is seen by the look at the end
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
                    if moved > _DEADLINE_ENTRIES:
                        return
                    _make_removable(deeper, inner)
                    os.rename(deeper, f".moved-{moved}", src_dir_fd=inner, dst_dir_fd=top)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)


def _remove_files(folder: int) -> list[str]:
    """Unlink whatever is not a folder; give back the names of the folders."""
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
