"""Labels that say which process owns a box, so that boxes of dead processes can be removed."""

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

LABEL = "solver.sandbox"


@dataclass(frozen=True)
class Owner:
    """A process on a host that uses the sandbox, and the run it works on."""

    run: str
    host: str
    boot: str
    pid: int
    started: str
    """When the process started, in the system's own format, since process ids are reused."""

    def labels(self) -> dict[str, str]:
        """Return the owner as labels of a container."""
        return {
            LABEL: "box",
            f"{LABEL}.run": self.run,
            f"{LABEL}.host": self.host,
            f"{LABEL}.boot": self.boot,
            f"{LABEL}.pid": str(self.pid),
            f"{LABEL}.started": self.started,
        }


def this_process(run: str) -> Owner:
    """Describe this process as the owner of boxes."""
    pid = os.getpid()
    return Owner(run, socket.gethostname(), _boot(), pid, _started(pid))


def from_labels(labels: dict[str, str]) -> Owner:
    """Read the owner from labels. Missing labels give an owner that counts as dead."""
    pid = labels.get(f"{LABEL}.pid", "")
    return Owner(
        run=labels.get(f"{LABEL}.run", ""),
        host=labels.get(f"{LABEL}.host", ""),
        boot=labels.get(f"{LABEL}.boot", ""),
        pid=int(pid) if pid.isdecimal() and len(pid) < 19 else 0,
        started=labels.get(f"{LABEL}.started", ""),
    )


def is_dead(owner: Owner) -> bool:
    """Return whether the owner has certainly ended. One on another host never counts as dead."""
    if owner.host != socket.gethostname():
        return False
    return owner.boot != _boot() or owner.pid <= 0 or _started(owner.pid) != owner.started


def _boot() -> str:
    """Return the id of this boot of the machine; empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Return when a process started; empty if it does not exist."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]  # macOS
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
