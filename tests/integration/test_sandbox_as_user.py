"""Native and reduced boxes for somebody who is not root, when the tests are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.boxes import WALL_SECONDS
from tests.integration.engines import require

ROOT = Path(__file__).parents[2]
SOMEBODY = 54_321

pytestmark = pytest.mark.native


PROGRAMS = [
    "print(open('/etc/passwd').read())",
    f"print(open({str(ROOT / 'pyproject.toml')!r}).read())",
    "import os; os.kill(1, 9); os.kill(1, 15); os.kill(os.getppid(), 9); os.kill(-1, 0)",
    "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
    "open('/proc/1/environ').read()",
    "open('/proc/1/mem', 'rb').read(1)",
    "import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1))",
    "import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
    "import os; os.setpriority(os.PRIO_USER, 0, 19)",
    "import os; os.sched_setaffinity(os.getppid(), {0})",
    "import os; os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))",
    "import ctypes; l = ctypes.CDLL(None, use_errno=True); assert l.unshare(0x10000000) == 0",
    "open('/usr/planted', 'w')",
    "open('/opt/zygote/zygote/planted', 'w')",
]
RUN = f"""
import asyncio, json, sys
from sandbox import Limits, open_sandbox
async def main():
    limits = Limits(seconds=5, wall_seconds={WALL_SECONDS})
    box = await open_sandbox(sys.argv[1], limits=limits, workers=1)
    ended = [await box.run(program) for program in json.load(sys.stdin)]
    await box.close()
    print(json.dumps([[one.exit, one.stdout, one.stderr] for one in ended]))
asyncio.run(main())
"""
"""Runs all programs in one box, one after the other."""


@pytest.fixture(scope="module", params=["native", "reduced"])
def ended(request: pytest.FixtureRequest) -> dict[str, tuple[str, str, str]]:
    """Return of each program how it ended in a box of somebody's, its stdout and its stderr."""
    programs = [f"{program}\nprint('reached')" for program in PROGRAMS]
    done = as_somebody("-c", RUN, request.param, given=json.dumps(programs))
    assert done.returncode == 0, done.stderr
    return dict(zip(PROGRAMS, json.loads(done.stdout), strict=True))


def as_somebody(*arguments: str, given: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a user who is not root, with a text as its input."""
    require("root")  # to become somebody else
    require("native")
    libraries = Path(sys.modules["pytest"].__file__ or "").parents[1]
    command = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"]
    environment = {
        "PYTHONPATH": f"{ROOT}:{libraries}",
        "PATH": os.environ["PATH"],
        "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        [*command, python_for_everybody(), *arguments],
        input=given, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def python_for_everybody() -> str:
    """Find a Python of this version that somebody else may run, which one under /root is not."""
    here = Path(sys.executable).resolve()
    if all(parent.stat().st_mode & 0o001 for parent in here.parents):
        return sys.executable
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(name, path="/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"needs a {name} that every user may run; this one lies under a closed folder")
    return found


@pytest.mark.parametrize("kind", ["native", "reduced"])
def test_somebody_gets_an_answer(kind: str) -> None:
    program = "import sympy, os; print(sympy.prime(100), os.getuid() != 0)"
    done = as_somebody("-m", "sandbox", "-", "--kind", kind, given=program)
    assert (done.returncode, done.stdout) == (0, "541 True\n"), done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_somebodys_program_reaches_nothing(
    ended: dict[str, tuple[str, str, str]], program: str
) -> None:
    how, stdout, stderr = ended[program]
    assert (how, "reached" in stdout) == ("crashed", False), stdout + stderr
