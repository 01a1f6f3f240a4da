"""Turns what the fork server reports into an Execution. Pure functions, no input or output."""

import re
from typing import Any

from sandbox.execution import Execution, Exit, Limits
from sandbox.tracebacks import shorten

_SIGKILL, _SIGXCPU = 9, 24
_SIGNALS = {
    4: "Illegal instruction",
    5: "Trace trap",
    6: "Aborted",
    7: "Bus error",
    8: "Floating point exception",
    9: "Killed",
    11: "Segmentation fault",
    13: "Broken pipe",
    14: "Alarm clock",
    15: "Terminated",
    24: "Processor time limit",
    25: "File size limit",
}
"""Names of Linux signals: programs run on Linux, even if the host is another system."""

_MEMORY_ERROR = re.compile(r"^(?:[\w.]*\.)?_?\w*MemoryError\b", re.MULTILINE)


def execution(facts: dict[str, Any], output: bytes, limits: Limits) -> Execution:
    """Combine what the kernel reported and what the program printed in one record."""
    stdout, stderr = output[: facts["out_size"]], output[facts["out_size"] :]
    shortened = shorten(_text(stderr))
    exit_ = classify(facts, shortened, limits)
    return Execution(
        exit=exit_,
        stdout=_text(stdout),
        stderr=_with_cause(shortened, facts, exit_),
        seconds=round(facts["seconds"], 6),
        cpu_seconds=round(facts["cpu_seconds"], 6),
        peak_memory_mb=round(facts["peak_kb"] / 1024, 3),
        truncated=facts["truncated"],
    )


def classify(facts: dict[str, Any], stderr: str, limits: Limits) -> Exit:
    """Decide how a program ended, from what the kernel reported.

    One thing is taken from the program's own output: a MemoryError on its last line, because the
    kernel does not record memory that it refused. A program that fakes it only changes one failure
    into another.
    """
    status = facts["status"]
    stopped = {
        "deadline": Exit.TIMEOUT,
        "cpu": Exit.TIMEOUT,
        "output": Exit.OUTPUT_LIMIT,
        "memory": Exit.OUT_OF_MEMORY,
        "processes": Exit.KILLED,
        "files": Exit.KILLED,
    }.get(facts["stopped"])
    if stopped is not None:
        return stopped
    signal = _signal(status)
    if signal:
        if facts["oom_kills"] and signal == _SIGKILL:
            return Exit.OUT_OF_MEMORY
        cpu_limit = limits.seconds + 1 if limits.cpu_seconds is None else limits.cpu_seconds
        spent = facts["cpu_seconds"] >= max(1, cpu_limit) / 2
        return Exit.TIMEOUT if spent and signal in (_SIGXCPU, _SIGKILL) else Exit.KILLED
    if status == 0:
        return Exit.OK
    last = stderr.rstrip().rpartition("\n")[2]
    if facts["oom_kills"] or _MEMORY_ERROR.match(last):
        return Exit.OUT_OF_MEMORY
    return Exit.CRASHED


def _text(data: bytes) -> str:
    """Decode what a program wrote; invalid bytes become U+FFFD."""
    return data.decode("utf-8", "replace")


def _with_cause(stderr: str, facts: dict[str, Any], exit_: Exit) -> str:
    """Add a line that says why a program ended, if its own output does not."""
    status = facts["status"]
    signal = _signal(status)
    if exit_ is Exit.KILLED and (signal or facts["stopped"]):
        by_signal = f"Killed by signal {signal}: {_SIGNALS.get(signal, 'no name')}"
        cause = f"Killed: too many {facts['stopped']}" if facts["stopped"] else by_signal
        return f"{stderr.rstrip()}\n{cause}\n".lstrip("\n")
    if exit_ is Exit.CRASHED and not stderr.strip():
        return f"The program left with status {status >> 8}.\n"
    return stderr


def _signal(status: int) -> int:
    """Return the signal in a status of wait4; 0 for a program that exited by itself."""
    return status & 0x7F
