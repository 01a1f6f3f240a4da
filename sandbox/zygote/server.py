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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import child, frames, kernel, namespaces, proc, queueing
from .scratch import wipe
from .settings import Allowance, Box
from .text import Text
from .watch import Forked, HostGone, Watch

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


class Server:
    """Runs one program at a time, because then the whole box is that program's."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.base = proc.memory_of(os.getpid())
        self.session: Forked | None = None
        self.session_cpu = 0.0

    def serve(self) -> NoReturn:
        """Answer messages until the channel closes."""
        try:
            self._send({"ready": True, "pid": os.getpid(), "python": sys.version.split()[0]})
            while True:
                self._answer()
        except HostGone:
            self._leave()

    def _answer(self) -> None:
        head, size = frames.unpack_head(_read_channel)
        if head["do"] == "end":
            self._send(self._clean_up())
            return
        allowance = Allowance(**head["limits"])
        with Text(size) as program:
            while program.size < size:
                if not program.read_from(_CHANNEL_IN):
                    raise HostGone
            if head["do"] == "run":
                self._run(program, allowance)
            else:
                self._run_in_session(program, allowance)

    def _run(self, program: Text, allowance: Allowance) -> None:
        kills = proc.out_of_memory_kills()
        forked = self._fork(allowance, program)
        watch = Watch(forked, self.box, allowance, self.base, _CHANNEL_IN)
        watch.follow()
        facts = self._finish(forked, watch)
        facts["oom_kills"] = proc.out_of_memory_kills() - kills
        self._send(facts, watch.out, watch.err)
        watch.close()

    def _run_in_session(self, program: Text, allowance: Allowance) -> None:
        kills = proc.out_of_memory_kills()
        if self.session is not None and not _hand_over(self.session, program):
            self._clean_up()
        fresh = self.session is None
        forked = self.session or self._fork(allowance, None)
        if fresh:
            self.session, self.session_cpu = forked, 0.0
            _hand_over(forked, program)
        watch = Watch(forked, self.box, allowance, self.base, _CHANNEL_IN, resumed=not fresh)
        watch.follow()
        if watch.status is None:
            self.session = None
            facts = self._finish(forked, watch, cpu_before=self.session_cpu)
        else:
            facts = self._pause(forked, watch, watch.status)
        facts["oom_kills"] = proc.out_of_memory_kills() - kills
        facts["fresh"] = fresh
        self._send(facts, watch.out, watch.err)
        watch.close()

    def _fork(self, allowance: Allowance, program: Text | None) -> Forked:
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
                child.run_one(program.decode(), self.box, allowance, self.base)
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

    def _finish(self, forked: Forked, watch: Watch, cpu_before: float = 0.0) -> dict[str, Any]:
        """Kill whatever is left of a program, take the rest of its output, empty the box."""
        status, usage, orphans = proc.kill_everything(forked.pid)
        watch.take_the_rest()
        if watch.truncated:
            watch.stopped = watch.stopped or "output"
        forked.close()
        cpu = usage.ru_utime + usage.ru_stime + orphans - cpu_before
        return _facts(watch, status, cpu, usage.ru_maxrss) | self._clean_up()

    def _pause(self, forked: Forked, watch: Watch, status: int) -> dict[str, Any]:
        """Hold a session still until its next program: nothing of it runs between two."""
        os.kill(forked.pid, signal.SIGSTOP)
        proc.kill_others(but=forked.pid)
        cpu = queueing.seconds_run(forked.pid)
        peak = proc.memory_of(forked.pid).get("VmHWM", 0)  # none if it ended after its last word
        facts = _facts(watch, status << 8, cpu - self.session_cpu, peak // 1024)
        self.session_cpu = cpu
        return facts

    def _clean_up(self) -> dict[str, Any]:
        """End the session if there is one, and leave nothing for the next program to find."""
        if self.session is not None:
            proc.kill_everything(self.session.pid)
            self.session.close()
            self.session = None
        if proc.others():
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

    def _send(self, head: dict[str, Any], *texts: Text) -> None:
        packed = frames.pack_head(head, sum(text.size for text in texts))
        try:
            _write(_CHANNEL_OUT, [memoryview(packed), *(text.view() for text in texts)])
        except BrokenPipeError as error:
            raise HostGone from error

    def _leave(self) -> NoReturn:
        """End this process and all it started; in a namespace of its own the kernel helps."""
        if os.getpid() != 1:
            proc.kill_everything(0)
            with self._as_user():
                wipe(self.box.scratch)
            with contextlib.suppress(OSError):
                os.rmdir(self.box.scratch)
        os._exit(0)


def _hand_over(session: Forked, program: Text) -> bool:
    """Give a session its next program. Say whether it is alive and took all of it."""
    head = frames.pack_head({}, program.size)
    poll = select.poll()
    poll.register(session.descriptor, select.POLLIN)
    if poll.poll(0):
        return False
    os.kill(session.pid, signal.SIGCONT)
    try:
        return os.writev(session.todo, [head, program.view()]) == len(head) + program.size
    except (BrokenPipeError, BlockingIOError):
        return False


def _facts(watch: Watch, status: int, cpu: float, peak_kb: int) -> dict[str, Any]:
    return {
        "status": status,
        "stopped": watch.stopped,
        "broken": watch.broken,
        "seconds": watch.seconds,
        "cpu_seconds": max(0.0, cpu),
        "peak_kb": peak_kb,
        "out_size": watch.out.size,
        "truncated": watch.truncated,
        "clean": True,
    }


def _read_channel(size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = os.read(_CHANNEL_IN, size - len(data))
        if not piece:
            raise HostGone
        data += piece
    return bytes(data)


def _write(number: int, pieces: Sequence[memoryview]) -> None:
    left = [piece for piece in pieces if piece]
    while left:
        written = os.writev(number, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]
