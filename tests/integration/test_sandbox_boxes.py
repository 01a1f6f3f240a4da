"""What every box must do, whichever kind it is. The attacks are in test_attacks.py."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from sandbox import Exit, Limits, Sandbox, SandboxError, open_sandbox
from sandbox.boxes.engine import connect
from sandbox.pool import Pool
from tests.integration.engines import DOCKER, NATIVE, REDUCED, STRICT, require

ROOT = Path(__file__).parents[2]
CORES = os.cpu_count() or 1
NEEDS_A_SHORT_TIME = (
    "import time\nstart = time.process_time()\n"
    "while time.process_time() - start < 0.15: pass\nprint('done')"
)
"""0.15 s of processor: more than a second, where only an eighth of a core is to be had."""
ALL_KINDS = pytest.mark.parametrize("kind", [DOCKER, STRICT, NATIVE, REDUCED])
NOT_STRICT = pytest.mark.parametrize("kind", [DOCKER, NATIVE, REDUCED])


@asynccontextmanager
async def opened(kind: str, *, workers: int = 1, **limits: float) -> AsyncIterator[Sandbox]:
    require(kind)
    sandbox = await open_sandbox(kind, limits=Limits(**limits), workers=workers, owner="tests")
    try:
        yield sandbox
    finally:
        await sandbox.close()


@ALL_KINDS
async def test_a_program_prints_and_that_is_the_answer(kind: str) -> None:
    async with opened(kind) as sandbox:
        execution = await sandbox.run("import sympy\nprint(sympy.factorint(2026))")
    assert (execution.exit, execution.stdout) == (Exit.OK, "{2: 1, 1013: 1}\n")
    assert execution.stderr == ""
    assert 0 < execution.seconds < 5
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
    async with opened(kind, seconds=1) as sandbox:
        execution = await sandbox.run(
            "import time; start = time.perf_counter()\n"
            "import numpy, scipy.optimize, sympy, mpmath, networkx, pandas\n"
            "from scipy import stats\nprint(time.perf_counter() - start)"
        )
    assert execution.exit is Exit.OK, execution.stderr
    assert execution.seconds < 0.3


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


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core so busy that one more process gets an eighth of one."""
    busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(8 * CORES)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


@NOT_STRICT
async def test_standing_in_line_for_a_core_is_not_billed(kind: str) -> None:
    async with opened(kind, seconds=1) as sandbox:
        with busy_cores():
            done = await sandbox.run(NEEDS_A_SHORT_TIME)
            asleep = await sandbox.run("import time; time.sleep(60)")
            endless = await sandbox.run("while True: pass")
    assert done.exit is Exit.OK, done
    assert (asleep.exit, endless.exit) == (Exit.TIMEOUT, Exit.TIMEOUT)
    assert asleep.seconds < 1.5
    assert endless.seconds < 3.5


@NOT_STRICT
async def test_standing_in_line_is_not_billed_in_a_session_either(kind: str) -> None:
    async with opened(kind, seconds=1) as sandbox, sandbox.session() as session:
        await session.run("kept = 1")
        with busy_cores():
            done = await session.run(NEEDS_A_SHORT_TIME)
    assert done.exit is Exit.OK, done


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
async def test_a_session_keeps_names_from_program_to_program(kind: str) -> None:
    async with opened(kind) as sandbox, sandbox.session() as session:
        await session.run("import math\ndef area(r): return math.pi * r**2")
        execution = await session.run("print(round(area(2), 3))")
        assert (execution.exit, execution.stdout, session.restarts) == (Exit.OK, "12.566\n", 0)


@NOT_STRICT
async def test_a_session_goes_on_after_a_program_that_raised_or_left(kind: str) -> None:
    async with opened(kind) as sandbox, sandbox.session() as session:
        await session.run("kept = 7")
        raised = await session.run("kept += 1\n1/0")
        left = await session.run("exit(2)")
        execution = await session.run("print(kept)")
        assert (raised.exit, left.exit) == (Exit.CRASHED, Exit.CRASHED)
        assert (execution.stdout, session.restarts) == ("8\n", 0)


@NOT_STRICT
async def test_a_session_that_had_to_be_killed_starts_anew_and_says_so(kind: str) -> None:
    async with opened(kind, seconds=0.5) as sandbox, sandbox.session() as session:
        await session.run("kept = 7")
        assert (await session.run("while True: pass")).exit is Exit.TIMEOUT
        execution = await session.run("print(kept)")
        assert "NameError" in execution.stderr
        assert session.restarts == 1


@NOT_STRICT
async def test_output_of_one_program_of_a_session_is_not_in_the_next(kind: str) -> None:
    async with opened(kind) as sandbox, sandbox.session() as session:
        printed = [(await session.run(f"print({n}, end='')")).stdout for n in range(5)]
        assert printed == ["0", "1", "2", "3", "4"]


@NOT_STRICT
async def test_a_traceback_of_a_session_shows_the_lines_of_the_right_program(kind: str) -> None:
    async with opened(kind) as sandbox, sandbox.session() as session:
        await session.run("def fails():\n    raise ValueError('here')")
        execution = await session.run("x = 1\nfails()")
        assert 'File "program_2.py", line 2' in execution.stderr
        assert "    fails()\n" in execution.stderr
        assert "    raise ValueError('here')\n" in execution.stderr


@NOT_STRICT
async def test_nothing_of_a_session_runs_while_the_model_thinks(kind: str) -> None:
    program = (
        "import threading, time\ncount = 0\n"
        "def work():\n    global count\n    while True: count += 1; time.sleep(0.001)\n"
        "threading.Thread(target=work, daemon=True).start()"
    )
    async with opened(kind) as sandbox, sandbox.session() as session:
        await session.run(program)
        before = int((await session.run("print(count)")).stdout)
        await asyncio.sleep(0.5)
        after = int((await session.run("print(count)")).stdout)
        assert after - before < 50


@NOT_STRICT
async def test_a_program_after_a_session_finds_nothing_of_it(kind: str) -> None:
    async with opened(kind) as sandbox:
        async with sandbox.session() as session:
            await session.run("import math; math.pi = 3; open('left', 'w').write('x')")
        execution = await sandbox.run("import math, os; print(math.pi, os.listdir('.'))")
        assert execution.stdout == "3.141592653589793 ['solution.py']\n"


@NOT_STRICT
async def test_no_word_of_an_earlier_program_or_session_is_in_the_next_ones_memory(
    kind: str,
) -> None:
    async with opened(kind, seconds=30) as sandbox:
        for _ in range(4):
            await sandbox.run(says_a_secret())
        async with sandbox.session() as session:
            for _ in range(4):
                await session.run(says_a_secret())
        for _ in range(2):  # a pool takes turns with a spare
            execution = await sandbox.run(SEARCH_OF_THE_HEAP)
            assert execution.stdout == "heap searched: []\n", execution


def says_a_secret() -> str:
    """Write a program that holds one secret in its text and prints another, not in its text."""
    written, printed = secrets.token_hex(8), secrets.token_hex(8)
    return f"x = 'swordfish-{written}'; print('sword' + 'fish-' + '{printed[::-1]}'[::-1])"


SEARCH_OF_THE_HEAP = r"""
import ctypes, gc, os, re
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
end = libc.sbrk(0) >> 12
inputs, outputs = os.pipe()
def copy(page):  # by way of the kernel, which refuses an address that is none
    if libc.write(outputs, ctypes.c_void_p(page << 12), ctypes.c_size_t(4096)) == 4096:
        return os.read(inputs, 4096)
token = re.compile(b"".join([b"sword", b"fish-"]) + rb"[0-9a-f]{16}")
found, page = set(), end - 1
while data := copy(page):
    found |= set(token.findall(data))
    page -= 1
heap = end - 1 - page
for arena in {id(thing) >> 20 for thing in gc.get_objects()}:
    for page in range(arena << 8, (arena + 1) << 8):
        found |= set(token.findall(copy(page) or b""))
print("heap searched:" if heap > 1000 else heap, sorted(found))
"""
"""What a program can see without /proc, which not every kind shows it."""


@NOT_STRICT
async def test_a_large_program_is_taken_whole(kind: str) -> None:
    program = "x = [\n" + "    1,\n" * 60_000 + "]\nprint(sum(x))"
    async with opened(kind) as sandbox:
        assert (await sandbox.run(program)).stdout == "60000\n"
        async with sandbox.session() as session:
            printed = [(await session.run(program)).stdout for _ in range(2)]
    assert printed == ["60000\n"] * 2


@NOT_STRICT
async def test_a_program_has_the_limits_that_came_with_it(kind: str) -> None:
    program = "import resource; print(*resource.getrlimit(resource.RLIMIT_FSIZE))"
    async with opened(kind) as sandbox:
        assert isinstance(sandbox, Pool)
        (worker,) = sandbox._idle
        for megabytes in (5, 3, 7):
            limits = Limits(file_mb=megabytes)
            _, printed = await asyncio.to_thread(worker.run, program, limits)
            assert printed.split() == [str(megabytes * 2**20).encode()] * 2


@pytest.mark.parametrize("kind", [NATIVE, REDUCED])
async def test_a_process_waits_for_the_next_program_and_may_be_lost_without_harm(kind: str) -> None:
    async with opened(kind) as sandbox:
        for number in range(3):
            os.kill(await one_that_waits(), signal.SIGKILL)
            execution = await sandbox.run(f"import os; print({number}, os.listdir('.'))")
            assert execution.stdout == f"{number} ['solution.py']\n", execution


@pytest.mark.parametrize("kind", [NATIVE, REDUCED])
async def test_the_process_that_waits_ends_with_the_sandbox(kind: str) -> None:
    async with opened(kind):
        waiting = await one_that_waits()
    assert not Path(f"/proc/{waiting}").exists()


async def one_that_waits() -> int:
    """Find the process that will run the next program: the first thing it does is to offer itself
    when memory runs out."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(OSError):  # another may end while we look
                for pid in descendants(os.getpid()):
                    if int(Path(f"/proc/{pid}/oom_score_adj").read_text()) == 1000:
                        return pid
            await asyncio.sleep(0.01)


@NOT_STRICT
async def test_a_cancelled_program_is_gone_and_the_sandbox_goes_on(kind: str) -> None:
    async with opened(kind, seconds=60) as sandbox:
        running = asyncio.create_task(sandbox.run("while True: pass"))
        await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(30):
            assert (await sandbox.run("print('on')")).stdout == "on\n"


@ALL_KINDS
async def test_describe_is_json_and_says_what_is_not_covered(kind: str) -> None:
    async with opened(kind) as sandbox:
        told = await sandbox.describe()
    assert told["kind"] == sandbox.kind == kind
    assert told["limits"]["seconds"] == 10
    assert told["not_covered"]
    json.dumps(told)


HARNESS = """
import asyncio, sys
from sandbox import open_sandbox, Limits
async def main():
    sandbox = await open_sandbox({kind!r}, limits=Limits(seconds=300), workers=1, owner={owner!r})
    work = asyncio.create_task(sandbox.run("import time; mark = {owner!r}; time.sleep(250)"))
    await asyncio.sleep({busy})
    print("running", flush=True)
    await work
asyncio.run(main())
"""


@pytest.fixture
def harness() -> Iterator["Harness"]:
    started = Harness()
    yield started
    started.end()


class Harness:
    """A process of its own that has a sandbox open with a program running."""

    def start(self, kind: str, owner: str) -> subprocess.Popen[str]:
        require(kind)
        script = HARNESS.format(kind=kind, owner=owner, busy=0.5)
        self.process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "running\n"
        self.inside = descendants(self.process.pid)
        return self.process

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += (task / "children").read_text().split()
    found = [int(child) for child in dict.fromkeys(children)]
    return found + [deeper for child in found for deeper in descendants(child)]


def still_alive(pids: list[int], kind: str, owner: str) -> list[object]:
    if not kind.startswith("docker"):
        return [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    label = f"solver.sandbox.run={owner}"
    with connect() as client:
        found = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
        return [container.id for container in found]


@NOT_STRICT
@pytest.mark.parametrize("signal_number", [2, 15, 9])
def test_nothing_outlives_the_harness_by_more_than_a_moment(
    kind: str, signal_number: int, harness: Harness
) -> None:
    owner = f"test-{os.getpid()}-{signal_number}"
    process = harness.start(kind, owner)
    assert still_alive(harness.inside, kind, owner)
    process.send_signal(signal_number)
    process.wait(5)
    deadline = time.monotonic() + 3
    while still_alive(harness.inside, kind, owner) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert still_alive(harness.inside, kind, owner) == []


@ALL_KINDS
def test_one_program_can_be_run_from_the_command_line(kind: str, tmp_path: Path) -> None:
    require(kind)
    (tmp_path / "program.py").write_text("print(6 * 7)")
    command = [sys.executable, "-m", "sandbox", str(tmp_path / "program.py"), "--kind", kind]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
    assert f"[{kind}] ok" in done.stderr


async def test_a_kind_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(SandboxError, match="auto, docker, docker-strict, native, reduced"):
        await open_sandbox("podman")


@NOT_STRICT
async def test_a_session_that_lies_about_being_done_only_spoils_its_own_next_program(
    kind: str,
) -> None:
    lie = "import os\nos.write(5, b'\\0')\nwhile True: pass"
    async with opened(kind, seconds=1) as sandbox:
        async with sandbox.session() as session:
            assert (await session.run(lie)).exit is Exit.OK
            assert (await session.run("print('next')")).exit is not Exit.OK
            assert (await session.run("print('anew')")).stdout == "anew\n"
        assert (await sandbox.run("print('others')")).stdout == "others\n"
