"""The fork server: reads programs from its channel, runs each in a fork, reports how it ended.

No program ever runs in this process itself. It ends as soon as its channel closes, even while a
program is running. As it is the first process of its namespace, the kernel then kills all others.
"""

import contextlib
import gc
import importlib
import json
import os
import platform
import resource
import select
import signal
import site
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from . import child, frames, kernel, namespaces, proc, queueing, seccomp
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
    # the parts of the standard library that programs import most
    "collections",
    "decimal",
    "fractions",
    "functools",
    "heapq",
    "itertools",
    "math",
    "statistics",
)
"""Imported before any program. Not scipy.stats (1 s more) and not pandas (30 MB more)."""

_CHANNEL_IN, _CHANNEL_OUT = 1000, 1001
_REPLY_SECONDS = 0.002
"""How long to wait before forking the next process. A fork at once competes for the processor with
those that deliver the reply, which delayed the reply by a millisecond when measured."""
_TAKE_SECONDS = 30
"""How long a session may take to read its next program, on a machine as busy as can be."""


def main() -> None:
    """Run programs until the channel closes. The one argument is the box's settings as JSON."""
    box = Box(**json.loads(sys.argv[1]))
    _move_channel()
    if box.namespaces:
        namespaces.enter(box)
    kernel.set_dumpable(False)
    if os.getpid() != 1:
        kernel.adopt_orphans()
    elif box.user is not None:
        # the first process of a namespace ignores SIGTERM unless it has a handler. It gets one, so
        # that `docker stop` is quick, but not where programs of the same user could send it
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _preload(box)
    Server(box).serve()


def _move_channel() -> None:
    """Move the channel away from descriptors 0 and 1, which programs use."""
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
    """Import the libraries and prepare the heap for cheap forks."""
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
    """Return whether the host has closed the channel, even if a greeting was sent before."""
    return any(events & select.POLLHUP for _, events in _poll_channel(0))


def _poll_channel(seconds: float) -> list[tuple[int, int]]:
    """Wait up to some seconds for a message, or for the channel to close."""
    poll = select.poll()
    poll.register(_CHANNEL_IN, select.POLLIN)
    return poll.poll(seconds * 1000)


class Server:
    """Runs one program at a time, so that everything in the box belongs to that program."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.base = proc.memory_of(os.getpid())
        self.filter = seccomp.build(platform.machine(), sockets=box.sockets, signals=box.signals)
        self.forked: Forked | None = None
        """The process for the next program. It is forked and restricted as soon as the box is
        empty, so that a program has to wait for neither."""
        self.in_session = False
        """Programs have already run in that process, and it is stopped until the next."""
        self.session_cpu = 0.0
        self.kills = 0
        """How many out-of-memory kills were counted before the next program."""

    def serve(self) -> NoReturn:
        """Answer messages until the channel closes."""
        try:
            while True:
                self.forked = self._fork()  # before the next program arrives
                while self.forked is not None:
                    self._answer()
                _poll_channel(_REPLY_SECONDS)
        except HostGone:
            self._leave()
        except frames.BrokenFrame as error:
            print(f"it received garbled data: {error}", file=sys.stderr, flush=True)
            self._leave()

    def _answer(self) -> None:
        """Read one message and reply to it."""
        head, size = frames.unpack_head(_read_channel)
        if head["do"] == "greet":
            self._send({"number": head["number"]})
            return
        if head["do"] == "end":
            self._send(self._clean_up())
            return
        with Text(size) as program:
            while program.size < size:
                if not program.read_from(_CHANNEL_IN):
                    raise HostGone
            self._run(head, program)

    def _run(self, head: dict[str, Any], program: Text) -> None:
        forked = self._hand_over(head, program)
        fresh = not self.in_session
        self.in_session = head["do"] == "step"
        watch = Watch(
            forked,
            self.box,
            Allowance(**head["limits"]),
            self.base,
            _CHANNEL_IN,
            in_session=self.in_session,
            resumed=not fresh,
        )
        watch.follow()
        if watch.status is None:
            facts = self._finish(forked, watch)
        else:
            facts = self._pause(forked, watch, watch.status)
        kills = proc.out_of_memory_kills()
        facts["oom_kills"], self.kills = kills - self.kills, kills
        facts["fresh"] = fresh
        self._send(facts, watch.out, watch.err)
        watch.close()

    def _hand_over(self, head: dict[str, Any], program: Text) -> Forked:
        """Give a program to the waiting process, or to a new one if that has ended."""
        if self.forked is None or not self._give(self.forked, head, program):
            self._clean_up()
            self.forked = self._fork()
            self._give(self.forked, head, program)  # if this fails, the watch sees the process end
        return self.forked

    def _give(self, forked: Forked, head: dict[str, Any], program: Text) -> bool:
        """Write a program to a process. Return whether it is alive and took all of it."""
        poll = select.poll()
        poll.register(forked.descriptor, select.POLLIN)
        if poll.poll(0) or (self.in_session and head["do"] != "step"):
            return False
        if self.in_session:
            os.set_blocking(forked.todo, False)  # an earlier program may have stopped its reading
            os.kill(forked.pid, signal.SIGCONT)
        packed = frames.pack_head(head, program.size)
        try:
            _write(forked.todo, [memoryview(packed), program.view()])
        except (BrokenPipeError, TimeoutError):
            return False
        return True

    def _fork(self) -> Forked:
        """Start a process that restricts itself and waits for a program."""
        out, out_in_child = os.pipe()
        err, err_in_child = os.pipe()
        ready, ready_in_child = os.pipe()
        todo_in_child, todo = os.pipe()
        done, done_in_child = os.pipe()
        self.kills = proc.out_of_memory_kills()
        wanted = [out_in_child, err_in_child, ready_in_child, todo_in_child, done_in_child]
        pid = os.fork()
        if pid == 0:
            try:
                # moved to high numbers first, so that none is overwritten before its own move
                held = [os.dup2(fd, 500 + n) for n, fd in enumerate(wanted)]
                for number, fd in enumerate(held, start=1):
                    os.dup2(fd, number, inheritable=number <= child.ERR)
                child.run(self.box, self.filter, self.base)
            except BaseException:  # noqa: BLE001  # nothing may return into the server's loop
                child.report_failed_restrictions()
        for number in wanted:
            os.close(number)
        for number in (out, err):
            os.set_blocking(number, False)
        return Forked(pid, os.pidfd_open(pid), ready, out, err, todo, done)

    def _finish(self, forked: Forked, watch: Watch) -> dict[str, Any]:
        """Kill what is left of a program, read the rest of its output, and empty the box."""
        cpu_before = self.session_cpu
        status, usage, orphans = proc.kill_everything(forked.pid)
        watch.read_remaining_output()
        if watch.truncated:
            watch.stopped = watch.stopped or "output"
        self._forget()
        cpu = usage.ru_utime + usage.ru_stime + orphans - cpu_before
        return _facts(watch, status, cpu, usage.ru_maxrss) | self._clean_up()

    def _pause(self, forked: Forked, watch: Watch, status: int) -> dict[str, Any]:
        """Stop a session's process until the next program, so that nothing runs in between."""
        os.kill(forked.pid, signal.SIGSTOP)
        proc.kill_others(but=forked.pid)
        proc.reap_others(but=forked.pid)
        cpu = queueing.seconds_run(forked.pid)
        peak = proc.memory_of(forked.pid).get("VmHWM", 0)  # missing if the process has just ended
        facts = _facts(watch, status << 8, cpu - self.session_cpu, peak // 1024)
        self.session_cpu = cpu
        return facts

    def _clean_up(self) -> dict[str, Any]:
        """Kill the waiting or stopped process and empty the box for the next program."""
        if self.forked is not None:
            proc.kill_everything(self.forked.pid)
            self._forget()
        if proc.others():
            return {"clean": False, "why": "a process is left"}
        with proc.as_user(self.box.user):
            dirty = [f for f in (self.box.scratch, *self.box.other_scratch) if not wipe(f)]
        if dirty:
            return {"clean": False, "why": f"{dirty[0]} could not be emptied"}
        return {"clean": True}

    def _forget(self) -> None:
        if self.forked is not None:
            self.forked.close()
        self.forked, self.in_session, self.session_cpu = None, False, 0.0

    def _send(self, head: dict[str, Any], *texts: Text) -> None:
        packed = frames.pack_head(head, sum(text.size for text in texts))
        try:
            _write(_CHANNEL_OUT, [memoryview(packed), *(text.view() for text in texts)])
        except BrokenPipeError as error:
            raise HostGone from error

    def _leave(self) -> NoReturn:
        """End this process and all it started. In its own namespace the kernel does the latter."""
        if os.getpid() != 1:
            proc.kill_everything(0)
            with proc.as_user(self.box.user):
                wipe(self.box.scratch)
            with contextlib.suppress(OSError):
                os.rmdir(self.box.scratch)
        os._exit(0)


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
    """Write all pieces. Raises TimeoutError where nobody reads from a pipe that does not block."""
    left = [piece for piece in pieces if piece]
    while left:
        try:
            written = os.writev(number, left)
        except BlockingIOError:
            _until_taken(number)
            continue
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left:
            left[0] = left[0][written:]


def _until_taken(number: int) -> None:
    """Wait until a pipe takes more. Raises TimeoutError, and HostGone."""
    poll = select.poll()
    poll.register(number, select.POLLOUT)
    poll.register(_CHANNEL_IN, 0)  # only whether it is closed
    ready = dict(poll.poll(_TAKE_SECONDS * 1000))
    if _CHANNEL_IN in ready:
        raise HostGone
    if not ready:
        raise TimeoutError
