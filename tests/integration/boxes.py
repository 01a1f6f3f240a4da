"""What the sandbox tests share: which boxes this machine has, and proof that one is untouched."""

import os
from pathlib import Path
from textwrap import dedent

import pytest

from sandbox import Exit, Sandbox

POOLS = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("native", marks=pytest.mark.native),
]
STRICT = pytest.param("docker-strict", marks=pytest.mark.docker)

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
"""Run after an attack: the libraries, the process table and the directories are as they should be.

Prints one word. `/proc/net/unix` is the box's own, as its network is.
"""


async def assert_untouched(sandbox: Sandbox, host_canary: Path) -> None:
    """Fail if the next program, or the host, can tell that another one ran before."""
    for _ in range(sandbox.workers + 1):  # a pool takes turns with a spare
        execution = await sandbox.run(CANARY)
        assert (execution.exit, execution.stdout) == (Exit.OK, "untouched\n"), execution.stderr
    assert_host_untouched(host_canary)


def assert_host_untouched(host_canary: Path) -> None:
    """Fail if the file that programs were told to read, overwrite and remove is not as it was."""
    assert host_canary.read_text(encoding="utf-8") == "alive"
    assert os.listdir(host_canary.parent) == [host_canary.name]
