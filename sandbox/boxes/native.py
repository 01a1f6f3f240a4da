"""The native kind, Linux without Docker: a worker is the fork server in a bubblewrap box.

`NOT_COVERED` lists what it does not protect against; every run's manifest contains the list.
"""

import json
import os
import shutil
import subprocess
from dataclasses import asdict
from typing import Any

from sandbox.boxes.interpreter import (
    ZYGOTE,
    Interpreter,
    environment,
    in_box,
    system_folders,
    this_interpreter,
)
from sandbox.boxes.processes import start_process, user_for
from sandbox.execution import Limits, SandboxError
from sandbox.worker import Worker
from sandbox.zygote.settings import Box

_ZYGOTE_PARENT = "/opt/zygote"

NOT_COVERED = (
    "memory of a box as a whole: no cgroup counts it, the fork server looks every 20 ms",
    "processor: a program may use every core until its time is up",
    "the host's Python, its libraries and /usr are in sight, read-only",
    "files in /tmp may be executed",
    "kernel memory: pipes and socket buffers, bounded only by open files and processes",
    "flaws of the Linux kernel, which the host shares",
    "side channels: timing, caches, load",
)
NOT_COVERED_AS_USER = (
    "the fork server is of the same user as programs, and only hidden from them",
)


class Bubblewrap:
    """Starts workers in bubblewrap boxes that use this same interpreter."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._bwrap = ""
        self._interpreter = Interpreter("", "", ())
        self._version = ""
        self._flags: tuple[str, ...] = ()

    def prepare(self) -> None:
        """Check that bubblewrap works here. Raises SandboxError, which says how to fix it."""
        self._bwrap = find_bwrap()
        self._interpreter = this_interpreter()
        self._flags = working_flags(self._bwrap)
        answer = subprocess.run(
            [self._bwrap, "--version"], capture_output=True, text=True, check=False
        )
        self._version = answer.stdout.strip()

    def check(self) -> None:
        """Do nothing: this process starts boxes itself, so no engine can be missing."""

    def launch(self, number: int) -> Worker:
        """Start one box. Raises SandboxError."""
        user = user_for(number) if os.getuid() == 0 else None
        box = Box(
            site=tuple(map(in_box, self._interpreter.site)),
            user=user,
            scratch="/tmp",
            other_scratch=("/dev/shm",),
            sockets=True,
            cgroup=False,
            landlock=False,
        )
        command = [self._bwrap, *self._flags, *self._mounts(), "--"]
        command += [in_box(self._interpreter.executable), "-S", "-P", "-m", "zygote"]
        command += [json.dumps(asdict(box))]
        return start_process(command, number, environment(_ZYGOTE_PARENT))

    def describe(self) -> dict[str, Any]:
        """Return what the boxes consist of and what they do not cover."""
        not_covered = NOT_COVERED if os.getuid() == 0 else NOT_COVERED + NOT_COVERED_AS_USER
        return {
            "bubblewrap": self._version,
            "python": self._interpreter.executable,
            "kernel": os.uname().release,
            "not_covered": list(not_covered),
        }

    def _mounts(self) -> list[str]:
        folders, links, files = system_folders()
        mounts = []
        for path in folders:
            mounts += ["--ro-bind", path, path]
        for target, path in links:
            mounts += ["--symlink", target, path]
        mounts += ["--perms", "0755", "--dir", "/etc"]
        for path in files:
            mounts += ["--ro-bind", path, path]
        # bubblewrap would create parent folders that only its own user may enter, but programs run
        # as another user
        for path in self._interpreter.folders():
            place = in_box(path)
            mounts += [*_readable_parents(place), "--ro-bind", path, place]
        mounts += [*_readable_parents(f"{_ZYGOTE_PARENT}/zygote")]
        mounts += ["--ro-bind", str(ZYGOTE), f"{_ZYGOTE_PARENT}/zygote"]
        size = str(self._limits.scratch_mb * 2**20)
        mounts += ["--proc", "/proc", "--dev", "/dev"]
        for path in ("/tmp", "/dev/shm"):
            mounts += ["--perms", "1777", "--size", size, "--tmpfs", path]
        mounts += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
        return mounts


def find_bwrap() -> str:
    """Return the path of bubblewrap. Raises SandboxError."""
    found = shutil.which("bwrap")
    if found is None:
        raise SandboxError(
            "bubblewrap is not installed: install it (`apt install bubblewrap`), or use Docker"
        )
    return found


def working_flags(bwrap: str) -> tuple[str, ...]:
    """Return the flags that isolate a box, after trying them once.

    Raises SandboxError when the kernel refuses them.
    """
    flags = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    flags += ["--unshare-cgroup-try", "--new-session", "--as-pid-1", "--hostname", "sandbox"]
    if os.getuid() == 0:
        # no user namespace, since it has only one user, and programs need a user of their own
        for capability in ("SETUID", "SETGID", "KILL"):
            flags += ["--cap-add", f"CAP_{capability}"]
        flags = ["--cap-drop", "ALL", *flags]
    else:
        flags += ["--unshare-user", "--disable-userns", "--cap-drop", "ALL"]
    folders, links, _ = system_folders()
    probe = [bwrap, *flags]
    for path in folders:
        probe += ["--ro-bind", path, path]
    for target, path in links:
        probe += ["--symlink", target, path]
    probe += ["--proc", "/proc", "--dev", "/dev", "--", "/bin/true"]
    done = subprocess.run(probe, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SandboxError(f"bubblewrap does not work here: {_explain(done.stderr)}")
    return tuple(flags)


_FIXES = (
    ("setting up uid map", "AppArmor forbids it user namespaces: give it a profile with `userns,`"),
    ("RTM_NEWADDR", "AppArmor forbids it user namespaces: give it a profile with `userns,`"),
    (
        "No permissions to create",
        "allow them: sysctl kernel.unprivileged_userns_clone=1",
    ),
    ("Creating new namespace failed", "the kernel allows no more: raise user.max_user_namespaces"),
    ("Unknown option", "bubblewrap is too old, 0.8 or later is needed"),
    ("mount proc", "this is a container that hides parts of /proc: run outside it, or use Docker"),
)


def _explain(stderr: str) -> str:
    """Return the first line of bubblewrap's error and how to fix it."""
    first = (stderr.strip().splitlines() or ["no reason given"])[0]
    for sign, fix in _FIXES:
        if sign in stderr:
            return f"{first}: {fix}"
    return f"{first}: run `bwrap --unshare-all --ro-bind / / true` to see why, or use Docker"


def _readable_parents(path: str) -> list[str]:
    parents = []
    current = ""
    for part in path.strip("/").split("/")[:-1]:
        current += f"/{part}"
        parents += ["--perms", "0755", "--dir", current]
    return parents
