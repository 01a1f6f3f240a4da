"""Native and reduced boxes for somebody who is not root, when the tests are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.engines import require

ROOT = Path(__file__).parents[2]
SOMEBODY = 54_321

pytestmark = pytest.mark.native


def run_as_somebody(kind: str, program: str) -> subprocess.CompletedProcess[str]:
    require("root")  # to become somebody else
    require("native")
    python = python_for_everybody()
    libraries = Path(sys.modules["pytest"].__file__ or "").parents[1]
    command = ["setpriv", f"--reuid={SOMEBODY}", f"--regid={SOMEBODY}", "--clear-groups"]
    command += [python, "-m", "sandbox", "-", "--kind", kind, "--timeout", "5"]
    environment = {
        "PYTHONPATH": f"{ROOT}:{libraries}",
        "PATH": os.environ["PATH"],
        "HOME": "/tmp",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        command, input=program, env=environment, capture_output=True, text=True, check=False
    )


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
    done = run_as_somebody(kind, "import sympy, os; print(sympy.prime(100), os.getuid() != 0)")
    assert (done.returncode, done.stdout) == (0, "541 True\n"), done.stderr


@pytest.mark.parametrize("kind", ["native", "reduced"])
@pytest.mark.parametrize(
    "program",
    [
        "print(open('/etc/passwd').read())",
        f"print(open({str(ROOT / 'pyproject.toml')!r}).read())",
        "import os; os.kill(1, 9); os.kill(1, 15); os.kill(os.getppid(), 9); os.kill(-1, 0)",
        "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
        "open('/proc/1/environ').read()",
        "open('/proc/1/mem', 'rb').read(1)",
        "import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (1, 1))",
        "import ctypes; l = ctypes.CDLL(None, use_errno=True); assert l.unshare(0x10000000) == 0",
        "open('/usr/planted', 'w')",
        "open('/opt/zygote/zygote/planted', 'w')",
    ],
)
def test_somebodys_program_reaches_nothing(kind: str, program: str) -> None:
    done = run_as_somebody(kind, f"{program}\nprint('reached')")
    assert (done.returncode, "reached" in done.stdout) == (1, False), done.stdout + done.stderr
