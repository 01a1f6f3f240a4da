"""The sandbox `solver` of inspect_ai: our warm pool, for programs in Python.

    Task(..., sandbox="solver")                       # the best kind there is
    Task(..., sandbox=("solver", "native,seconds=5,memory_mb=512,workers=4"))

Each call of `exec` with Python runs in a fresh process, so nothing but the files that were written
through inspect is there in the next. Every other command fails with 127, as one that is missing.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from inspect_ai.util import ExecResult, SandboxEnvironment, sandboxenv

from sandbox import Execution, Exit, Limits, Sandbox, open_sandbox

_MISSING = 127
_PYTHON = re.compile(r"(?:.*/)?python[\d.]*")
_SHELLS = ("bash", "sh")
_CODES = {Exit.OUT_OF_MEMORY: 137, Exit.KILLED: 137}


@dataclass
class _Shared:
    """The pool of one configuration, and how many tasks use it."""

    pool: Sandbox
    users: int = 0


_pools: dict[str, _Shared] = {}


@sandboxenv(name="solver")
class SolverSandbox(SandboxEnvironment):
    """One sample's files, and the pool in which its programs run."""

    def __init__(self, config: str) -> None:
        super().__init__()
        self._config = config
        self._files: dict[str, bytes] = {}

    @classmethod
    async def task_init(cls, task_name: str, config: Any) -> None:
        """Open the pool, or share it. Raises SandboxError, and ValueError for a bad config."""
        key = config or ""
        if key not in _pools:
            kind, limits, workers = settings_of(key)
            pool = await open_sandbox(kind, limits=limits, workers=workers, owner="inspect")
            _pools[key] = _Shared(pool)
        _pools[key].users += 1

    @classmethod
    async def task_cleanup(cls, task_name: str, config: Any, cleanup: bool) -> None:
        """Close the pool with the last task that uses it."""
        shared = _pools.get(config or "")
        if shared is None:
            return
        shared.users -= 1
        if shared.users <= 0:
            del _pools[config or ""]
            await shared.pool.close()

    @classmethod
    async def sample_init(
        cls, task_name: str, config: Any, metadata: dict[str, str]
    ) -> dict[str, SandboxEnvironment]:
        """Return the environment of one sample, without files."""
        return {"default": cls(config or "")}

    @classmethod
    async def sample_cleanup(
        cls, task_name: str, config: Any, environments: Any, interrupted: bool
    ) -> None:
        """Do nothing: the files of a sample go with its object."""

    async def run(self, program: str) -> Execution:
        """Run one program in a fresh process of the pool. Raises SandboxError."""
        return await _pools[self._config].pool.run(self._with_files(program))

    async def exec(
        self,
        cmd: list[str],
        input: str | bytes | None = None,
        cwd: str | None = None,
        env: dict[str, str] | None = None,
        user: str | None = None,
        timeout: int | None = None,
        timeout_retry: bool = True,
        concurrency: bool = True,
    ) -> Any:
        """Run a Python program; fail with 127 for any other command.

        Environment, user and a shorter `timeout` are not applied: the pool's limits hold. Raises
        TimeoutError where they stop the program, SandboxError where the sandbox itself fails.
        """
        text = input.decode(errors="replace") if isinstance(input, bytes) else input or ""
        program = self._program(cmd, text)
        if program is None:
            name = cmd[0] if cmd else ""
            return ExecResult(False, _MISSING, "", f"{name}: only python runs in this sandbox\n")
        done = await self.run(program)
        if done.exit is Exit.TIMEOUT:
            raise TimeoutError("the program ran out of its time")
        code = 0 if done.exit is Exit.OK else _CODES.get(done.exit, 1)
        stderr = done.stderr or ("" if code == 0 else f"{done.exit}\n")
        return ExecResult(code == 0, code, done.stdout, stderr)

    async def write_file(self, file: str, contents: str | bytes) -> None:
        """Keep a file; programs find it in their working directory."""
        self._files[_inside(file)] = contents.encode() if isinstance(contents, str) else contents

    async def read_file(self, file: str, text: bool = True) -> Any:
        """Return a file that was written here. Raises FileNotFoundError, UnicodeDecodeError."""
        if _inside(file) not in self._files:
            raise FileNotFoundError(file)
        contents = self._files[_inside(file)]
        return contents.decode() if text else contents

    def _program(self, cmd: Sequence[str], text: str) -> str | None:
        """Return the program that a command runs; None where it is not Python."""
        words = list(cmd)
        if words and words[0].rpartition("/")[2] in _SHELLS and "-c" in words[:-1]:
            try:
                words = shlex.split(words[words.index("-c") + 1])
            except ValueError:
                return None
        if not words or not _PYTHON.fullmatch(words[0]):
            return None
        if "-c" in words[:-1]:
            return words[words.index("-c") + 1]
        files = [word for word in words[1:] if not word.startswith("-")]
        if not files:
            return text
        found = self._files.get(_inside(files[0]))
        return None if found is None else found.decode(errors="replace")

    def _with_files(self, program: str) -> str:
        """Return a program that first writes this sample's files into its working directory."""
        if not self._files:
            return program
        before = (
            "def _write(files):\n"
            "    import pathlib\n"
            "    for name, contents in files.items():\n"
            "        path = pathlib.Path(name)\n"
            "        path.parent.mkdir(parents=True, exist_ok=True)\n"
            "        path.write_bytes(contents)\n"
            f"_write({self._files!r})\ndel _write\n"
        )
        return before + f"exec(compile({program!r}, 'solution.py', 'exec'))\n"


def settings_of(config: str) -> tuple[str, Limits, int | None]:
    """Return kind, limits and workers of a config such as `native,seconds=5,workers=4`.

    Raises ValueError for an unknown name, or a value that is no number above 0.
    """
    named = config.rpartition("/")[2]  # inspect takes the text for a file in the task's folder
    kind, *settings = [part.strip() for part in named.split(",")]
    known: dict[str, Any] = {"seconds": float, "memory_mb": int, "output_kb": int, "workers": int}
    found: dict[str, Any] = {}
    for setting in settings:
        name, _, value = setting.partition("=")
        if name not in known:
            raise ValueError(f"sandbox solver: {name!r} is unknown; choices: {', '.join(known)}")
        found[name] = known[name](value)
    workers = found.pop("workers", None)
    return kind or "auto", Limits(**found), workers


def _inside(file: str) -> str:
    """Return a path within the working directory. Raises PermissionError where it is outside."""
    path = PurePosixPath(file)
    parts = [part for part in path.parts if part not in ("/", ".")]
    if ".." in parts or not parts:
        raise PermissionError(f"{file}: outside of the working directory")
    return "/".join(parts)
