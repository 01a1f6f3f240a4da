"""A clone in the temporary folder: boxes have a /tmp of their own, and yet reach this Python."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.integration.engines import require

ROOT = Path(__file__).parents[2]
RUN = '''
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from sandbox import open_sandbox

PROGRAM = """
import os, sys
site = [folder for folder in sys.path if folder.startswith("/opt/host/tmp/")]
sys.path[:] = [*site, *sys.path]
for name in [name for name in sys.modules if name.startswith("mpmath")]:
    del sys.modules[name]
import mpmath
print(mpmath.__file__, os.path.exists("/tmp/pytest-of-root"))
"""

async def main():
    box = await open_sandbox("native", workers=1)
    print((await box.run(PROGRAM)).stdout)
    await box.close()

asyncio.run(main())
'''


@pytest.mark.native
def test_a_program_imports_a_library_that_lies_below_tmp(tmp_path):
    require("native")
    if not str(tmp_path).startswith("/tmp/"):
        pytest.skip("the temporary folder of this machine is not /tmp")
    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if folder not in (Path("/tmp"), Path("/")):
            folder.chmod(0o755)  # programs run as another user
    shutil.copytree(ROOT / "sandbox", tmp_path / "sandbox")
    shutil.copytree(Path(find_spec("mpmath").origin).parent, tmp_path / "mpmath")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        capture_output=True, text=True, timeout=120, cwd="/",
    )  # fmt: skip
    assert done.stdout.strip() == f"/opt/host{tmp_path}/mpmath/__init__.py False", done.stderr
