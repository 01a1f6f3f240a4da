"""What every kind of box must do with one program. The attacks are in test_attacks.py."""

import asyncio
import json

from sandbox import Exit, Limits
from sandbox.opening import launcher_for
from tests.integration.boxes import ALL_KINDS, NEEDS_A_SHORT_TIME, NOT_STRICT, busy_cores, opened
from tests.integration.engines import require


@ALL_KINDS
async def test_a_program_prints_and_that_is_the_answer(kind: str) -> None:
    async with opened(kind) as sandbox:
        execution = await sandbox.run("import sympy\nprint(sympy.factorint(2026))")
    assert (execution.exit, execution.stdout) == (Exit.OK, "{2: 1, 1013: 1}\n")
    assert execution.stderr == ""
    assert 0 < execution.seconds < 30
    assert 10 < execution.peak_memory_mb < 1000


@NOT_STRICT
async def test_each_way_to_end_has_its_name(kind: str) -> None:
    ways = {
        "print(1)": Exit.OK,
        "1/0": Exit.CRASHED,
        "exit(3)": Exit.CRASHED,
        "(": Exit.CRASHED,
        "while True: pass": Exit.TIMEOUT,
        "x = 'a' * 10**10": Exit.OUT_OF_MEMORY,
        "print('x' * 70_000)": Exit.OUTPUT_LIMIT,
        "import sys; sys.stderr.write('x' * 70_000)": Exit.OUTPUT_LIMIT,
        "import os; os.abort()": Exit.KILLED,
    }
    async with opened(kind, seconds=1) as sandbox:
        seen = {program: (await sandbox.run(program)).exit for program in ways}
    assert seen == ways


@NOT_STRICT
async def test_importing_slow_libraries_is_not_billed(kind: str) -> None:
    # time without a processor is added to the limit, so that a busy machine makes no difference
    async with opened(kind, seconds=0.2, cpu_seconds=30) as sandbox:
        execution = await sandbox.run(
            "import numpy, scipy.optimize, sympy, mpmath, networkx, pandas\n"
            "from scipy import stats\nprint(stats.norm.cdf(0))"
        )
    assert (execution.exit, execution.stdout) == (Exit.OK, "0.5\n"), execution.stderr
    assert execution.cpu_seconds > 0.2, "they took less than the limit, which shows nothing"


@NOT_STRICT
async def test_an_ordinary_program_behaves_as_it_does_under_python(kind: str) -> None:
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
    async with opened(kind) as sandbox:
        execution = await sandbox.run(program)
    assert execution.stdout == "no input\n3.141592653589793\nthread\nat exit\n", execution.stderr


@NOT_STRICT
async def test_random_numbers_differ_from_program_to_program(kind: str) -> None:
    program = (
        "import random, numpy, sympy.core.random as s\n"
        "print(random.random(), numpy.random.random(), s.random())"
    )
    async with opened(kind) as sandbox:
        drawn = [(await sandbox.run(program)).stdout.split() for _ in range(3)]
    assert all(len(set(column)) == 3 for column in zip(*drawn, strict=True))


@NOT_STRICT
async def test_the_order_of_a_set_of_words_is_the_same_in_every_program(kind: str) -> None:
    async with opened(kind) as sandbox:
        printed = {(await sandbox.run("print({'a', 'b', 'c', 'd'})")).stdout for _ in range(3)}
    assert len(printed) == 1


@NOT_STRICT
async def test_standing_in_line_for_a_core_is_not_billed(kind: str) -> None:
    async with opened(kind, seconds=1, wall_seconds=3) as sandbox:
        with busy_cores():
            done = await sandbox.run(NEEDS_A_SHORT_TIME)
            asleep = await sandbox.run("import time; time.sleep(60)")
            endless = await sandbox.run("while True: pass")
    assert done.exit is Exit.OK, done
    assert (asleep.exit, endless.exit) == (Exit.TIMEOUT, Exit.TIMEOUT)
    assert asleep.seconds < endless.seconds < 30, "the one that slept was given time back"


@NOT_STRICT
async def test_what_was_printed_before_a_timeout_is_kept(kind: str) -> None:
    async with opened(kind, seconds=0.5) as sandbox:
        execution = await sandbox.run("print('so far')\nimport time; time.sleep(60)")
    assert (execution.exit, execution.stdout) == (Exit.TIMEOUT, "so far\n")


@NOT_STRICT
async def test_output_is_cut_at_the_limit_and_says_so(kind: str) -> None:
    async with opened(kind, output_kb=1) as sandbox:
        execution = await sandbox.run("for n in range(10**6): print(n)")
        short = await sandbox.run("print('x' * 1023)")
    assert len(execution.stdout) == 1024
    assert (execution.exit, execution.truncated) == (Exit.OUTPUT_LIMIT, True)
    assert (short.exit, short.truncated) == (Exit.OK, False)


@NOT_STRICT
async def test_a_program_gets_the_memory_it_was_promised(kind: str) -> None:
    async with opened(kind, memory_mb=300) as sandbox:
        enough = await sandbox.run("x = bytearray(250 * 2**20); print(len(x))")
        too_much = await sandbox.run("x = bytearray(320 * 2**20); print(len(x))")
    assert (enough.exit, too_much.exit) == (Exit.OK, Exit.OUT_OF_MEMORY), enough.stderr


@NOT_STRICT
async def test_memory_of_many_processes_counts_together(kind: str) -> None:
    program = (
        "import os, time\n"
        "for _ in range(8):\n"
        "    if os.fork() == 0:\n"
        "        x = bytearray(200 * 2**20)\n"
        "        time.sleep(5)\n"
        "        os._exit(0)\n"
        "for _ in range(8): os.wait()\n"
        "print('all of it')\n"
    )
    async with opened(kind, memory_mb=400, seconds=4) as sandbox:
        execution = await sandbox.run(program)
        after = await sandbox.run("print('fine')")
    assert "all of it" not in execution.stdout or execution.exit is not Exit.OK
    assert after.stdout == "fine\n"


@NOT_STRICT
async def test_processor_seconds_are_limited_by_themselves(kind: str) -> None:
    async with opened(kind, seconds=30, cpu_seconds=1) as sandbox:
        execution = await sandbox.run("while True: pass")
    assert execution.exit is Exit.TIMEOUT
    assert execution.cpu_seconds < 2


@NOT_STRICT
async def test_a_program_is_nobody_and_holds_no_power(kind: str) -> None:
    async with opened(kind) as sandbox:
        execution = await sandbox.run("import os; print(os.getuid(), os.getgroups())")
        status = await sandbox.run("print(open('/proc/self/status').read())")
    user = int(execution.stdout.split()[0])
    assert user != 0
    if kind != "reduced":  # whose files under /proc are closed to it
        facts = dict(line.split(":\t", 1) for line in status.stdout.splitlines() if ":\t" in line)
        assert {facts[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")


@ALL_KINDS
async def test_programs_run_at_the_same_time_up_to_the_number_of_workers(kind: str) -> None:
    async with opened(kind, workers=2) as sandbox:
        await asyncio.gather(*(sandbox.run("print(1)") for _ in range(2)))
        outcomes = await asyncio.gather(
            *(sandbox.run(f"import time; time.sleep(0.1); print({n})") for n in range(8))
        )
    assert [outcome.stdout for outcome in outcomes] == [f"{n}\n" for n in range(8)]


@NOT_STRICT
async def test_a_large_program_is_taken_whole(kind: str) -> None:
    program = "x = [\n" + "    1,\n" * 60_000 + "]\nprint(sum(x))"
    async with opened(kind) as sandbox:
        assert (await sandbox.run(program)).stdout == "60000\n"
        async with sandbox.session() as session:
            printed = [(await session.run(program)).stdout for _ in range(2)]
    assert printed == ["60000\n"] * 2


@NOT_STRICT
def test_a_program_has_the_limits_that_came_with_it(kind: str) -> None:
    program = "import resource; print(*resource.getrlimit(resource.RLIMIT_FSIZE))"
    require(kind)
    launcher = launcher_for(kind, Limits(), "tests")
    launcher.prepare()
    worker = launcher.launch(1)
    try:
        worker.warm_up()
        for megabytes in (5, 3, 7):
            _, printed = worker.run(program, Limits(file_mb=megabytes))
            assert printed.split() == [str(megabytes * 2**20).encode()] * 2
    finally:
        worker.destroy()


@ALL_KINDS
async def test_describe_is_json_and_says_what_is_not_covered(kind: str) -> None:
    async with opened(kind) as sandbox:
        told = await sandbox.describe()
    assert told["kind"] == sandbox.kind == kind
    assert told["limits"]["seconds"] == 10
    assert told["not_covered"]
    json.dumps(told)
