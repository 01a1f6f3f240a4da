"""The forked process: restricts itself, then runs the program as `__main__`.

Once the program's first line has run, nothing in this process can be trusted, so it reports
nothing: the fork server learns from the kernel how it ended. A session is the exception: its
process reports when each program is done. A false report affects only the session itself.
"""

import atexit
import builtins
import contextlib
import importlib
import io
import math
import os
import random
import re
import resource
import select
import signal
import struct
import sys
import threading
import time
import traceback
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from . import frames, kernel, landlock, seccomp
from .settings import Allowance, Box

_SLOW_IMPORTS = ("pandas", "scipy.stats", "scipy.signal", "scipy.sparse", "scipy.linalg")
"""Not preloaded, because few programs use them. Imported before the program's clock starts."""
_STATEMENT = re.compile(r"\b(?:import|from)\b")
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
_TRIES = 10
"""How often something of a program's may raise while what it left is ended."""

_STACK_MB = 64
_WORK = "work"
_LONGEST_LINE = 1000
"""Syntax errors on a line of more characters are shown without that line."""
_MB = 2**20
_NO_DESCRIPTOR_ABOVE = 65536

CLOCK = struct.Struct("d")
"""The message sent when the program is about to start: the time. No line of the program has run
yet, so the message can be trusted."""

OUT, ERR, READY, TODO, DONE = 1, 2, 3, 4, 5
"""File descriptors in this process. A program keeps the first two, a session all but READY."""


def run(box: Box, system_call_filter: bytes, base: Mapping[str, int]) -> NoReturn:
    """Restrict this process, wait for a program, and run it as `python solution.py` would.

    Everything that does not depend on the program is done before waiting for it.
    """
    _restrict(box, system_call_filter)
    head, program = _wait_for_program()
    allowance = Allowance(**head["limits"])
    _limit(box, allowance, base)
    if head["do"] == "step":
        os.close(READY)
        _run_session(program, allowance)
    os.close(TODO)
    os.close(DONE)
    _run_one(program, allowance)


def _run_one(program: str, allowance: Allowance) -> NoReturn:
    _import_slow_libraries(program)
    most = _limit_cpu(allowance)
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
    namespace = _fresh_main("solution.py")
    os.write(READY, CLOCK.pack(time.monotonic()))
    os.close(READY)
    leave = os._exit
    status = 1
    try:
        status = _execute(program, "solution.py", namespace)
        status = _finish() or status
    finally:
        leave(status)


def _run_session(program: str, allowance: Allowance) -> NoReturn:
    """Run this program and all later ones of the session in one namespace."""
    namespace = _fresh_main("program_1.py")
    number, process = 0, os.getpid()
    while True:
        number += 1
        _import_slow_libraries(program)
        _limit_cpu(allowance)
        os.write(DONE, b"!")
        status = _execute(program, f"program_{number}.py", namespace)
        _settle()
        if os.getpid() != process:  # a child that the program forked, and that came to its end
            os._exit(status & 0xFF)
        os.write(DONE, bytes([status & 0xFF]))
        _until_there_is_one()
        head, program = _wait_for_program()
        allowance = Allowance(**head["limits"])


def _settle() -> None:
    """End what a session's program leaves behind in the air: its timers, and output not written.

    Whatever its signal handlers or its streams raise meanwhile is dropped.
    """
    for _ in range(_TRIES):
        with contextlib.suppress(BaseException):
            for timer in _TIMERS:
                signal.setitimer(timer, 0)
            sys.stdout.flush()
            sys.stderr.flush()
            return


def _until_there_is_one() -> None:
    """Wait for a session's next program, through whatever an earlier one's handlers raise."""
    poll = select.poll()
    poll.register(TODO, select.POLLIN)
    while True:
        with contextlib.suppress(BaseException):
            if poll.poll():
                return


def _wait_for_program() -> tuple[dict[str, Any], str]:
    try:
        head, body = frames.unpack(_read_exactly)
    except EOFError:
        os._exit(0)
    return head, body.decode("utf-8", "replace")


def _restrict(box: Box, system_call_filter: bytes) -> None:
    """Give up every right that programs must not have, and prepare the interpreter for one."""
    os.setsid()
    os.closerange(DONE + 1, _NO_DESCRIPTOR_ABOVE)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if box.user is not None:
        os.setgroups([])
        os.setresgid(box.user, box.user, box.user)
        os.setresuid(box.user, box.user, box.user)
    kernel.die_with_parent(signal.SIGKILL)
    kernel.drop_capabilities()
    kernel.forbid_new_privileges()
    os.umask(0o077)
    work = os.path.join(box.scratch, _WORK)
    os.mkdir(work)
    os.chdir(work)
    if box.landlock:
        devices = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
        landlock.restrict((*box.readable, *devices), (box.scratch, *box.other_scratch, "/dev/null"))
    kernel.set_dumpable(True)  # the change of user cleared it, and /proc/self is unreadable without
    seccomp.install(system_call_filter)
    _prepare_interpreter(work, box)


def _limit(box: Box, allowance: Allowance, base: Mapping[str, int]) -> None:
    """Set the kernel's limits for this process; memory counts on top of the preloaded libraries."""
    memory = allowance.memory_mb * _MB
    limits = {
        resource.RLIMIT_DATA: base["VmData"] + memory,
        resource.RLIMIT_AS: base["VmSize"] + memory + 256 * _MB,
        resource.RLIMIT_STACK: _STACK_MB * _MB,
        resource.RLIMIT_FSIZE: allowance.file_mb * _MB,
        resource.RLIMIT_NOFILE: allowance.open_files,
        resource.RLIMIT_CORE: 1,  # no core file; and unlike 0, none to a handler of the host's
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    if not box.cgroup:
        # in a container the kernel would also count this user's processes in other containers
        limits[resource.RLIMIT_NPROC] = allowance.processes + 1
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(name, (value, value))


def _limit_cpu(allowance: Allowance) -> int:
    """Set the kernel's limit of CPU seconds for the program that starts now, and return it.

    The kernel counts from the start of the process and in whole seconds. The fork server measures
    the program itself more exactly; this limit is also that of its children.
    """
    most = math.ceil(time.process_time() + allowance.cpu_seconds)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    with contextlib.suppress(ValueError):  # an earlier program of the session lowered the hard one
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
    return most


def _prepare_interpreter(work: str, box: Box) -> None:
    """Set environment, arguments, streams and random seeds as in a Python just started."""
    os.environ.clear()
    os.environ.update(
        HOME=work,
        TMPDIR=work,
        PATH="/usr/local/bin:/usr/bin:/bin",
        LANG="C.UTF-8",
        PYTHONPATH=os.pathsep.join(box.site),
        PYTHONDONTWRITEBYTECODE="1",
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        MKL_NUM_THREADS="1",
    )
    sys.argv = ["solution.py"]
    sys.path.insert(0, work)
    sys.stdin = sys.__stdin__ = _stream(0, "rb")  # type: ignore[misc]  # declared Final
    sys.stdout = sys.__stdout__ = _stream(OUT, "wb")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _stream(ERR, "wb")  # type: ignore[misc]
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(int.from_bytes(os.urandom(4)))
    if "sympy.core.random" in sys.modules:
        sys.modules["sympy.core.random"].seed(int.from_bytes(os.urandom(8)))


def _stream(descriptor: int, mode: str) -> io.TextIOWrapper:
    """Open a stream that is flushed after each line, so that a killed program's output is kept."""
    raw = os.fdopen(descriptor, mode, closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True)


def _import_slow_libraries(program: str) -> None:
    """Import the slow libraries that the program's text imports, before its clock starts."""
    for name in _SLOW_IMPORTS:
        package, _, part = name.partition(".")
        if (part or package) not in program:
            continue  # so that most programs are not searched
        forms = [[re.compile(rf"\b{re.escape(name)}\b")]]
        if part:
            forms.append([re.compile(rf"\b{word}\b") for word in (package, "import", part)])
        lines = (line for line in program.splitlines() if package in line)
        if any(_in_order(line, [_STATEMENT, *form]) for line in lines for form in forms):
            with contextlib.suppress(ImportError, MemoryError, OSError):
                importlib.import_module(name)  # a failure shows when the program imports it


def _in_order(line: str, words: Sequence[re.Pattern[str]]) -> bool:
    """Tell whether a line has these words one after the other; each is looked for once."""
    at = 0
    for word in words:
        found = word.search(line, at)
        if found is None:
            return False
        at = found.end()
    return True


def _fresh_main(filename: str) -> dict[str, object]:
    main = types.ModuleType("__main__")
    main.__file__ = os.path.abspath(filename)
    main.__dict__.update(__builtins__=builtins, __cached__=None, __spec__=None)
    sys.modules["__main__"] = main
    return main.__dict__


def _execute(program: str, filename: str, namespace: dict[str, object]) -> int:
    """Run a program to its end and return the exit status that python would return."""
    try:
        with contextlib.suppress(OSError), open(filename, "w", encoding="utf-8") as file:
            file.write(program)  # for tracebacks, inspect and multiprocessing
        try:
            code = compile(program, filename, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            if isinstance(error, SyntaxError) and len(error.text or "") > _LONGEST_LINE:
                error.text = None  # the line alone may be longer than the output limit
            _show(error.with_traceback(None))
            return 1
        exec(code, namespace)
    except SystemExit as left:
        return _status(left)
    except BaseException as error:  # noqa: BLE001  # the top of an interpreter catches everything
        _show(error.with_traceback(error.__traceback__ and error.__traceback__.tb_next))
        return 1
    return 0


def _show(error: BaseException) -> None:
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException:  # noqa: BLE001  # the program may have put anything there
        sys.__excepthook__(type(error), error, error.__traceback__)


def _status(left: SystemExit) -> int:
    """Return the exit status that the interpreter would; what is no number is printed."""
    if left.code is None:
        return 0
    if isinstance(left.code, int):
        number = int.__int__(left.code)  # whatever a class of the program's makes of it
        return number & 0xFF if -(2**63) <= number < 2**63 else 0xFF
    with contextlib.suppress(BaseException):
        print(left.code, file=sys.stderr)
    return 1


def _finish() -> int:
    """Do what the interpreter does on exit: wait for threads, run exit functions, flush."""
    shutdown: Callable[[], None] = threading._shutdown  # type: ignore[attr-defined]
    run_exit_functions: Callable[[], None] = atexit._run_exitfuncs
    shutdown()
    run_exit_functions()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError, AttributeError):
        return 120
    return 0


def _read_exactly(size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = os.read(TODO, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def report_failed_restrictions() -> NoReturn:
    """End a process that could not be restricted, with the traceback as its output.

    No line of the program has run.
    """
    os.write(ERR, traceback.format_exc().encode())
    os._exit(125)
