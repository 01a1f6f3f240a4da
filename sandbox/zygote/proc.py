"""The box's other processes: lists them, measures their memory, and kills them."""

import contextlib
import math
import os
import resource
import signal
import time
from collections.abc import Iterator
from pathlib import Path

_REAP_SECONDS = 5


def others() -> list[int]:
    """List every process of the box but this one."""
    if os.getpid() == 1:
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    return _descendants(os.getpid())


def _descendants(pid: int) -> list[int]:
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for inner in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                found += [int(inner), *_descendants(int(inner))]
    return found


def kill_everything(pid: int) -> tuple[int, resource.struct_rusage, float]:
    """Kill a program and all it started. Return its status, its usage, and its orphans' CPU time.

    Orphans are processes that outlived the parent that started them.
    """
    nothing = resource.struct_rusage((0,) * 16)
    status, usage, orphans = int(signal.SIGKILL), nothing, 0.0
    deadline = time.monotonic() + _REAP_SECONDS
    while time.monotonic() < deadline:
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # atomic in the kernel, so no fork escapes it
        else:
            kill_others(but=0)
        try:
            ended, its_status, its_usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if ended == 0:
            time.sleep(0.0005)
        elif ended == pid:
            status, usage = its_status, its_usage
        else:
            orphans += its_usage.ru_utime + its_usage.ru_stime
    return status, usage, orphans


def kill_others(but: int) -> None:
    """Stop the process `but`, and kill every other of the box except this one."""
    if os.getpid() == 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGSTOP)  # atomic in the kernel, so none forks while others() looks
    for pid in others():
        if pid != but:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def reap_others(but: int) -> None:
    """Collect the processes that have ended, except `but`: until then they count as processes."""
    for pid in others():
        if pid != but:
            with contextlib.suppress(ChildProcessError):  # it is a child of another process
                os.waitpid(pid, os.WNOHANG)


def memory_of(pid: int) -> dict[str, int]:
    """Read a process's memory in bytes and its number of threads from the kernel."""
    counted = {}
    for line in Path(f"/proc/{pid}/status").read_bytes().split(b"\n"):  # its name is any bytes
        name, _, value = line.decode(errors="replace").partition(":")
        if name in ("VmData", "VmSize", "VmHWM", "RssAnon", "RssShmem"):
            counted[name] = int(value.split()[0]) * 1024
        elif name == "Threads":
            counted[name] = int(value)
    return counted


def share_of(pid: int) -> float:
    """Read a process's memory in bytes, of what it shares with others its part.

    This walks the process's pages, milliseconds for a large one. It is endless where the kernel
    does not tell, and 0 where the process has ended.
    """
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except OSError:
        return math.inf
    told = [int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:"))]
    return 1024 * sum(told) if told else math.inf


@contextlib.contextmanager
def as_user(user: int | None) -> Iterator[None]:
    """Act as the programs' user, if they have their own.

    So no link they left can reach the server's own files, and the kernel tells of their memory.
    """
    if user is None:
        yield
        return
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def held_by(folder: str) -> tuple[int, int]:
    """Return the bytes of memory that the files of a tmpfs use, and how many files there are.

    Each file counts 1 kB, even an empty one.
    """
    held = os.statvfs(folder)
    files = held.f_files - held.f_ffree
    return (held.f_blocks - held.f_bfree) * held.f_frsize + files * 1024, files


def out_of_memory_kills() -> int:
    """Read how often the kernel killed a process of this box for memory; 0 without a cgroup."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with contextlib.suppress(OSError):
            for line in Path(path).read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    return 0
