"""A session of the pool: programs that share one interpreter in one worker."""

from collections.abc import Callable
from typing import Any

from sandbox.channel import WorkerLost
from sandbox.execution import Execution, Limits, SandboxError
from sandbox.results import execution
from sandbox.worker import Worker


class PoolSession:
    """Runs programs one after another in a worker that runs nothing else meanwhile."""

    def __init__(self, worker: Worker, limits: Limits, call: Callable[..., Any]) -> None:
        self._worker = worker
        self._limits = limits
        self._call = call
        self._starts = 0

    async def run(self, program: str) -> Execution:
        """Run one more program. Raises SandboxError, after which the session is over."""
        try:
            facts, output = await self._call(self._worker.step, program, self._limits)
        except WorkerLost as lost:
            self._worker.unfit = f"it was lost during a session: {lost}"
            raise SandboxError(f"a session's worker was lost, with its state: {lost}") from lost
        self._starts += facts["fresh"]
        return execution(facts, output, self._limits)

    @property
    def restarts(self) -> int:
        """Count how often all names were lost because the process that held them had ended."""
        return max(0, self._starts - 1)
