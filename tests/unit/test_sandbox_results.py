"""From the kernel's facts to an Execution."""

import json
import signal
from typing import Any

import pytest
from pydantic import TypeAdapter

from sandbox.execution import Execution, Exit, Limits
from sandbox.results import classify, execution


def facts(**changed: Any) -> dict[str, Any]:
    plain = {
        "status": 0,
        "stopped": "",
        "broken": "",
        "seconds": 0.1,
        "cpu_seconds": 0.1,
        "peak_kb": 2048,
        "out_size": 0,
        "truncated": False,
        "clean": True,
        "oom_kills": 0,
    }
    return plain | changed


@pytest.mark.parametrize(
    ("seen", "stderr", "expected"),
    [
        (facts(), "", Exit.OK),
        (facts(), "MemoryError", Exit.OK),
        (facts(status=1 << 8), "ValueError: no", Exit.CRASHED),
        (facts(status=1 << 8), "MemoryError\n", Exit.OUT_OF_MEMORY),
        (facts(status=1 << 8), "numpy._core._ArrayMemoryError: Unable", Exit.OUT_OF_MEMORY),
        (facts(status=1 << 8), "MemoryError\nValueError: later", Exit.CRASHED),
        (facts(status=1 << 8), "ValueError: a MemoryError", Exit.CRASHED),
        (facts(status=1 << 8, oom_kills=1), "BrokenProcessPool", Exit.OUT_OF_MEMORY),
        (facts(status=0, oom_kills=1), "", Exit.OK),
        (facts(status=signal.SIGKILL, stopped="deadline"), "", Exit.TIMEOUT),
        (facts(status=signal.SIGKILL, stopped="cpu"), "", Exit.TIMEOUT),
        (facts(status=signal.SIGKILL, stopped="output"), "", Exit.OUTPUT_LIMIT),
        (facts(status=signal.SIGKILL, stopped="memory"), "", Exit.OUT_OF_MEMORY),
        (facts(status=signal.SIGKILL, stopped="processes"), "", Exit.KILLED),
        (facts(status=signal.SIGKILL, stopped="files"), "", Exit.KILLED),
        (facts(status=signal.SIGKILL, oom_kills=1), "", Exit.OUT_OF_MEMORY),
        (facts(status=signal.SIGKILL), "", Exit.KILLED),
        (facts(status=signal.SIGSEGV, oom_kills=1), "", Exit.KILLED),
        (facts(status=signal.SIGXCPU, cpu_seconds=11.0), "", Exit.TIMEOUT),
        (facts(status=signal.SIGXCPU, cpu_seconds=0.1), "", Exit.KILLED),
        (facts(status=signal.SIGKILL, cpu_seconds=12.0), "", Exit.TIMEOUT),
    ],
)  # fmt: skip
def test_exit_follows_from_what_the_kernel_saw(
    seen: dict[str, Any], stderr: str, expected: Exit
) -> None:
    assert classify(seen, stderr, Limits(seconds=10)) is expected


@pytest.mark.parametrize("printed", [b"\xff\xfe", b"\xed\xa0\x80", b"\x00", "é".encode()[:1]])
def test_whatever_bytes_are_printed_the_record_is_storable_text(printed: bytes) -> None:
    record = execution(facts(out_size=len(printed)), printed + printed, Limits())
    json.dumps([record.stdout, record.stderr]).encode()
    record.stdout.encode("utf-8")
    record.stderr.encode("utf-8")


def test_stdout_and_stderr_are_told_apart_by_size() -> None:
    record = execution(facts(out_size=3), b"outerr", Limits())
    assert (record.stdout, record.stderr) == ("out", "err")


def test_a_silent_death_says_which_signal() -> None:
    record = execution(facts(status=signal.SIGSEGV), b"", Limits())
    assert record.stderr == "Killed by signal 11: Segmentation fault\n"


def test_a_silent_exit_says_its_status() -> None:
    assert "status 3" in execution(facts(status=3 << 8), b"", Limits()).stderr


def test_an_execution_survives_pydantic_unchanged() -> None:
    record = execution(facts(out_size=2), b"42", Limits())
    adapter = TypeAdapter(Execution)
    assert adapter.validate_json(adapter.dump_json(record)) == record


@pytest.mark.parametrize("status", [signal.SIGKILL, 0])
@pytest.mark.parametrize("what", ["processes", "files"])
def test_a_program_that_was_stopped_is_told_what_it_had_too_many_of(what: str, status: int) -> None:
    stopped = execution(facts(status=int(status), stopped=what), b"", Limits())
    assert stopped.stderr == f"Killed: too many {what}\n"
