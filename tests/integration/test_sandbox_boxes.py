"""What every kind of box must do with one program. The attacks are in test_attacks.py."""

import pytest

from sandbox import Exit, Sandbox
from tests.integration.boxes import limited

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_importing_slow_libraries_is_not_billed(shared: Sandbox) -> None:
    # time without a processor is added to the limit, so that a busy machine makes no difference
    with limited(shared, seconds=0.2, cpu_seconds=0.2):
        execution = await shared.run(
            "import numpy, scipy.optimize, sympy, mpmath, networkx, pandas\n"
            "from scipy import stats\nprint(stats.norm.cdf(0))"
        )
    assert (execution.exit, execution.stdout) == (Exit.OK, "0.5\n"), execution.stderr
    assert execution.cpu_seconds > 0.2, "they took less than the limit, which shows nothing"


async def test_an_ordinary_program_behaves_as_it_does_under_python(shared: Sandbox) -> None:
    program = (
        "import sys, os, atexit, threading, inspect\n"
        "assert __name__ == '__main__' and os.path.exists(__file__)\n"
        "assert sys.argv == ['solution.py'] and sys.path[0] == os.getcwd()\n"
        "def f(): pass\n"
        "assert inspect.getsource(f) == 'def f(): pass\\n'\n"
        "try: input()\n"
        "except EOFError: print('no input')\n"
        "import subprocess\n"
        "print(subprocess.run([sys.executable, '-c', 'import numpy; print(numpy.pi)'],"
        " capture_output=True, text=True).stdout.strip())\n"
        "atexit.register(print, 'at exit')\n"
        "threading.Timer(0.05, print, ['thread']).start()\n"
    )
    execution = await shared.run(program)
    assert execution.stdout == "no input\n3.141592653589793\nthread\nat exit\n", execution.stderr


async def test_random_numbers_differ_from_program_to_program(shared: Sandbox) -> None:
    program = (
        "import random, numpy, sympy.core.random as s\n"
        "print(random.random(), numpy.random.random(), s.random())"
    )
    drawn = [(await shared.run(program)).stdout.split() for _ in range(3)]
    assert all(len(set(column)) == 3 for column in zip(*drawn, strict=True))


async def test_the_order_of_a_set_of_words_is_the_same_in_every_program(shared: Sandbox) -> None:
    printed = {(await shared.run("print({'a', 'b', 'c', 'd'})")).stdout for _ in range(3)}
    assert len(printed) == 1


async def test_a_program_is_nobody_and_holds_no_power(shared: Sandbox) -> None:
    execution = await shared.run("import os; print(os.getuid(), os.getgroups())")
    status = await shared.run("print(open('/proc/self/status').read())")
    user = int(execution.stdout.split()[0])
    assert user != 0
    if shared.kind != "reduced":  # whose files under /proc are closed to it
        facts = dict(line.split(":\t", 1) for line in status.stdout.splitlines() if ":\t" in line)
        assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


async def test_a_large_program_is_taken_whole(shared: Sandbox) -> None:
    program = "x = [\n" + "    1,\n" * 60_000 + "]\nprint(sum(x))"
    assert (await shared.run(program)).stdout == "60000\n"
    async with shared.session() as session:
        printed = [(await session.run(program)).stdout for _ in range(2)]
    assert printed == ["60000\n"] * 2
