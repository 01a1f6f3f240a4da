"""The fork server: reads programs from its channel, forks for each, reports what the kernel saw.

No program ever runs in this process. It ends as soon as its channel does, also while a program
is running, and as it is the first process of its namespace the kernel then ends all others.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import site
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from . import child, frames, kernel, namespaces
from .scratch import wipe
from .settings import Allowance, Box

PRELOAD = (
    "numpy",
    "sympy",
    "scipy.optimize",
    "scipy.integrate",
    "scipy.special",
    "mpmath",
    "networkx",
    # what programs import most of the standard library
    "collections",
    "decimal",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "math",
    "statistics",
)
"""Imported before any program. Not scipy.stats (a second more) and not pandas (30 MB more)."""

_CHANNEL_IN, _CHANNEL_OUT = 1000, 1001
_SETUP_SECONDS = 30
_REAP_SECONDS = 5
_LOOK_EVERY = 0.02
"""Seconds between two looks at the memory of a box that no cgroup counts."""
_MB = 2**20


def main() -> None:
    """Serve one box until the channel closes. Its settings are the one argument, as JSON."""
    box = Box(**json.loads(sys.argv[1]))
    _move_channel()
    if box.namespaces:
        namespaces.enter(box)
    kernel.set_dumpable(False)
    if os.getpid() != 1:
        kernel.adopt_orphans()
    elif box.user is not None:
        # a handler lets `docker stop` end this process at once; with programs of the same user
        # it would let them do so too
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _preload(box)
    Server(box).serve()


def _move_channel() -> None:
    """Take the channel away from descriptors 0 and 1, where a program would find it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CHANNEL_OUT + 1
    if soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    os.dup2(0, _CHANNEL_IN, inheritable=False)
    os.dup2(1, _CHANNEL_OUT, inheritable=False)
    nothing = os.open("/dev/null", os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)


def _preload(box: Box) -> None:
    home = str(Path(__file__).parents[1])
    sys.path[:] = [*(path for path in sys.path if path != home), *box.site]
    site.setquit()
    site.setcopyright()
    site.sethelper()
    for name in PRELOAD:
        importlib.import_module(name)
        if _channel_closed():
            os._exit(0)
    gc.collect()
    gc.freeze()
    kernel.collapse_heap()


def _channel_closed() -> bool:
    poll = select.poll()
    poll.register(_CHANNEL_IN, select.POLLIN)
    return bool(poll.poll(0))  # the host says nothing before it was told that all is ready


@dataclass
class Forked:
    """One forked process and this end of its pipes."""

    pid: int
    descriptor: int
    """Becomes readable when the process ends."""
    ready: int
    out: int
    err: int
    todo: int = -1
    done: int = -1
    """In a session: programs go in, and a byte comes out when one is done."""

    def close(self) -> None:
        """Close this end of every pipe."""
        for number in (self.descriptor, self.ready, self.out, self.err, self.todo, self.done):
            if number >= 0:
                os.close(number)


@dataclass
class Watched:
    """What was seen of one program, from here: nothing in it is the program's own word."""

    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    stopped: str = ""
    """Why this process ended the program: deadline, output, memory, processes; else empty."""
    ended: bool = False
    status: int | None = None
    """A session's word for how its program ended; else the kernel's follows."""
    started: float = 0.0
    seconds: float = 0.0
    broken: str = ""
    """Why the program never started."""


class Server:
    """Runs one program at a time, because then the whole box is that program's."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.base = _memory_of(os.getpid())
        self.session: Forked | None = None
        self.session_cpu = 0.0

    def serve(self) -> None:
        """Answer messages until the channel closes."""
        self._send({"ready": True, "pid": os.getpid(), "python": sys.version.split()[0]})
        while True:
            try:
                head, body = frames.unpack(_read_channel)
            except EOFError:
                self._leave()
            if head["do"] == "end":
                self._send(self._clean_up())
                continue
            allowance = Allowance(**head["limits"])
            program = body.decode("utf-8", "replace")
            if head["do"] == "run":
                facts, output = self._run(program, allowance)
            else:
                facts, output = self._run_in_session(program, allowance)
            self._send(facts, output)

    def _run(self, program: str, allowance: Allowance) -> tuple[dict[str, Any], bytes]:
        kills = _out_of_memory_kills()
        forked = self._fork(allowance, program)
        watched = self._watch(forked, allowance, ends_with_process=True)
        facts = self._finish(forked, watched, allowance)
        facts["oom_kills"] = _out_of_memory_kills() - kills
        return facts, bytes(watched.out + watched.err)

    def _run_in_session(self, program: str, allowance: Allowance) -> tuple[dict[str, Any], bytes]:
        kills = _out_of_memory_kills()
        if self.session is not None and not _hand_over(self.session, program):
            self._clean_up()
        fresh = self.session is None
        forked = self.session or self._fork(allowance, None)
        if fresh:
            self.session, self.session_cpu = forked, 0.0
            _hand_over(forked, program)
        watched = self._watch(forked, allowance, ends_with_process=False, fresh=fresh)
        if watched.ended or watched.stopped or watched.broken:
            self.session = None
            facts = self._finish(forked, watched, allowance, cpu_before=self.session_cpu)
        else:
            os.kill(forked.pid, signal.SIGSTOP)  # between programs nothing of it runs
            _kill_others(forked.pid)
            cpu, peak = _usage_of(forked.pid)
            facts = _facts(watched, (watched.status or 0) << 8, cpu - self.session_cpu, peak)
            self.session_cpu = cpu
        facts["oom_kills"] = _out_of_memory_kills() - kills
        facts["fresh"] = fresh
        return facts, bytes(watched.out + watched.err)

    def _fork(self, allowance: Allowance, program: str | None) -> Forked:
        """Start a process for one program, or for a session when there is no program yet."""
        ready, ready_in_child = os.pipe()
        out, out_in_child = os.pipe()
        err, err_in_child = os.pipe()
        todo_in_child, todo = os.pipe() if program is None else (-1, -1)
        done, done_in_child = os.pipe() if program is None else (-1, -1)
        wanted = [out_in_child, err_in_child, ready_in_child, todo_in_child, done_in_child]
        pid = os.fork()
        if pid == 0:
            try:
                # first out of the way, so that none is overwritten before it is moved
                held = [os.dup2(fd, 500 + n) for n, fd in enumerate(wanted) if fd >= 0]
                for number, fd in enumerate(held, start=1):
                    os.dup2(fd, number, inheritable=number <= child.ERR)
                if program is None:
                    child.run_session(self.box, allowance, self.base)
                child.run_one(program, self.box, allowance, self.base)
            except BaseException:  # noqa: BLE001  # nothing may return into the server's loop
                child.report_broken_walls()
        for number in wanted:
            if number >= 0:
                os.close(number)
        if todo >= 0:
            fcntl.fcntl(todo, fcntl.F_SETPIPE_SZ, _MB)
        for number in (out, err, *([todo] if todo >= 0 else [])):
            os.set_blocking(number, False)
        return Forked(pid, os.pidfd_open(pid), ready, out, err, todo, done)

    def _watch(
        self, forked: Forked, allowance: Allowance, *, ends_with_process: bool, fresh: bool = True
    ) -> Watched:
        """Collect output until the program is done, or has used up what it may."""
        watched = Watched()
        poll = select.poll()
        signs = [forked.out, forked.err, forked.descriptor, _CHANNEL_IN]
        signs.append(forked.ready if ends_with_process else forked.done)
        for number in signs:
            poll.register(number, select.POLLIN)
        kept = {forked.out: watched.out, forked.err: watched.err}
        deadline, next_look, taken_up = time.monotonic() + _SETUP_SECONDS, 0.0, False
        if not fresh:  # if it never takes the program up, an earlier one of the session is to blame
            watched.started = time.monotonic()
            deadline = watched.started + allowance.seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                watched.stopped = "deadline" if watched.started else "setup"
                break
            if not self.box.cgroup and watched.started:
                if time.monotonic() >= next_look:
                    watched.stopped = self._overdrawn(allowance)
                    next_look = time.monotonic() + _LOOK_EVERY
                if watched.stopped:
                    break
                left = min(left, _LOOK_EVERY)
            seen = {number for number, _ in poll.poll(max(1, left * 1000))}
            if _CHANNEL_IN in seen:
                self._leave()
            for number in seen & kept.keys():
                if not _collect(number, kept[number], allowance.output_kb * 1024, poll):
                    watched.truncated, watched.stopped = True, "output"
            if watched.stopped:
                break
            if forked.ready in seen:
                poll.unregister(forked.ready)
                if clock := os.read(forked.ready, child.CLOCK.size):
                    (watched.started,) = child.CLOCK.unpack(clock)
                    deadline = watched.started + allowance.seconds
            if forked.done in seen:
                word = os.read(forked.done, 1)
                if not word:
                    poll.unregister(forked.done)
                elif not taken_up:
                    watched.started, taken_up = time.monotonic(), True
                    deadline = watched.started + allowance.seconds
                else:
                    watched.status = word[0]
                    break
            if forked.descriptor in seen:
                watched.ended = True
                break
        watched.seconds = time.monotonic() - watched.started if watched.started else 0.0
        if not watched.started:
            watched.broken = watched.stopped or "the process ended before the program started"
        if not (watched.ended or watched.stopped):  # a session goes on: take what is there
            for number, buffer in kept.items():
                if not _collect(number, buffer, allowance.output_kb * 1024, poll):
                    watched.truncated = True
        return watched

    def _overdrawn(self, allowance: Allowance) -> str:
        """Name what the box as a whole has used up, where no cgroup counts for us."""
        held, processes = 0, 0
        for pid in _others():
            with contextlib.suppress(OSError, KeyError):  # it may end while we look
                memory = _memory_of(pid)
                held += max(0, memory["RssAnon"] - self.base["RssAnon"]) + memory["RssShmem"]
                processes += memory["Threads"]
        for folder in (self.box.scratch, *self.box.other_scratch):
            with contextlib.suppress(OSError):
                if os.path.ismount(folder):
                    held += _held_by(folder)
        if held > allowance.memory_mb * _MB:
            return "memory"
        return "processes" if processes > allowance.processes + 2 else ""

    def _finish(
        self,
        forked: Forked,
        watched: Watched,
        allowance: Allowance,
        cpu_before: float = 0.0,
    ) -> dict[str, Any]:
        """Kill whatever is left of a program, take the rest of its output, empty the box."""
        status, usage, orphans = _kill_everything(forked.pid)
        limit = allowance.output_kb * 1024
        for number, buffer in ((forked.out, watched.out), (forked.err, watched.err)):
            if not _collect(number, buffer, limit, None):
                watched.truncated, watched.stopped = True, watched.stopped or "output"
        forked.close()
        cpu = usage.ru_utime + usage.ru_stime + orphans - cpu_before
        facts = _facts(watched, status, cpu, usage.ru_maxrss)
        facts |= self._clean_up()
        return facts

    def _clean_up(self) -> dict[str, Any]:
        """End the session if there is one, and leave nothing for the next program to find."""
        if self.session is not None:
            _kill_everything(self.session.pid)
            self.session.close()
            self.session = None
        if _others():
            return {"clean": False, "why": "a process is left"}
        with self._as_user():
            dirty = [f for f in (self.box.scratch, *self.box.other_scratch) if not wipe(f)]
        if dirty:
            return {"clean": False, "why": f"{dirty[0]} could not be emptied"}
        return {"clean": True}

    @contextlib.contextmanager
    def _as_user(self) -> Iterator[None]:
        """Act as the programs' user, so that no link they left leads to anything of ours."""
        if self.box.user is None:
            yield
            return
        os.setegid(self.box.user)
        os.seteuid(self.box.user)
        try:
            yield
        finally:
            os.seteuid(0)
            os.setegid(0)

    def _send(self, head: dict[str, Any], body: bytes = b"") -> None:
        try:
            _write(_CHANNEL_OUT, frames.pack(head, body))
        except BrokenPipeError:
            self._leave()

    def _leave(self) -> NoReturn:
        """End this process and all it started; in a namespace of its own the kernel helps."""
        if os.getpid() != 1:
            _kill_everything(0)
            with self._as_user():
                wipe(self.box.scratch)
            with contextlib.suppress(OSError):
                os.rmdir(self.box.scratch)
        os._exit(0)


def _hand_over(session: Forked, program: str) -> bool:
    """Give a session its next program. Say whether it is alive and took all of it."""
    message = frames.pack({}, program.encode())
    if select.select([session.descriptor], [], [], 0)[0]:
        return False
    os.kill(session.pid, signal.SIGCONT)
    try:
        return os.write(session.todo, message) == len(message)
    except (BrokenPipeError, BlockingIOError):
        return False


def _facts(watched: Watched, status: int, cpu: float, peak_kb: int) -> dict[str, Any]:
    return {
        "status": status,
        "stopped": watched.stopped,
        "broken": watched.broken,
        "seconds": watched.seconds,
        "cpu_seconds": max(0.0, cpu),
        "peak_kb": peak_kb,
        "out_size": len(watched.out),
        "truncated": watched.truncated,
        "clean": True,
    }


def _collect(number: int, buffer: bytearray, limit: int, poll: "select.poll | None") -> bool:
    """Take what a pipe holds, up to the limit. Say whether it was within it."""
    while len(buffer) <= limit:
        try:
            piece = os.read(number, 65536)
        except BlockingIOError:
            return True
        if not piece:
            if poll is not None:
                poll.unregister(number)
            return True
        buffer += piece
    del buffer[limit:]
    return False


def _kill_everything(pid: int) -> tuple[int, resource.struct_rusage, float]:
    """Kill a program and all it started; give back its status, its usage, its orphans' seconds."""
    status, usage, orphans = int(signal.SIGKILL), resource.getrusage(resource.RUSAGE_CHILDREN), 0.0
    deadline = time.monotonic() + _REAP_SECONDS
    while time.monotonic() < deadline:
        if os.getpid() == 1:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # the kernel does this in one go: no fork escapes it
        else:
            _kill_others(but=0)
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


def _kill_others(but: int) -> None:
    for pid in _others():
        if pid != but:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def _others() -> list[int]:
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


def _memory_of(pid: int) -> dict[str, int]:
    """Read a process's memory in bytes, and its threads, as the kernel counts them."""
    counted = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmData", "VmSize", "VmHWM", "RssAnon", "RssShmem"):
            counted[name] = int(value.split()[0]) * 1024
        elif name == "Threads":
            counted[name] = int(value)
    return counted


def _usage_of(pid: int) -> tuple[float, int]:
    """Read the processor seconds and peak kB of a process that lives on."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK"), _memory_of(pid)["VmHWM"] // 1024


def _held_by(folder: str) -> int:
    """Say how many bytes of memory the files of a tmpfs hold, a kB for each name included."""
    held = os.statvfs(folder)
    return (held.f_blocks - held.f_bfree) * held.f_frsize + (held.f_files - held.f_ffree) * 1024


def _out_of_memory_kills() -> int:
    """Read how often the kernel killed a process of this box for memory; 0 where none counts."""
    for path in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        with contextlib.suppress(OSError):
            for line in Path(path).read_text().splitlines():
                name, _, value = line.partition(" ")
                if name == "oom_kill":
                    return int(value)
    return 0


def _read_channel(size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = os.read(_CHANNEL_IN, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def _write(number: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]
