"""Compare pairs in worker processes that are started in advance and can be killed.

A worker is a fresh interpreter, never a fork of this process, so callers may use threads. A pair
may take so many seconds of processor time, or a few times as many by the clock, from when a worker
starts on it; a worker that takes longer is killed and replaced, and the pair is undecided. So is a
pair whose worker dies or runs out of memory.
"""

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from threading import Lock
from typing import IO, Any, cast

from judge.compare import DEFAULT
from judge.policy import Policy
from judge.relation import Comparison, Relation
from judge.verdict import JudgeError
from judge.workers.work import MOST_WALL, Work, kept_environment

LONGEST = 4_000
"""Characters of a text that are sent to a worker; a longer one is undecided at once."""
_SECONDS_TO_START = 60.0
_SECONDS_OF_GRACE = 1.0
_LOOK_EVERY = 0.05
"""Seconds between two looks at what a worker has used."""


class Pool:
    """Worker processes, each of which compares one pair at a time."""

    program = (
        "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
        " from judge.workers.worker import main;"
        " main(float(sys.argv[2]), int(sys.argv[3]))"
    )
    """The program of a worker. It gets this process's import path, whatever its directory."""

    def __init__(self, workers: int = 1, *, seconds: float = 5.0, memory_mb: int = 1024) -> None:
        """Start the workers without waiting until they are ready.

        A pair may take `seconds` of processor time, sympy's included, and a worker `memory_mb` MiB
        of address space.
        """
        if workers < 1:
            raise ValueError(f"workers: {workers} is too small, it must be at least 1")
        self.workers = workers
        self.seconds = seconds
        self.memory_mb = memory_mb
        self.replaced = 0
        """Workers that were killed or died."""
        self._closed = False
        self._lock = Lock()
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._all = [_Worker(self.program, seconds, memory_mb) for _ in range(workers)]
        for worker in self._all:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="judge")

    def submit(self, reference: str, answer: str, policy: Policy = DEFAULT) -> "Future[Comparison]":
        """Compare one pair in a worker. The future raises JudgeError where no worker can start."""
        if max(len(reference), len(answer)) > LONGEST:
            done: Future[Comparison] = Future()
            done.set_result(_undecided("length", f"longer than {LONGEST} characters"))
            return done
        try:
            return self._threads.submit(self._compare, reference, answer, policy)
        except RuntimeError:
            raise JudgeError("the judge's worker pool is closed") from None

    def compare(self, reference: str, answer: str, policy: Policy = DEFAULT) -> Comparison:
        """Compare one pair and wait for it."""
        return self.submit(reference, answer, policy).result()

    def close(self) -> None:
        """Kill every worker. Pending pairs raise; closing twice does nothing."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(wait=True)
        for worker in self._all:
            worker.dispose()

    def let_go(self) -> None:
        """Close a forked process's copies of the pipes, which would keep workers without owner."""
        for worker in self._all:
            worker.let_go()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _compare(self, reference: str, answer: str, policy: Policy) -> Comparison:
        worker = self._idle.get()
        try:
            return worker.compare(reference, answer, policy)
        except TimeoutError:
            worker = self._replace(worker)
            return _undecided("deadline", f"no result in {self.seconds:g} s of work")
        except _Died as death:
            worker = self._replace(worker)
            return _undecided("crashed", str(death))
        except JudgeError:
            worker = self._replace(worker)
            raise
        finally:
            self._idle.put(worker)

    def _replace(self, worker: "_Worker") -> "_Worker":
        worker.kill()
        with self._lock:  # so that no worker is started, and left running, while the pool closes
            if self._closed:
                raise JudgeError("the judge's worker pool was closed while it compared")
            fresh = _Worker(self.program, self.seconds, self.memory_mb)
            self._all[self._all.index(worker)] = fresh
            self.replaced += 1
        worker.dispose()
        return fresh


class _Died(Exception):
    """A worker ended before it answered."""


class _Worker:
    """One process and the pipes to it. Used by one thread at a time."""

    def __init__(self, program: str, seconds: float, memory_mb: int) -> None:
        self._seconds = seconds
        self._memory_mb = memory_mb
        self._watched = False
        """Whether its memory is read from outside, where the platform does not limit it."""
        self._ready = False
        self._received = b""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        limits = [str(MOST_WALL * seconds + _SECONDS_OF_GRACE), str(memory_mb)]
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", program, json.dumps(_import_path()), *limits],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            process_group=0,  # killed with its sympy process; Ctrl-C reaches only us
            env=kept_environment(),
        )
        self.process_id = self._process.pid
        self._to = cast(IO[bytes], self._process.stdin)
        self._from = cast(IO[bytes], self._process.stdout)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._from, selectors.EVENT_READ)

    def compare(self, reference: str, answer: str, policy: Policy) -> Comparison:
        """Compare one pair. Raise TimeoutError or _Died where there is no result."""
        self._wait_until_ready()
        try:
            self._to.write(json.dumps([reference, answer, asdict(policy)]).encode() + b"\n")
            self._to.flush()
        except (OSError, ValueError):
            raise _Died(self._how_it_ended()) from None
        fields = self._read(self._seconds)
        return Comparison(**{**fields, "relation": Relation(fields["relation"])})

    def kill(self) -> None:
        """Kill the process and those that it started. Any thread may call this."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process_id, signal.SIGKILL)
        self._process.wait()

    def dispose(self) -> None:
        """Close the pipes, once the process has ended and no thread reads from it."""
        self._selector.close()
        with contextlib.suppress(BrokenPipeError):
            self._to.close()
        self._from.close()
        self._errors.close()

    def let_go(self) -> None:
        """Close the pipe to the process in a forked process, without a word to the worker."""
        with contextlib.suppress(ValueError), open(os.devnull, "wb") as nothing:
            os.dup2(nothing.fileno(), self._to.fileno(), inheritable=False)

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        try:
            began = self._read(_SECONDS_TO_START)
        except (TimeoutError, _Died) as failure:
            raise JudgeError(f"a worker of the judge did not start: {failure}") from failure
        self._ready = True
        self._watched = isinstance(began, dict) and not began.get("memory_limited", True)

    def _read(self, seconds: float) -> Any:
        """Read the next line of the process as JSON. Raises TimeoutError after so much work."""
        work: Work | None = None
        while b"\n" not in self._received:
            if not self._selector.select(_LOOK_EVERY):
                self._require_small()
                work = work or Work(self.process_id)  # from here: most pairs never come here
                if work.is_over(seconds):
                    raise TimeoutError(f"silent for {seconds:g} s")
                continue
            chunk = os.read(self._from.fileno(), 65536)
            if not chunk:
                raise _Died(self._how_it_ended())
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        return json.loads(line)

    def _require_small(self) -> None:
        """Kill a process that takes too much memory, where only looking on can limit it."""
        if self._watched and _resident_bytes(self.process_id) > self._memory_mb << 20:
            self.kill()
            raise _Died(f"more than {self._memory_mb} MiB")

    def _how_it_ended(self) -> str:
        """Say how the process ended: its exit code and its last line of error output."""
        code = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read()[-2000:].decode(errors="replace").strip().splitlines()
        return f"the worker ended with code {code}" + (f": {lines[-1]}" if lines else "")


def _resident_bytes(process_id: int) -> int:
    """Return the resident size of a process and of all below it; 0 once it has ended.

    For platforms that limit no address space (macOS, Windows): psutil is a dependency there alone.
    Memory that is taken and given back between two looks is not seen.
    """
    import psutil

    total = 0
    with contextlib.suppress(psutil.Error):  # one has just ended: the next look counts the others
        process = psutil.Process(process_id)
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    return total


def _import_path() -> list[str]:
    home = str(Path(__file__).resolve().parents[2])
    return [home, *(entry for entry in sys.path if entry and entry != home)]


def _undecided(tier: str, reason: str) -> Comparison:
    return Comparison(Relation.UNDECIDED, tier, reason, "", "")
