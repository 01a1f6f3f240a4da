"""What every kind of box must do with a session, and what no session may leave behind."""

import asyncio
import secrets
from pathlib import Path

import pytest

from sandbox import Exit, Sandbox
from tests.integration.attacks.sessions import SESSIONS
from tests.integration.boxes import POOLS, assert_untouched, limited, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_session_keeps_names_from_program_to_program(shared: Sandbox) -> None:
    async with shared.session() as session:
        await session.run("import math\ndef area(r): return math.pi * r**2")
        execution = await session.run("print(round(area(2), 3))")
        assert (execution.exit, execution.stdout, session.restarts) == (Exit.OK, "12.566\n", 0)


async def test_a_session_goes_on_after_a_program_that_raised_or_left(shared: Sandbox) -> None:
    async with shared.session() as session:
        await session.run("kept = 7")
        raised = await session.run("kept += 1\n1/0")
        left = await session.run("exit(2)")
        execution = await session.run("print(kept)")
        assert (raised.exit, left.exit) == (Exit.CRASHED, Exit.CRASHED)
        assert (execution.stdout, session.restarts) == ("8\n", 0)


async def test_a_session_that_had_to_be_killed_starts_again_and_says_so(shared: Sandbox) -> None:
    with limited(shared, seconds=0.5):
        async with shared.session() as session:
            await session.run("kept = 7")
            assert (await session.run("while True: pass")).exit is Exit.TIMEOUT
            execution = await session.run("print(kept)")
            assert "NameError" in execution.stderr
            assert session.restarts == 1


async def test_each_program_of_a_session_has_the_whole_processor_time(shared: Sandbox) -> None:
    work = "import time\nuntil = time.process_time() + 0.7\nwhile time.process_time() < until: pass"
    with limited(shared, seconds=30, cpu_seconds=1):
        async with shared.session() as session:
            ends = [(await session.run(work)).exit for _ in range(3)]
            endless = await session.run("while True: pass")
            assert (ends, session.restarts) == ([Exit.OK] * 3, 0)
    assert endless.exit is Exit.TIMEOUT
    assert endless.cpu_seconds < 2


async def test_output_of_one_program_of_a_session_is_not_in_the_next(shared: Sandbox) -> None:
    async with shared.session() as session:
        printed = [(await session.run(f"print({n}, end='')")).stdout for n in range(5)]
        assert printed == ["0", "1", "2", "3", "4"]


async def test_a_program_s_timer_does_not_ring_in_the_next_one(shared: Sandbox) -> None:
    ring = "import signal\ndef late(*_): raise TimeoutError\nsignal.signal(signal.SIGALRM, late)\n"
    async with shared.session() as session:
        await session.run(ring + "signal.setitimer(signal.ITIMER_REAL, 0.2)\nkept = 7")
        await asyncio.sleep(0.5)
        execution = await session.run("import time\ntime.sleep(0.3)\nprint(kept)")
        assert (execution.stdout, execution.stderr, session.restarts) == ("7\n", "", 0)


async def test_what_was_not_flushed_belongs_to_the_program_that_wrote_it(shared: Sandbox) -> None:
    async with shared.session() as session:
        warned = await session.run("import sys\nsys.stderr.write('careful')")
        after = await session.run("print(1)")
        assert (warned.stderr, after.stderr, after.stdout) == ("careful", "", "1\n")


@pytest.mark.parametrize("code", ["Odd()", "Number(3)", "2**64", "-(2**64)", "'no'"])
async def test_a_session_goes_on_after_an_exit_with_anything(shared: Sandbox, code: str) -> None:
    odd = (
        "import sys\nclass Odd:\n  def __str__(self): raise ValueError\n"
        "class Number(int):\n  def __and__(self, other): raise ValueError\nkept = 7\n"
    )
    async with shared.session() as session:
        left = await session.run(f"{odd}sys.exit({code})")
        execution = await session.run("print(kept)")
        assert (left.exit, execution.stdout, session.restarts) == (Exit.CRASHED, "7\n", 0)


async def test_a_session_s_program_may_be_longer_than_a_pipe(shared: Sandbox) -> None:
    async with shared.session() as session:
        await session.run("kept = 7")
        execution = await session.run(f"text = '{'x' * 1_000_000}'\nprint(kept, len(text))")
        assert (execution.stdout, session.restarts) == ("7 1000000\n", 0)


async def test_a_traceback_of_a_session_shows_the_lines_of_the_right_program(
    shared: Sandbox,
) -> None:
    async with shared.session() as session:
        await session.run("def fails():\n    raise ValueError('here')")
        execution = await session.run("x = 1\nfails()")
        assert 'File "program_2.py", line 2' in execution.stderr
        assert "    fails()\n" in execution.stderr
        assert "    raise ValueError('here')\n" in execution.stderr


async def test_nothing_of_a_session_runs_while_the_model_thinks(shared: Sandbox) -> None:
    program = (
        "import threading, time\nlast, longest = time.monotonic(), 0.0\n"
        "def work():\n    global last, longest\n    while True:\n        now = time.monotonic()\n"
        "        longest, last = max(longest, now - last), now\n        time.sleep(0.001)\n"
        "threading.Thread(target=work, daemon=True).start()"
    )
    async with shared.session() as session:
        await session.run(program)
        await asyncio.sleep(0.5)
        longest = (await session.run("print(max(time.monotonic() - last, longest))")).stdout
        assert float(longest) >= 0.5, "its thread ran in the meantime"


async def test_a_program_after_a_session_finds_nothing_of_it(shared: Sandbox) -> None:
    async with shared.session() as session:
        await session.run("import math; math.pi = 3; open('left', 'w').write('x')")
    execution = await shared.run("import math, os; print(math.pi, os.listdir('.'))")
    assert execution.stdout == "3.141592653589793 ['solution.py']\n"


async def test_no_word_of_an_earlier_program_or_session_is_in_the_next_ones_memory(
    shared: Sandbox,
) -> None:
    with limited(shared, seconds=30):
        for _ in range(4):
            await shared.run(says_a_secret())
        async with shared.session() as session:
            for _ in range(4):
                await session.run(says_a_secret())
        for _ in range(2):  # a pool takes turns with a spare
            execution = await shared.run(SEARCH_OF_THE_HEAP)
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
"""Searches memory without /proc, because not every kind of box lets programs read that."""


async def test_a_session_that_lies_about_being_done_only_spoils_its_own_next_program(
    shared: Sandbox,
) -> None:
    lie = "import os\nos.write(5, b'\\0')\nwhile True: pass"
    with limited(shared, seconds=1):
        async with shared.session() as session:
            assert (await session.run(lie)).exit is Exit.OK
            assert (await session.run("print('next')")).exit is not Exit.OK
            assert (await session.run("print('again')")).stdout == "again\n"
        assert (await shared.run("print('others')")).stdout == "others\n"


@pytest.mark.parametrize("kind", POOLS)
async def test_a_hostile_session_spoils_nothing_but_itself(kind: str, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    canary.write_text("alive", encoding="utf-8")
    async with opened(kind, seconds=1) as sandbox:
        for attack in SESSIONS:
            async with sandbox.session() as session:
                await session.run("kept = 1")
                assert (await session.run(attack.program)).exit in attack.exits, attack.name
                for _ in range(2):
                    await session.run("import os; print('next', os.getpid())")
            await assert_untouched(sandbox, canary)


async def test_children_that_fork_without_end_do_not_run_between_two_programs(
    shared: Sandbox,
) -> None:
    chain = (
        "import os, time\nopen('ticks', 'w').close()\n"
        "if os.fork() == 0:\n"
        "    while True:\n"
        "        with open('ticks', 'a') as file: file.write('x')\n"
        "        if os.fork(): os._exit(0)\n"
        "time.sleep(0.2)"
    )
    size = "import os; print(os.path.getsize('ticks'))"
    async with shared.session() as session:
        for _ in range(5):
            await session.run(chain)
            before = (await session.run(size)).stdout
            await asyncio.sleep(0.05)
            assert (await session.run(size)).stdout == before != ""
