"""What the sandbox tests share: boxes of every kind, and proof that one is untouched."""

import contextlib
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest

from sandbox import Exit, Limits, Sandbox, open_sandbox
from sandbox.pool import Pool
from tests.integration.engines import DOCKER, NATIVE, REDUCED, STRICT, require

POOLS = [DOCKER, NATIVE]
ALL_KINDS = pytest.mark.parametrize("kind", [DOCKER, STRICT, NATIVE, REDUCED])
NOT_STRICT = pytest.mark.parametrize("kind", [DOCKER, NATIVE, REDUCED])

WALL_SECONDS = 60
"""So long a program may wait for a processor: the machine that runs the tests may be busy."""

NEEDS_A_SHORT_TIME = (
    "import time\nstart = time.process_time()\n"
    "while time.process_time() - start < 0.15: pass\nprint('done')"
)
"""0.15 s of CPU time: more than a second of wall time where only an eighth of a core is free."""

CANARY = dedent("""
    import builtins, fractions, math, numpy, os, random, sympy

    x = sympy.Symbol("x")
    assert sympy.diff(x**3, x) == 3 * x**2, "sympy is not what it was"
    assert sympy.integrate.__name__ == "integrate", "sympy.integrate is not what it was"
    assert numpy.dot([1, 2], [3, 4]) == 11, "numpy is not what it was"
    assert math.pi == numpy.pi == float(sympy.pi) == 3.141592653589793
    assert fractions.Fraction(1, 3) * 3 == 1
    assert sum(range(10)) == 45 and len("four") == 4, "builtins are not what they were"
    assert random.random() != 0.8444218515250481, "the random numbers of seed 0"

    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()}
    strangers = pids - {1, os.getpid(), os.getppid()}
    assert not strangers, f"not alone: {strangers}"
    abstract = [line for line in open("/proc/net/unix") if "@left-behind" in line]
    assert not abstract, f"a listener is left: {abstract}"

    for place in ("/tmp", "/dev/shm", "/dev/mqueue", "/var/tmp", os.path.dirname(os.getcwd())):
        if os.access(place, os.R_OK | os.W_OK):
            names = [os.path.join(place, name) for name in os.listdir(place)]
            left = [name for name in names if not os.getcwd().startswith(name)]
            assert not left, f"left in {place}: {left}"
    assert os.listdir(".") == ["solution.py"], os.listdir(".")
    for table in ("shm", "sem", "msg"):
        if os.path.exists(f"/proc/sysvipc/{table}"):
            assert len(open(f"/proc/sysvipc/{table}").readlines()) == 1, table

    with open("mine", "wb") as file:
        file.write(bytes(2**20))
    if os.fork() == 0:
        os._exit(0)
    assert os.wait()[1] == 0
    print("untouched")
""")
"""Run after an attack: checks that libraries, process table and directories are unchanged.

Prints one word. `/proc/net/unix` is the box's own, as its network is.
"""


async def assert_untouched(sandbox: Sandbox, host_canary: Path) -> None:
    """Fail if the next program, or the host, can tell that another one ran before."""
    for _ in range(sandbox.workers + 1):  # a pool takes turns with a spare
        execution = await sandbox.run(CANARY)
        assert (execution.exit, execution.stdout) == (Exit.OK, "untouched\n"), execution.stderr
    assert_host_untouched(host_canary)


def assert_host_untouched(host_canary: Path) -> None:
    """Fail if the file that attacks try to read, overwrite and remove has changed."""
    assert host_canary.read_text(encoding="utf-8") == "alive"
    assert os.listdir(host_canary.parent) == [host_canary.name]


@contextlib.asynccontextmanager
async def opened(kind: str, *, workers: int = 1, **limits: float) -> AsyncIterator[Sandbox]:
    require(kind)
    given = Limits(**{"wall_seconds": WALL_SECONDS, **limits})
    sandbox = await open_sandbox(kind, limits=given, workers=workers, owner="tests")
    try:
        assert sandbox.kind == kind
        yield sandbox
    finally:
        await sandbox.close()


@contextlib.contextmanager
def limited(shared: Sandbox, **limits: float) -> Iterator[None]:
    """Give the programs of a shared sandbox other limits: those that come with each program.

    What the box itself has stays as it is: memory and processes in all, the size of its disk.
    """
    assert isinstance(shared, Pool)
    before = shared._limits
    shared._limits = replace(before, **limits)
    try:
        yield
    finally:
        shared._limits = before


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core so busy that one more process gets an eighth of one."""
    cores = os.cpu_count() or 1
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(8 * cores)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()
