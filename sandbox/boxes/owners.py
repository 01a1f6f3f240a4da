"""Who a box belongs to, written so that anyone can later tell whether that process still lives."""

import os
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

LABEL = "solver.sandbox"


@dataclass(frozen=True)
class Owner:
    """One harness process on one host, and the run it works on."""

    run: str
    host: str
    boot: str
    pid: int
    started: str
    """When the process started, as the system counts it; a process id alone is used again."""

    def labels(self) -> dict[str, str]:
        """Write the owner as labels of a container."""
        return {
            LABEL: "box",
            f"{LABEL}.run": self.run,
            f"{LABEL}.host": self.host,
            f"{LABEL}.boot": self.boot,
            f"{LABEL}.pid": str(self.pid),
            f"{LABEL}.started": self.started,
        }


def this_process(run: str) -> Owner:
    """Describe the process this runs in."""
    pid = os.getpid()
    return Owner(run, socket.gethostname(), _boot(), pid, _started(pid))


def from_labels(labels: dict[str, str]) -> Owner:
    """Read the owner back. Labels that are missing read as a process that is long gone."""
    pid = labels.get(f"{LABEL}.pid", "")
    return Owner(
        run=labels.get(f"{LABEL}.run", ""),
        host=labels.get(f"{LABEL}.host", ""),
        boot=labels.get(f"{LABEL}.boot", ""),
        pid=int(pid) if pid.isdigit() else 0,
        started=labels.get(f"{LABEL}.started", ""),
    )


def is_dead(owner: Owner) -> bool:
    """Say whether the owner has certainly ended. One on another host never counts as dead."""
    if owner.host != socket.gethostname():
        return False
    return owner.boot != _boot() or owner.pid <= 0 or _started(owner.pid) != owner.started


def _boot() -> str:
    """Name this start of the machine; empty on a system that does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """Say when a process started; empty when there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]
    except OSError:
        pass
    if Path("/proc/self").exists():
        return ""
    command = ["ps", "-o", "lstart=", "-p", str(pid)]  # macOS
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
