"""Run as a worker process that compares one pair after another; `pool` starts and kills it.

It reads JSON lines from standard input and answers each with one line on standard output. Its
memory is limited. It ends soon after its parent does: at the end of input when idle, by a kernel
timer when busy. Not covered: machines without POSIX limits and timers, where only the parent's
deadline holds.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from judge.compare import Comparison, Relation, compare
from judge.policy import Choice, Policy
from judge.reading.tree import Sym
from judge.workers.symbolic import ask_sympy
from judge.workers.work import write

Compare = Callable[[str, str, Policy], Comparison]


def main(seconds: float, memory_mb: int, compare: Compare = compare) -> None:
    """Answer pairs until the input ends. A pair that takes over `seconds` ends the process."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # so that nothing a library prints is taken for an answer
    limited = limit_memory(memory_mb << 20)
    start_sympy()
    compare(r"\sin(2x)", r"2\sin(x)\cos(x)", Policy())  # loads what the first pair needs
    write(answers, {"ready": True, "memory_limited": limited})
    for line in sys.stdin:
        reference, answer, policy = json.loads(line)
        set_alarm(seconds)
        try:
            comparison = compare(reference, answer, policy_of(json.dumps(policy)))
        except (MemoryError, RecursionError) as exhausted:
            name = type(exhausted).__name__
            comparison = Comparison(Relation.UNDECIDED, "memory", name, "", "")
        set_alarm(0)
        write(answers, asdict(comparison))
    os._exit(0)  # a normal exit would wait for a sympy process that is still starting


def start_sympy() -> None:
    """Start the sympy process in the background, while easy pairs are already answered."""
    threading.Thread(target=ask_sympy, args=(Sym("x"), Sym("y")), daemon=True).start()


def limit_memory(size: int) -> bool:
    """Limit the address space to so many bytes, so that a huge number raises MemoryError early.

    Return False where the platform refuses: macOS answers EINVAL (cpython#78783), and Windows has
    no such limit. There the pool watches the resident size from outside.
    """
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)  # the sympy process sets one of its own
        resource.setrlimit(resource.RLIMIT_AS, (size, hard))
    except (ImportError, ValueError, OSError):
        return False
    return True


def set_alarm(seconds: float) -> None:
    """Make the kernel end this process after so many seconds; 0 cancels the alarm."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


@lru_cache(maxsize=16)
def policy_of(text: str) -> Policy:
    """Build the policy that `dataclasses.asdict` turned into this JSON."""
    fields: dict[str, Any] = {
        name: Choice(value) if isinstance(value, str) else value
        for name, value in json.loads(text).items()
    }
    return Policy(**fields)
