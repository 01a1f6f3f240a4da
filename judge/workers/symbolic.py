"""Ask sympy in a separate process, which is killed when it takes too much time or memory.

The process gets nodes of the syntax tree, never a text. It starts at the first question, takes one
question at a time, and is shared by the threads of a process.
"""

import atexit
import json
import os
import selectors
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from judge.reading.tree import Node, Unreadable, encode
from judge.relation import Finding, Relation
from judge.workers.work import Work, kept_environment

DEADLINE_SECONDS = 0.8
"""Processor time a question may take, so that a busy machine does not change a verdict."""
_LOOK_EVERY = 0.1
_START_SECONDS = 30.0
_GIVEN_UP: set[frozenset[str]] = set()
"""Pairs, in either order, that sympy did not decide in time, so that none costs its time twice."""
_MOST_GIVEN_UP = 10_000


def ask_sympy(
    reference: Node, answer: Node, *, seconds: float = DEADLINE_SECONDS
) -> Finding | None:
    """Compare two scalars with sympy. Return None where it finds nothing in time.

    The first call also waits for sympy to be imported, a second or two.
    """
    try:
        question = {"reference": encode(reference), "answer": encode(answer)}
    except Unreadable:  # a unit or a word among the scalars
        return None
    sides = frozenset(map(json.dumps, question.values()))
    if sides in _GIVEN_UP:
        return None
    reply = _worker.ask(question, seconds)
    if reply is None or reply.get("relation") not in ("equal", "different"):
        if len(_GIVEN_UP) < _MOST_GIVEN_UP:
            _GIVEN_UP.add(sides)
        return None
    return Finding(Relation(reply["relation"]), "symbolic", str(reply["reason"]))


class Worker:
    """A sympy process, replaced when it hangs, dies or belongs to the parent of a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ask(self, question: dict[str, Any], seconds: float) -> dict[str, Any] | None:
        """Return the reply to a question, or None after `seconds` of its work or at its death."""
        with self._lock:
            try:
                process = self._running()
                if process is None or process.stdin is None:
                    return None
                process.stdin.write(json.dumps(question).encode() + b"\n")
                process.stdin.flush()
                line = _read_line(process, seconds)
            except OSError:
                line = b""
            if not line:
                self._kill()
                return None
            reply = json.loads(line)
            return reply if isinstance(reply, dict) else None

    def close(self) -> None:
        """Stop the process."""
        with self._lock:
            self._kill()

    def _running(self) -> subprocess.Popen[bytes] | None:
        if self._owner != os.getpid():
            self._process = None  # copied by a fork; the parent still uses it
        if self._process is None or self._process.poll() is not None:
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "judge.workers.symbolic_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=Path(__file__).parents[2],
                env=kept_environment(),
            )
            if not _read_line(self._process, _START_SECONDS):
                self._kill()
        return self._process

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        process.kill()
        process.wait()
        for stream in filter(None, (process.stdin, process.stdout)):
            stream.close()


def _read_line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """Read the next line of the process; empty where none comes in so many seconds of work."""
    if process.stdout is None:
        return b""
    work = Work(process.pid)
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not selector.select(min(seconds, _LOOK_EVERY)):
            if work.is_over(seconds):
                return b""
        return process.stdout.readline()


_worker = Worker()
atexit.register(_worker.close)
