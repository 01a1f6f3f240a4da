"""The reduced kind, Linux without any helper program: the fork server restricts itself.

Always: landlock for files, a system call filter without sockets, and limits for each process.
Namespaces as well where the kernel allows them. This is weaker than bubblewrap, so it is used only
when asked for by name; `describe` says which restrictions are active.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import asdict
from typing import Any

from sandbox.boxes.interpreter import (
    ZYGOTE,
    Interpreter,
    environment,
    system_folders,
    this_interpreter,
)
from sandbox.boxes.processes import start_process, user_for
from sandbox.execution import Limits, SandboxError
from sandbox.worker import Worker
from sandbox.zygote import landlock
from sandbox.zygote.settings import Box

NOT_COVERED = (
    "memory of a box as a whole: no cgroup counts it, the fork server looks every 20 ms",
    "processor: a program may use every core until its time is up",
    "files: names, sizes and dates on the host can be seen, contents of others cannot",
    "multiprocessing.Manager and everything else that needs a socket: refused",
    "kernel memory: pipes, bounded only by open files and processes",
    "flaws of the Linux kernel, which the host shares",
    "side channels: timing, caches, load",
)
NOT_COVERED_WITHOUT_NAMESPACES = (
    "signals: a program can send none, not even to its own processes",
    "processes of the same user: their priority and cores can be changed",
    "a program that forks without end may outlive its time for a moment",
    "size of the scratch folder and number of its files: only the size of each file is limited, and"
    " the folder lies on the host's disk",
    "shared memory between processes, and so multiprocessing's locks and pools: refused",
)


class Bare:
    """Starts fork servers as plain processes that restrict themselves."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._interpreter = Interpreter("", "", ())
        self._namespaces = False

    def prepare(self) -> None:
        """Check what this kernel offers. Raises SandboxError when it has no landlock."""
        if landlock.version() == 0:
            raise SandboxError(
                "the kernel has no landlock (Linux 5.13 or later, not switched off): "
                "use Docker, or native"
            )
        self._interpreter = this_interpreter()
        hidden = self._interpreter.hidden()  # with namespaces a box has a /tmp of its own
        if hidden and os.getuid() == 0:
            raise SandboxError(
                "this Python or its libraries lie below /tmp, where a reduced box of root has a"
                " folder of its own: install bubblewrap, or move them"
            )
        self._namespaces = not hidden and self._may_enter_namespaces()

    def check(self) -> None:
        """Do nothing: this process starts boxes itself, so no engine can be missing."""

    def launch(self, number: int) -> Worker:
        """Start one fork server. Raises SandboxError."""
        user = user_for(number) if os.getuid() == 0 else None
        if self._namespaces:
            scratch = "/tmp"  # a new one, mounted over the host's
        else:
            scratch = tempfile.mkdtemp(prefix="solver-sandbox-")
            if user is not None:
                os.chown(scratch, user, user)
        return start_process(self._command(self._box(scratch, user)), number, _ENVIRONMENT)

    def describe(self) -> dict[str, Any]:
        """Return which restrictions are active and what they do not cover."""
        without = () if self._namespaces else NOT_COVERED_WITHOUT_NAMESPACES
        return {
            "namespaces": self._namespaces,
            "landlock": landlock.version(),
            "python": self._interpreter.executable,
            "kernel": os.uname().release,
            "not_covered": [*NOT_COVERED, *without],
        }

    def _box(self, scratch: str, user: int | None) -> Box:
        folders, _, files = system_folders()
        return Box(
            site=self._interpreter.site,
            user=user,
            scratch=scratch,
            other_scratch=("/dev/shm",) if self._namespaces else (),
            sockets=False,
            cgroup=False,
            landlock=True,
            readable=(*folders, *files, *self._interpreter.folders()),
            namespaces=self._namespaces,
            scratch_mb=self._limits.scratch_mb,
            signals=self._namespaces,
        )

    def _command(self, box: Box) -> list[str]:
        python = [self._interpreter.executable, "-S", "-P", "-m", "zygote"]
        return [*python, json.dumps(asdict(box))]

    def _may_enter_namespaces(self) -> bool:
        """Return whether the kernel allows new namespaces, by trying in a separate process."""
        attempt = (
            "from zygote.namespaces import enter; from zygote.settings import Box; "
            "enter(Box((), None, '/tmp', ('/dev/shm',), False, False, True))"
        )
        command = [self._interpreter.executable, "-S", "-P", "-c", attempt]
        done = subprocess.run(command, env=_ENVIRONMENT, capture_output=True, check=False)
        return done.returncode == 0


_ENVIRONMENT = environment(str(ZYGOTE.parent))
